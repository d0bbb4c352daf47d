"""Seeded random faults and kill -9s in all pulls, by each way: in the end each row of the catalog is as the vendor has it.

Every seed is a store of its own with a plan of its own; all of them run side by side, and every kill hits many. So do both kinds
of database: most of the time is spent on waiting until the leases of the dead run out.

`NHANHSYNC_KILL_SEEDS` says which seeds are run, so that others can be tried by hand, eight or so at a time:

    NHANHSYNC_KILL_SEEDS=100-107 .venv/bin/pytest tests/e2e/test_pull_kills.py
"""

import asyncio
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from nhanhsync.jobs.v1 import job_pb2
from nhanhsync.sync.v1 import operations_pb2 as pb
from sandbox.faults import Rule
from sandbox.world import StoreWorld
from stack.processes import ServiceProcess

from tests.e2e.random_faults import random_fate, random_rules
from tests.fakes.mirrors import MIRRORS, Mirror, Rows, catalog_rows, check_levels
from tests.fakes.postgres import KINDS, fresh_database
from tests.fakes.pulls import BULK_PULLS, NHANH_PULLS, PAGED_PULLS, Pull
from tests.fakes.vendor_changes import change_everywhere
from tests.fakes.whole_stack import WholeStack, whole_stack

DEFAULT_SEEDS = "0-2"
MOST_LOST = 2
"""A job is given up with its third attempt, so that it may lose two: by kills, or by bulk operations that come to nothing."""

PATIENCE_SECONDS = 100.0


def seeds_of(text: str) -> list[int]:
    """Read seeds: numbers and ranges, with commas."""
    ends = [part.split("-") for part in text.split(",")]
    return [seed for each in ends for seed in range(int(each[0]), int(each[-1]) + 1)]


SEEDS = seeds_of(os.environ.get("NHANHSYNC_KILL_SEEDS", DEFAULT_SEEDS))


def store_of(seed: int) -> str:
    """Name the store of a seed."""
    return f"shop{seed}"


@dataclass
class Trial:
    """All stores over one catalog, the workers that live, and what decides by chance about each store and about the kills."""

    name: str
    stack: WholeStack
    workers: list[ServiceProcess]
    stores: dict[str, Random]
    killing: Random
    drawn: dict[str, list[Pull]] = field(default_factory=dict)
    lost: int = 0
    """Attempts that did not end well: were there none, nothing would have been tried."""

    def worlds(self) -> Sequence[StoreWorld]:
        """What is true at the vendors."""
        return [self.stack.sandbox.world.stores[store_id] for store_id in self.stores]

    async def another_worker(self) -> None:
        """Start one that could do all the work alone."""
        self.workers.append(await self.stack.worker(concurrency=4 * len(self.stores)))

    async def pulled(self, mode: int, kills: int) -> None:
        """Run all pulls of every store to their end, while workers die."""
        client = await self.stack.client(self.workers[0])
        self.drawn = drawn = {store_id: drawn_pulls(random) for store_id, random in self.stores.items()}
        self.stack.plan(*(rule for store_id in drawn for rule in self.plan_of(store_id, drawn[store_id], kills)))
        jobs = [(pull, await pull.start(client, store_id, mode)) for store_id in drawn for pull in drawn[store_id]]
        ends = asyncio.gather(*(client.wait_job(job.job_id, timeout=PATIENCE_SECONDS) for _, job in jobs))
        await self.killed_now_and_then(kills, ends)
        for (pull, _), ended in zip(jobs, await ends, strict=True):
            assert ended.state == job_pb2.JOB_STATE_COMPLETED, (self.name, str(pull), ended)
            self.lost += ended.attempt - 1
            counts = ended.progress
            told = sum(counts.metrics[name] for name in ("created", "updated", "unchanged"))
            assert (counts.processed, counts.total) == (told, told), (self.name, str(pull), ended)

    def plan_of(self, store_id: str, pulls: Sequence[Pull], kills: int) -> list[Rule]:
        """Draw what goes wrong in a store: never more than its jobs get over."""
        random = self.stores[store_id]
        fates = [random_fate(store_id, random) for _ in range(MOST_LOST - kills)]
        return [*fates, *random_rules(pulls, store_id, random)]

    async def killed_now_and_then(self, kills: int, ends: asyncio.Future[list[job_pb2.Job]]) -> None:
        """Kill a worker after so many calls, and then another; each has a successor."""
        for _ in range(kills):
            target = self.calls() + self.killing.randint(3, 25)
            while self.calls() < target and not ends.done():  # noqa: ASYNC110 - another process makes it true
                await asyncio.sleep(0.005)
            victim = self.workers.pop(self.killing.randrange(len(self.workers)))
            victim.kill()
            await victim.wait()
            await self.another_worker()

    def calls(self) -> int:
        """Count the calls that the vendors have answered."""
        return sum(world.calls.answered.total() for world in self.worlds())

    async def stored(self, mirror: Mirror, world: StoreWorld) -> Rows:
        """Read a mirror."""
        return await mirror.stored_rows(self.stack.catalog_url, world.store_id)

    async def check(self) -> None:
        """Compare every mirror row by row, and stock levels where they were read; nothing else of any pull is left over."""
        for world in self.worlds():
            for mirror in MIRRORS:
                await mirror.check(world, self.stack.catalog_url)
            if BULK_PULLS[0] in self.drawn[world.store_id]:
                await check_levels(world, self.stack.catalog_url)
        for left in ("pull_seen", "pull_levels WHERE pull_id NOT IN (SELECT coalesce(levels_pull, '') FROM pull_runs)"):
            assert await catalog_rows(self.stack.catalog_url, f"SELECT * FROM {left}") == []

    async def check_changes(self, before: dict[tuple[str, str], Rows]) -> None:
        """Compare what is at the vendors; of the rest an INCREMENTAL pull knows nothing, so it has to stay as it was."""
        for world in self.worlds():
            for mirror in MIRRORS:
                told = before[world.store_id, mirror.table] | mirror.true_rows(world)
                wrong = mirror.differing(await self.stored(mirror, world), told)
                assert not wrong, (self.name, mirror.table, wrong)

    def truth(self) -> dict[tuple[str, str], Rows]:
        """Tell all that is true now."""
        return {
            (world.store_id, mirror.table): mirror.true_rows(world) for world in self.worlds() for mirror in MIRRORS
        }

    def change(self) -> None:
        """Let the vendors' rows change."""
        for world in self.worlds():
            change_everywhere(world, self.stores[world.store_id])

    async def run(self) -> None:
        """Pull everything, then what has changed, then everything again."""
        await self.pulled(pb.PULL_MODE_FULL, kills=1)
        await self.check()
        before = self.truth()
        self.change()
        await self.pulled(pb.PULL_MODE_INCREMENTAL, kills=1)
        await self.check_changes(before)
        self.change()
        await self.pulled(pb.PULL_MODE_FULL, kills=2)
        await self.check()
        assert self.lost
        assert all(world.calls.faulted.total() for world in self.worlds())


def drawn_pulls(random: Random) -> list[Pull]:
    """Draw by which way each list of Shopify's is read."""
    return [*NHANH_PULLS, *(random.choice(ways) for ways in zip(PAGED_PULLS, BULK_PULLS, strict=True))]


async def tried(folder: Path, database_url: str | None, workers: int) -> None:
    """Run all seeds over one catalog."""
    stores = {store_of(seed): Random(seed) for seed in SEEDS}
    async with whole_stack(
        folder, products=150, customers=500, stores=tuple(stores), database_url=database_url
    ) as stack:
        await stack.tracker()
        trial = Trial(folder.name, stack, [], stores, Random(str(SEEDS)))
        await asyncio.gather(*(trial.another_worker() for _ in range(workers)))
        await trial.run()


async def test_whatever_happens_the_catalog_ends_as_the_vendors_are(tmp_path: Path) -> None:
    """Three rounds of pulls with faults and kills, and changes between them: no row is lost, doubled, stale or made up."""
    for kind in KINDS:
        (tmp_path / kind).mkdir()
    with fresh_database("postgresql", tmp_path, None) as url:
        await asyncio.gather(tried(tmp_path / "sqlite", None, 1), tried(tmp_path / "postgresql", url, 2))
