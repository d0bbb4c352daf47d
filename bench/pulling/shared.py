"""Three SyncWorkers on one PostgreSQL serve one store: what they spend together of the one quota that they share.

Two pulls of one list exclude each other, so that two at most spend a shop's points at once: its variants and its customers.
Each list is pulled twice, the second time from the queue, and each worker takes one job at a time. So the third one is at
hand when the first is done, and the quota changes hands while it is spent.

Nhanh counts by path, and each list is a path: no two pulls of a store share one of its quotas.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nhanhsync.client import Client
from nhanhsync.jobs.v1 import job_pb2

from bench.lines import Better, Line, said
from bench.pulling import floors
from bench.pulling.lists import SHOPIFY_CUSTOMERS, SHOPIFY_VARIANTS, VendorList, Way
from bench.pulling.quota import OF_THE_QUOTA, TOO_SHORT
from bench.pulling.shop import check_completed, sandbox, workers
from bench.pulling.unbound import Store

WORKERS = 3
STORE = "hanoi"
LISTS = (SHOPIFY_VARIANTS.read(Way.PAGES), SHOPIFY_CUSTOMERS.read(Way.PAGES))
ROUNDS = 2


@dataclass(frozen=True, slots=True)
class Size:
    """How much the sandbox makes; `scale` multiplies the bucket and its refill, 1 being as documented."""

    products: int = 6_500
    customers: int = 13_500
    scale: float = 1.0

    @property
    def bucket(self) -> floors.Bucket:
        """Scale Shopify's bucket."""
        return floors.Bucket(floors.SHOPIFY.size * self.scale, floors.SHOPIFY.per_second * self.scale)

    @property
    def arguments(self) -> tuple[str, ...]:
        """Say it to the sandbox."""
        things = ("--products", str(self.products), "--customers", str(self.customers))
        return ("--latency-ms", "0", "--limits-scale", str(self.scale), "--prepared", *things)


@dataclass(frozen=True, slots=True)
class Run:
    """One pull: which worker ran it, and from when to when, by JobTracker's clock; seconds."""

    name: str
    worker_id: str
    begin: float
    end: float


async def lines(folder: Path, store: Store, size: Size) -> AsyncIterator[Line]:
    """Start every pull at once, and count at the sandbox what all of them spent."""
    place = folder / "shared"
    name = f"{WORKERS} workers on {store.name} share one Shopify quota"
    try:
        async with sandbox(place, *size.arguments, stores=(STORE,)) as vendors:
            async with workers(place, vendors.stores_file, store.empty(place), WORKERS, concurrency="1") as all_of_them:
                client = all_of_them[0].client
                asked = [(number, wanted) for number in range(1, ROUNDS + 1) for wanted in LISTS]
                started = [
                    (f"{wanted}, pull {n}", wanted, await wanted.start(client, STORE, queued=True))
                    for n, wanted in asked
                ]
                runs = await asyncio.gather(*(_run(client, *each) for each in started))
            calls = await vendors.calls(STORE)
    except Exception as failure:
        yield Line(name, "points", None, 0.0, better=Better.MORE, note=said(failure))
        return
    for line in shared_lines(name, runs, calls, size.bucket):
        yield line


async def _run(client: Client, name: str, wanted: VendorList, job: job_pb2.Job) -> Run:
    ended = await client.wait_job(job.job_id)
    check_completed(wanted, ended)
    begin, end = ended.start_time.ToMicroseconds() / 1e6, ended.end_time.ToMicroseconds() / 1e6
    return Run(name, ended.worker_id, begin, end)


def shared_lines(name: str, runs: Sequence[Run], calls: Mapping[str, Any], bucket: floors.Bucket) -> list[Line]:
    """Compare the points that were spent and those that a full bucket and its refill gave, from the first start to the last end.

    A run in which not every worker had a job shows nothing of what so many do together.
    """
    seconds = max(run.end for run in runs) - min(run.begin for run in runs)
    spent, limit = float(calls["points"]), bucket.points_within(seconds)
    numbers: dict[str, int] = {}
    for run in sorted(runs, key=lambda run: run.begin):
        numbers.setdefault(run.worker_id, len(numbers) + 1)
    note = ""
    if spent <= bucket.size:
        note = TOO_SHORT
    elif len(numbers) < WORKERS:
        note = f"only {len(numbers)} of {WORKERS} workers ran a job"
    more = {
        "seconds": seconds,
        "of_the_refill": (spent - bucket.size) / (limit - bucket.size),
        **{f"{run.name}: worker": float(numbers[run.worker_id]) for run in runs},
        **{f"{run.name}: seconds": run.end - run.begin for run in runs},
    }
    together = Line(
        name,
        "points",
        None if note else spent,
        OF_THE_QUOTA * limit,
        limit,
        "a full bucket and its refill",
        more,
        Better.MORE,
        "95% of the limit",
        note=note,
    )
    refused = float(sum(calls["refused"].values()))
    return [together, Line(f"{name}: refused calls", "calls", refused, 0.0, goal_name="none is refused")]
