"""PauseJobType and ResumeJobType: maintenance without a fight."""

from functools import partial

from job_tracker.application.tracker import Tracker
from job_tracker.domain import moves
from job_tracker.domain.errors import TrackerError
from job_tracker.domain.job import Asked, Job, JobType
from job_tracker.domain.moves import Change, Now


async def pause_type(
    tracker: Tracker, job_type: str, reason: str, requested_by: str, *, release_running: bool
) -> tuple[JobType, int]:
    """Keep a type's jobs from being claimed, and tell the workers of those that run: finish it, or give it back.

    Answers with the type, and how many of its jobs are held at this moment.

    Raises:
        JobTypeNotRegisteredError: Nobody has registered the type.
    """
    paused = await tracker.store.pause_type(job_type, requested_by or "unknown", reason)
    held = await _ask(tracker, job_type, Asked.RELEASE if release_running else Asked.DRAIN)
    return paused, held


async def resume_type(tracker: Tracker, job_type: str) -> JobType:
    """Let a type's jobs be claimed.

    Raises:
        JobTypeNotRegisteredError: Nobody has registered the type.
    """
    resumed = await tracker.store.resume_type(job_type)
    await _ask(tracker, job_type, Asked.NOTHING)
    tracker.tell_claimers()
    return resumed


async def _ask(tracker: Tracker, job_type: str, asked: Asked) -> int:
    def decide(job: Job, _now: Now, what: Asked) -> Change:
        return moves.ask(job, what)

    held = await tracker.store.held_of_type(job_type)
    changes = await tracker.store.change_many([(job_id, partial(decide, what=asked)) for job_id in held])
    for change in changes:
        if not isinstance(change, TrackerError):  # what ended and was removed since needs no telling
            tracker.tell(change)
    return len(held)
