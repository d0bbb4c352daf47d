"""The reaper: nothing that a worker left behind stays as it is."""

import asyncio

import structlog

from job_tracker.application.tracker import Tracker
from job_tracker.domain import moves
from job_tracker.domain.errors import JobNotFoundError
from job_tracker.domain.job import Job
from job_tracker.domain.moves import Change, Now

log = structlog.get_logger()

EVERY_SECONDS = 0.25


async def reap(tracker: Tracker) -> int:
    """Take jobs from workers that were not heard of, end cancels whose grace is over, free locks; how many jobs moved."""
    if await tracker.store.watch_leases(tracker.cancel_grace, tracker.unwatched):
        log.info("leases begin anew: nobody looked after them for a while")

    def decide(job: Job, now: Now) -> Change:
        expired = moves.expire(job, tracker.uniform, now)
        return expired if expired.changed else moves.end_grace(job, now)

    moved = 0
    for job_id in await tracker.store.overdue():
        try:
            change = await tracker.store.change(job_id, decide)
        except JobNotFoundError:
            continue  # it was removed since we looked
        if change.changed:
            moved += 1
            log.info("reaped", job_id=job_id, state=change.job.state, worker_id=change.job.worker_id)
        tracker.tell(change)
    freed = await tracker.store.free_locks()
    if await tracker.store.take_places() or freed:
        tracker.tell_claimers()
    return moved


async def reap_forever(tracker: Tracker) -> None:
    """Reap until cancelled. A fault is logged, and the next round comes all the same: leases must run out."""
    while True:
        try:
            await reap(tracker)
        except Exception:  # the reaper must outlive what one round meets
            log.exception("reaping failed")
        await asyncio.sleep(EVERY_SECONDS)
