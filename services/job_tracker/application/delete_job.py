"""DeleteJob."""

from job_tracker.application.tracker import Tracker


async def delete_job(tracker: Tracker, job_id: str) -> None:
    """Remove a job that has ended, with its events and item failures.

    Raises:
        JobNotFoundError: There is no such job.
        IllegalTransitionError: It has not ended, or its locks still stand for a worker that did not let go.
    """
    removed = await tracker.store.delete(job_id)
    tracker.tell_watchers(removed)
