"""What a worker says under its lease: UpdateProgress, CompleteJob, FailJob, ReleaseJob."""

from collections.abc import Sequence
from dataclasses import dataclass

from job_tracker.application.tracker import Directive, Tracker, directive_of
from job_tracker.domain import moves
from job_tracker.domain.errors import TrackerError
from job_tracker.domain.job import Job, Json
from job_tracker.domain.moves import Change, Now, Report


@dataclass(frozen=True, slots=True)
class UpdateOutcome:
    """What was made of a report."""

    applied: bool
    directive: Directive
    revision: int


@dataclass(frozen=True, slots=True)
class JobReport:
    """What a worker says of one job."""

    job_id: str
    token: str
    sequence: int
    report: Report

    def decide(self, job: Job, now: Now) -> Change:
        """Take the report."""
        return moves.update(job, self.token, self.sequence, self.report, now)


async def update_progress(tracker: Tracker, said: JobReport) -> UpdateOutcome:
    """Take a report and answer with what is wanted.

    Raises:
        JobNotFoundError, LeaseLostError, ProgressInvalidError: As their texts say.
    """
    change = await tracker.store.change(said.job_id, said.decide)
    tracker.tell(change)
    await tracker.workers.heard(change.job.worker_id)
    return _outcome(change)


async def update_many(tracker: Tracker, reports: Sequence[JobReport]) -> list[UpdateOutcome | TrackerError]:
    """Take many reports at once. One that is refused is refused alone, with the error that `update_progress` would raise."""
    changes = await tracker.store.change_many([(said.job_id, said.decide) for said in reports])
    taken = [one for one in changes if not isinstance(one, TrackerError)]
    for change in taken:
        tracker.tell(change)
    for worker_id in {change.job.worker_id for change in taken}:
        await tracker.workers.heard(worker_id)
    return [one if isinstance(one, TrackerError) else _outcome(one) for one in changes]


def _outcome(change: Change) -> UpdateOutcome:
    return UpdateOutcome(change.applied, directive_of(change.job), change.job.revision)


async def complete_job(
    tracker: Tracker, job_id: str, token: str, call_hash: str, report: Report, result: Json, message: str
) -> Job:
    """End a job whose work is done.

    Raises:
        JobNotFoundError, LeaseLostError, ProgressInvalidError, TotalNotReachedError, IllegalTransitionError: As they say.
    """
    change = await tracker.store.change(
        job_id, lambda job, now: moves.complete(job, token, call_hash, report, result, message, now)
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
    change = await tracker.store.change(
        job_id, lambda job, now: moves.fail(job, token, call_hash, report, error, retry_after, tracker.uniform, now)
    )
    tracker.tell(change)
    return change.job


async def release_job(tracker: Tracker, job_id: str, token: str, call_hash: str, report: Report, reason: str) -> Job:
    """Take a job back without a failure.

    Raises:
        JobNotFoundError, LeaseLostError, ProgressInvalidError, IllegalTransitionError: As they say.
    """
    change = await tracker.store.change(
        job_id, lambda job, now: moves.release(job, token, call_hash, report, reason, now)
    )
    tracker.tell(change)
    return change.job
