"""ClaimJobs: a long poll for work."""

import asyncio

from job_tracker.application.changes import PENDING
from job_tracker.application.ports.job_store import Claimed, ClaimRequest
from job_tracker.application.tracker import Tracker


async def claim_jobs(tracker: Tracker, request: ClaimRequest, wait: float) -> list[Claimed]:
    """Claim what may run, waiting up to `wait` seconds for the first job.

    Raises:
        InvalidFieldsError: The request id was used before for another claim.
        StoppingError: JobTracker is stopping.
    """
    until = tracker.clock.now().steady + wait
    await tracker.workers.heard(request.worker_id, types=request.types)
    with tracker.changes.subscribe(PENDING) as subscription:
        while True:
            if await tracker.store.any_claimable(request):
                claimed = await asyncio.shield(asyncio.ensure_future(_claim(tracker, request)))
                if claimed:
                    return claimed
            left = until - tracker.clock.now().steady
            if left <= 0:
                return []
            await subscription.wait(min(left, tracker.look_again))
            subscription.take()


async def _claim(tracker: Tracker, request: ClaimRequest) -> list[Claimed]:
    """Claim and tell of it in one piece: watchers hear of a claim whose worker goes away meanwhile."""
    claimed = await tracker.store.claim(request, tracker.new_token)
    for one in claimed:
        tracker.tell_watchers(one.job)
    return claimed
