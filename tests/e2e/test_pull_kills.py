"""Seeded random faults and kill -9s in all four pulls: in the end each row of the catalog is as the vendor has it.

Every seed is a store of its own with a plan of its own; all of them run side by side, and every kill hits them all.
"""

import asyncio
from collections.abc import Iterable, Mapping
from pathlib import Path
from random import Random

from nhanhsync.client import Client
from nhanhsync.jobs.v1 import job_pb2
from sandbox.faults import FaultKind, Rule
from sandbox.mutations import Edit, apply_edits
from sandbox.world import StoreWorld
from stack.processes import ServiceProcess

from tests.fakes.pulls import PULLS, Pull
from tests.fakes.whole_stack import WholeStack, whole_stack

SEEDS = range(6)
KILLS_A_ROUND = 2
"""A job is given up when its third worker dies, so that it may lose two."""

PATIENCE_SECONDS = 180.0
KINDS = (
    FaultKind.HTTP_429,
    FaultKind.HTTP_503,
    FaultKind.HTML,
    FaultKind.SHORT_PAGE,
    FaultKind.EMPTY_PAGE,
    FaultKind.THROTTLED,
    FaultKind.DROP_AFTER_COMMIT,
)


def store_of(seed: int) -> str:
    """Name the store of a seed."""
    return f"shop{seed}"


def plan_of(seed: int, random: Random, pulls: Iterable[Pull]) -> list[Rule]:
    """Draw what goes wrong in a store: never more in a row than a call's retries get over."""
    rules = []
    for pull in pulls:
        skip = 0
        for _ in range(random.randint(0, 3)):
            skip += random.randint(1, 3)
            kind = random.choice(KINDS)
            rules.append(pull.fault(kind, store_of(seed), skip=skip, times=random.randint(1, 2), seconds=0.1))
    return rules


def edits_of(random: Random, world: StoreWorld) -> list[Edit]:
    """Draw what changes at the vendors between two rounds: rows change and go, fewer than the guard asks about."""
    business, shop = world.business, world.shop
    people = random.sample(list(business.customers), 12)
    things = random.sample([one for one, row in business.products.items() if int(row["parentId"]) == -1], 6)
    buyers = random.sample(list(shop.customers), 3)
    return [
        *({"set": "nhanh_spend", "id": one, "value": random.randint(1, 99) * 1_000} for one in people[:8]),
        *({"remove": "nhanh_customer", "id": one} for one in people[8:]),
        *({"set": "nhanh_name", "id": one, "value": f"Tên mới {one}"} for one in things[:4]),
        *({"remove": "nhanh_product", "id": one} for one in things[4:]),
        *({"remove": "shopify_customer", "id": one} for one in buyers),
    ]


def calls(worlds: Iterable[StoreWorld]) -> int:
    """Count the calls that the vendors have answered."""
    return sum(world.calls.answered.total() for world in worlds)


async def killed_now_and_then(stack: WholeStack, worker: ServiceProcess, random: Random) -> ServiceProcess:
    """Kill a worker after so many calls, and the one after it: the last one, which lives."""
    worlds = stack.sandbox.world.stores.values()
    for _ in range(KILLS_A_ROUND):
        target = calls(worlds) + random.randint(3, 25)
        async with asyncio.timeout(PATIENCE_SECONDS):
            while calls(worlds) < target:  # noqa: ASYNC110 - another process makes it true
                await asyncio.sleep(0.005)
        worker.kill()
        await worker.wait()
        worker = await stack.worker(concurrency=4 * len(SEEDS))
    return worker


async def pulled(stack: WholeStack, client: Client, worker: ServiceProcess, random: Random) -> ServiceProcess:
    """Run all four pulls of every store to their end, while workers die; the worker that is left."""
    stack.plan(*(rule for seed in SEEDS for rule in plan_of(seed, random, PULLS)))
    jobs = [(pull, await pull.start(client, store_of(seed))) for seed in SEEDS for pull in PULLS]
    worker = await killed_now_and_then(stack, worker, random)
    for pull, job in jobs:
        ended = await client.wait_job(job.job_id, timeout=PATIENCE_SECONDS)
        assert ended.state == job_pb2.JOB_STATE_COMPLETED, (str(pull), ended)
        counts = ended.progress
        told = sum(counts.metrics[name] for name in ("created", "updated", "unchanged"))
        assert (counts.processed, counts.total) == (told, told), (str(pull), ended)
    return worker


def check(stack: WholeStack, folder: Path) -> None:
    """Compare every mirror of every store, row by row."""
    worlds: Mapping[str, StoreWorld] = stack.sandbox.world.stores
    for seed in SEEDS:
        for pull in PULLS:
            pull.mirror.check(worlds[store_of(seed)], folder / "catalog.db")


async def test_whatever_happens_the_catalog_ends_as_the_vendors_are(tmp_path: Path) -> None:
    """Two rounds of pulls with faults and kills, and changes between them: no row is lost, doubled, stale or made up."""
    random = Random(20260701)
    stores = tuple(map(store_of, SEEDS))
    async with whole_stack(tmp_path, products=150, customers=500, stores=stores) as stack:
        await stack.tracker()
        worker = await stack.worker(concurrency=4 * len(SEEDS))
        client = await stack.client(worker)
        worker = await pulled(stack, client, worker, random)
        check(stack, tmp_path)
        for world in stack.sandbox.world.stores.values():
            apply_edits(world, edits_of(random, world))
        await pulled(stack, await stack.client(worker), worker, random)
        check(stack, tmp_path)
