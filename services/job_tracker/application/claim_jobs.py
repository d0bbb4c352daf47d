"""ClaimJobs: a long poll for work."""

import asyncio

from job_tracker.application.changes import PENDING
from job_tracker.application.ports.job_store import Claimed, ClaimRequest
from job_tracker.application.tracker import Tracker
from job_tracker.domain.moves import Now


async def claim_jobs(tracker: Tracker, request: ClaimRequest, wait: float) -> list[Claimed]:
    """Claim what may run, waiting up to `wait` seconds for the first job.

    Raises:
        InvalidFieldsError: The request id was used before for another claim.
        StoppingError: JobTracker is stopping.
    """
    until = tracker.clock.now().steady + wait
    with tracker.changes.subscribe(PENDING) as subscription:
        while True:
            now = tracker.clock.now()
            if await tracker.store.any_claimable(request, now):
                claimed = await asyncio.shield(asyncio.ensure_future(_claim(tracker, request, now)))
                if claimed:
                    return claimed
            left = until - now.steady
            if left <= 0:
                return []
            await subscription.wait(min(left, tracker.look_again))
            subscription.take()


async def _claim(tracker: Tracker, request: ClaimRequest, now: Now) -> list[Claimed]:
    """Claim and tell of it in one piece: watchers hear of a claim whose worker goes away meanwhile."""
    claimed = await tracker.store.claim(request, now, tracker.new_token)
    for one in claimed:
        tracker.tell_watchers(one.job)
    return claimed
