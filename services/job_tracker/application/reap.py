"""The reaper: nothing that a worker left behind stays as it is."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog

from job_tracker.application.tracker import Tracker
from job_tracker.domain import moves
from job_tracker.domain.job import Job
from job_tracker.domain.moves import Change, Now

log = structlog.get_logger()

EVERY_SECONDS = 0.25


async def reap(tracker: Tracker) -> int:
    """Take jobs from workers that were not heard of, end cancels whose grace is over, free locks; how many jobs moved.

    What hangs or fails for one of them is logged, and keeps nothing from the others.
    """
    moved = 0
    async with _alone("look after leases"):
        if await tracker.store.watch_leases(tracker.cancel_grace, tracker.unwatched):
            log.info("leases begin anew: nobody looked after them for a while")
    async with _alone("take jobs back"):
        for job_id in await tracker.store.overdue():
            async with _alone("take a job back", job_id=job_id):
                moved += await _take_back(tracker, job_id)
    async with _alone("free locks"):
        if await tracker.store.free_locks():
            tracker.tell_claimers()
    async with _alone("take places"):
        if await tracker.store.take_places():
            tracker.tell_claimers()
    return moved


async def _take_back(tracker: Tracker, job_id: str) -> bool:
    def decide(job: Job, now: Now) -> Change:
        expired = moves.expire(job, tracker.uniform, now)
        return expired if expired.changed else moves.end_grace(job, now)

    # Who is changing the job at this moment may be its worker, or a replica that hangs: it has its turn in the next round.
    change = await tracker.store.change_if_free(job_id, decide)
    if change is None or not change.changed:
        return False
    log.info("reaped", job_id=job_id, state=change.job.state, worker_id=change.job.worker_id)
    tracker.tell(change)
    return True


@asynccontextmanager
async def _alone(doing: str, **about: str) -> AsyncIterator[None]:
    """Let a step fail alone."""
    try:
        yield
    except Exception:
        log.exception("reaping failed", doing=doing, **about)


async def reap_forever(tracker: Tracker) -> None:
    """Reap until cancelled: leases must run out."""
    while True:
        await reap(tracker)
        await asyncio.sleep(EVERY_SECONDS)
