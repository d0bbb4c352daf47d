"""PauseJob and ResumeJob."""

from job_tracker.application.tracker import Tracker
from job_tracker.domain import moves
from job_tracker.domain.job import Job


async def pause_job(tracker: Tracker, job_id: str, reason: str, requested_by: str) -> Job:
    """Keep a job from being claimed; the worker of a running one is told at once to give it back.

    Raises:
        JobNotFoundError: There is no such job.
        IllegalTransitionError: It is final, or being cancelled.
    """
    change = await tracker.store.change(job_id, lambda job, now: moves.pause(job, reason, requested_by, now))
    tracker.tell(change)
    return change.job


async def resume_job(tracker: Tracker, job_id: str, requested_by: str) -> Job:
    """Let a paused job go on.

    Raises:
        JobNotFoundError: There is no such job.
        IllegalTransitionError: It is final, or being cancelled.
    """
    change = await tracker.store.change(job_id, lambda job, now: moves.resume(job, requested_by, now))
    tracker.tell(change)
    return change.job
