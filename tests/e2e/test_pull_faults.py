"""Every fault of the sandbox's plan in every pull, with both services for real: right rows and right state, or the right failure.

All of it runs side by side: each fault has a store of its own, so that none sees another's.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from nhanhsync.client import Client
from nhanhsync.jobs.v1 import job_pb2
from nhanhsync.jobs.v1 import job_tracker_service_pb2 as jobs_pb
from sandbox.faults import FaultKind
from sandbox.world import StoreWorld

from tests.fakes.pulls import PULLS, Pull
from tests.fakes.whole_stack import WholeStack, whole_stack

AT_ONCE = 24
PATIENCE_SECONDS = 120.0
COMPLETED, PARTIALLY, FAILED = (
    job_pb2.JOB_STATE_COMPLETED,
    job_pb2.JOB_STATE_PARTIALLY_COMPLETED,
    job_pb2.JOB_STATE_FAILED,
)

SURVIVED: dict[FaultKind, dict[str, Any]] = {
    FaultKind.HTTP_429: {"times": 2, "seconds": 0.2},
    FaultKind.HTTP_503: {"times": 2},
    FaultKind.HTML: {"times": 2},
    FaultKind.TIMEOUT: {"times": 1, "seconds": 4.0},
    FaultKind.SHORT_PAGE: {"times": 2},
    FaultKind.EMPTY_PAGE: {"times": 2},
    FaultKind.LOCK: {"times": 1, "seconds": 0.5},
    FaultKind.THROTTLED: {"times": 2, "seconds": 0.2},
    FaultKind.DROP_AFTER_COMMIT: {"times": 2},
}
"""Faults that pass, and how they are planned: behind the first page, so that they hit a pull in its middle."""


def store_of(kind: FaultKind) -> str:
    """Name the store that has this fault."""
    return kind.value.replace("_", "")


@asynccontextmanager
async def stack_with(folder: Path, *kinds: FaultKind) -> AsyncIterator[tuple[WholeStack, Client]]:
    """Run everything, with a store for each kind of fault."""
    stores = tuple(map(store_of, kinds))
    async with whole_stack(folder, products=300, customers=700, stores=stores) as stack:
        await stack.tracker()
        yield stack, await stack.client(await stack.worker(concurrency=AT_ONCE))


def world_of(stack: WholeStack, kind: FaultKind) -> StoreWorld:
    """Find the truth of the store that has this fault."""
    return stack.sandbox.world.stores[store_of(kind)]


async def ended(client: Client, pull: Pull, kind: FaultKind) -> job_pb2.Job:
    """Run a pull of the store that has this fault to its end."""
    job = await pull.start(client, store_of(kind))
    return await client.wait_job(job.job_id, timeout=PATIENCE_SECONDS)


async def test_every_fault_that_passes_is_survived(tmp_path: Path) -> None:
    """The pull completes in its first attempt, and each row of its mirror is as the vendor has it."""
    cases = [(pull, kind) for pull in PULLS for kind in SURVIVED]
    async with stack_with(tmp_path, *SURVIVED) as (stack, client):
        stack.plan(*(pull.fault(kind, store_of(kind), skip=1, **SURVIVED[kind]) for pull, kind in cases))
        jobs = await asyncio.gather(*(ended(client, pull, kind) for pull, kind in cases))
        for (pull, kind), job in zip(cases, jobs, strict=True):
            assert (job.state, job.attempt) == (COMPLETED, 1), (str(pull), kind, job)
            assert job.progress.processed == job.progress.metrics["created"], (str(pull), kind)
            pull.mirror.check(world_of(stack, kind), tmp_path / "catalog.db")
            faulted = world_of(stack, kind).calls.faulted
            assert faulted[f"{pull.vendor} {pull.operation}"] == SURVIVED[kind]["times"], (str(pull), kind)


async def test_a_list_that_never_ends_is_refused(tmp_path: Path) -> None:
    """A cursor that comes again ends the pull at once, and says so; what was read of it is kept, and nothing is gone."""
    kind = FaultKind.REPEAT_CURSOR
    async with stack_with(tmp_path, kind) as (stack, client):
        stack.plan(*(pull.fault(kind, store_of(kind), skip=1, times=-1) for pull in PULLS))
        jobs = await asyncio.gather(*(ended(client, pull, kind) for pull in PULLS))
        for pull, job in zip(PULLS, jobs, strict=True):
            assert (job.state, job.attempt, job.error.code) == (FAILED, 1, "MALFORMED_ANSWER"), (str(pull), job)
            true = pull.mirror.true_rows(world_of(stack, kind))
            stored = pull.mirror.stored_rows(tmp_path / "catalog.db", store_of(kind))
            assert stored
            assert stored.items() <= true.items()


async def test_a_dead_token_fails_at_once_and_a_retry_goes_on(tmp_path: Path) -> None:
    """The place is kept: with a token that is taken again, the next pull reads on where the last one stopped."""
    kind = FaultKind.INVALID_TOKEN
    async with stack_with(tmp_path, kind) as (stack, client):
        stack.plan(*(pull.fault(kind, store_of(kind), skip=1, times=-1) for pull in PULLS))
        jobs = await asyncio.gather(*(ended(client, pull, kind) for pull in PULLS))
        for pull, job in zip(PULLS, jobs, strict=True):
            assert (job.state, job.attempt) == (FAILED, 1), (str(pull), job)
            assert job.error.code in ("ERR_INVALID_ACCESS_TOKEN", "INVALID_TOKEN"), (str(pull), job.error)
        stack.plan()
        again = await asyncio.gather(*(ended(client, pull, kind) for pull in PULLS))
        for pull, job in zip(PULLS, again, strict=True):
            assert (job.state, job.result["resumed"]) == (COMPLETED, True), (str(pull), job)
            pull.mirror.check(world_of(stack, kind), tmp_path / "catalog.db")


async def test_a_row_that_cannot_be_read_fails_alone(tmp_path: Path) -> None:
    """The pull is partially completed, names the row and why, and has every other."""
    kind = FaultKind.BAD_ITEM
    async with stack_with(tmp_path, kind) as (stack, client):
        world = world_of(stack, kind)
        bad = {pull: min(pull.mirror.true_rows(world)) for pull in PULLS if pull.vendor == "nhanh"}
        stack.plan(*(pull.fault(kind, store_of(kind), times=-1, item=str(one)) for pull, one in bad.items()))
        jobs = await asyncio.gather(*(ended(client, pull, kind) for pull in bad))
        for pull, job in zip(bad, jobs, strict=True):
            assert (job.state, job.progress.failed) == (PARTIALLY, 1), (str(pull), job)
            failures = await client.jobs.ListItemFailures(jobs_pb.ListItemFailuresRequest(job_id=job.job_id))
            (failure,) = failures.item_failures
            assert (failure.item_key, failure.code) == (f"{pull.vendor}:{bad[pull]}", "UNREADABLE_ROW")
            stored = pull.mirror.stored_rows(tmp_path / "catalog.db", store_of(kind))
            true = pull.mirror.true_rows(world)
            assert stored == {one: row for one, row in true.items() if one != bad[pull]}
