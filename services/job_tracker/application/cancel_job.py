"""CancelJob."""

from job_tracker.application.tracker import Tracker
from job_tracker.domain import moves
from job_tracker.domain.job import Job


async def cancel_job(tracker: Tracker, job_id: str, reason: str, requested_by: str) -> Job:
    """Ask for a job to end; its worker is told at once.

    Raises:
        JobNotFoundError: There is no such job.
        IllegalTransitionError: It has ended already.
    """
    change = await tracker.store.change(
        job_id, lambda job, now: moves.cancel(job, reason, requested_by, tracker.cancel_grace, now)
    )
    tracker.tell(change)
    return change.job
