"""PauseJobType and ResumeJobType: maintenance without a fight."""

from job_tracker.application.tracker import Tracker
from job_tracker.domain.job import Asked, JobType


async def pause_type(
    tracker: Tracker, job_type: str, reason: str, requested_by: str, *, release_running: bool
) -> tuple[JobType, int]:
    """Keep a type's jobs from being claimed, and tell the workers of those that run: finish it, or give it back.

    Answers with the type, and how many of its jobs are held at this moment.

    Raises:
        JobTypeNotRegisteredError: Nobody has registered the type.
    """
    asked = Asked.RELEASE if release_running else Asked.DRAIN
    paused, held = await tracker.store.pause_type(job_type, requested_by or "unknown", reason, asked)
    for change in held:
        tracker.tell(change, type_reason="" if paused.pause is None else paused.pause.reason)
    return paused, len(held)


async def resume_type(tracker: Tracker, job_type: str) -> JobType:
    """Let a type's jobs be claimed.

    Raises:
        JobTypeNotRegisteredError: Nobody has registered the type.
    """
    resumed, held = await tracker.store.resume_type(job_type)
    for change in held:
        tracker.tell(change)
    tracker.tell_claimers()
    return resumed
