"""What a worker says under its lease: UpdateProgress, CompleteJob, FailJob, ReleaseJob."""

from dataclasses import dataclass

from job_tracker.application.tracker import Directive, Tracker
from job_tracker.domain import moves
from job_tracker.domain.job import Job, Json
from job_tracker.domain.moves import Report
from job_tracker.domain.states import State


@dataclass(frozen=True, slots=True)
class UpdateOutcome:
    """What was made of a report."""

    applied: bool
    directive: Directive
    revision: int


async def update_progress(tracker: Tracker, job_id: str, token: str, sequence: int, report: Report) -> UpdateOutcome:
    """Take a report and answer with what is wanted.

    Raises:
        JobNotFoundError, LeaseLostError, ProgressInvalidError: As their texts say.
    """
    now = tracker.clock.now()
    change = await tracker.store.change(job_id, lambda job: moves.update(job, token, sequence, report, now))
    tracker.tell(change)
    directive = Directive.CANCEL if change.job.state is State.CANCELLING else Directive.CONTINUE
    return UpdateOutcome(change.applied, directive, change.job.revision)


async def complete_job(
    tracker: Tracker, job_id: str, token: str, call_hash: str, report: Report, result: Json, message: str
) -> Job:
    """End a job whose work is done.

    Raises:
        JobNotFoundError, LeaseLostError, ProgressInvalidError, TotalNotReachedError, IllegalTransitionError: As they say.
    """
    now = tracker.clock.now()
    change = await tracker.store.change(
        job_id, lambda job: moves.complete(job, token, call_hash, report, result, message, now)
    )
    tracker.tell(change)
    return change.job


async def fail_job(
    tracker: Tracker,
    job_id: str,
    token: str,
    call_hash: str,
    report: Report,
    error: tuple[str, str, bool],
    retry_after: float | None,
) -> Job:
    """End an attempt that failed; `error` is code, message and whether it may be retried.

    Raises:
        JobNotFoundError, LeaseLostError, ProgressInvalidError, IllegalTransitionError: As they say.
    """
    now = tracker.clock.now()
    change = await tracker.store.change(
        job_id, lambda job: moves.fail(job, token, call_hash, report, error, retry_after, tracker.uniform, now)
    )
    tracker.tell(change)
    return change.job


async def release_job(tracker: Tracker, job_id: str, token: str, call_hash: str, report: Report, reason: str) -> Job:
    """Take a job back without a failure.

    Raises:
        JobNotFoundError, LeaseLostError, ProgressInvalidError, IllegalTransitionError: As they say.
    """
    now = tracker.clock.now()
    change = await tracker.store.change(job_id, lambda job: moves.release(job, token, call_hash, report, reason, now))
    tracker.tell(change)
    return change.job
