"""Every move of a job: what it becomes, and what is to be told of it.

Each function takes the job as it is and the facts of a call, and answers with a `Change`; or raises, and nothing has
happened. The store applies a change in one transaction, guarded by the revision and the lease that it was decided on.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from job_tracker.domain.backoff import backoff_seconds
from job_tracker.domain.errors import IllegalTransitionError, LeaseLostError, TotalNotReachedError
from job_tracker.domain.job import (
    TRACKER,
    Asked,
    EndedLease,
    Event,
    EventKind,
    ItemFailure,
    Job,
    JobFailure,
    Json,
    Lease,
)
from job_tracker.domain.progress import Progress, check_progress, mean_pace, paced
from job_tracker.domain.states import FINAL, HELD, MOVES, PAUSABLE, State, Trigger, allows


@dataclass(frozen=True, slots=True)
class Now:
    """The moment of a call: wall time in Unix microseconds for people, steady seconds for leases."""

    wall: int
    steady: float


class LockFate(StrEnum):
    """What becomes of a job's locks."""

    STAND = "STAND"
    GO = "GO"
    GO_WITH_LEASE = "GO_WITH_LEASE"
    """The lease was revoked while its worker may still write: the locks stand until it would have run out."""


@dataclass(frozen=True, slots=True)
class Change:
    """What a move makes of a job. Equal `before` and `job` mean that there is nothing to store."""

    before: Job
    job: Job
    events: tuple[Event, ...] = ()
    locks: LockFate = LockFate.STAND
    failures: tuple[ItemFailure, ...] = ()
    checkpoint: bytes | None = None
    applied: bool = True

    @property
    def changed(self) -> bool:
        """Whether there is anything to store."""
        return self.job is not self.before


@dataclass(frozen=True, slots=True)
class Report:
    """What a worker says with any call under a lease."""

    progress: Progress | None = None
    checkpoint: bytes | None = None
    failures: tuple[ItemFailure, ...] = ()


def claim(job: Job, lease: Lease, worker_id: str, now: Now) -> Change:
    """Give a job to a worker: an attempt begins, and counts begin anew."""
    _must_allow(job, Trigger.CLAIM)
    attempt = job.attempt + 1
    claimed = replace(
        job,
        attempt=attempt,
        lease=lease,
        worker_id=worker_id,
        start_time=job.start_time or now.wall,
        not_before=None,
        progress=Progress(),
        pace=None,
        state_message="",
    )
    return _moved(job, claimed, Trigger.CLAIM, State.RUNNING, EventKind.CLAIMED, worker_id, now)


def update(job: Job, token: str, sequence: int, report: Report, now: Now) -> Change:
    """Take a report: renew the lease, and the counts unless a later report was taken before."""
    lease = _held(job, token)
    renewed = replace(lease, deadline=now.steady + lease.ttl, report_sequence=max(lease.report_sequence, sequence))
    if sequence <= lease.report_sequence:
        return Change(job, replace(job, lease=renewed), applied=False)
    reported = _reported(job, report, lease, now)
    if reported is job and not report.failures:
        return Change(job, replace(job, lease=renewed), checkpoint=report.checkpoint)
    reported = replace(reported, lease=renewed, revision=job.revision + 1, update_time=now.wall)
    return Change(job, reported, failures=report.failures, checkpoint=report.checkpoint)


def complete(job: Job, token: str, call_hash: str, report: Report, result: Json, message: str, now: Now) -> Change:
    """End a job whose work is done; the counts decide how.

    Raises:
        TotalNotReachedError: The total is known and not reached.
    """
    if _repeated(job, token, call_hash, Trigger.COMPLETE):
        return Change(job, job)
    lease = _held(job, token)
    reported = _reported(job, report, lease, now)
    counts = reported.progress
    if counts.total is not None and counts.processed < counts.total:
        raise TotalNotReachedError(counts.processed, counts.total)
    state = outcome(counts)
    failure = None
    if state is State.FAILED:
        failure = JobFailure("ALL_ITEMS_FAILED", f"all {counts.failed} items failed", True, job.attempt, now.wall)
    ended = replace(reported, result=result, state_message=message, failure=failure)
    return _let_go(job, ended, lease, call_hash, Trigger.COMPLETE, state, None, report, now)


def outcome(counts: Progress) -> State:
    """Judge finished work: no failures, an empty run too; some; failures and nothing else."""
    if counts.failed == 0:
        return State.COMPLETED
    return State.FAILED if counts.failed == counts.processed else State.PARTIALLY_COMPLETED


def fail(
    job: Job,
    token: str,
    call_hash: str,
    report: Report,
    error: tuple[str, str, bool],
    retry_after: float | None,
    uniform: Callable[[float, float], float],
    now: Now,
) -> Change:
    """End an attempt that failed: PENDING again after a back-off while it may help and attempts are left."""
    if _repeated(job, token, call_hash, Trigger.FAIL):
        return Change(job, job)
    lease = _held(job, token)
    code, message, retryable = error
    used = job.attempts_used + 1
    failed = replace(
        _reported(job, report, lease, now),
        attempts_used=used,
        failure=JobFailure(code, message, retryable, job.attempt, now.wall),
        state_message=message,
    )
    if job.state is State.CANCELLING:
        state = State.CANCELLED
    elif not retryable or used >= job.max_attempts:
        state = State.FAILED
    else:
        state = State.PENDING
        wait = retry_after if retry_after is not None else backoff_seconds(used, uniform)
        failed = replace(failed, not_before=now.wall + round(wait * 1_000_000))
    return _let_go(job, failed, lease, call_hash, Trigger.FAIL, state, EventKind.ATTEMPT_FAILED, report, now, code)


def release(job: Job, token: str, call_hash: str, report: Report, reason: str, now: Now) -> Change:
    """Take a job back without a failure; no attempt is used up."""
    if _repeated(job, token, call_hash, Trigger.RELEASE):
        return Change(job, job)
    lease = _held(job, token)
    released = replace(_reported(job, report, lease, now), state_message=reason)
    state = State.CANCELLED if job.state is State.CANCELLING else State.PENDING
    return _let_go(job, released, lease, call_hash, Trigger.RELEASE, state, EventKind.RELEASED, report, now)


def cancel(job: Job, reason: str, requested_by: str, grace: float, now: Now) -> Change:
    """Ask for a job to end. Asking again changes nothing, so the call is safe to repeat."""
    if job.state in (State.CANCELLING, State.CANCELLED):
        return Change(job, job)
    _must_allow(job, Trigger.CANCEL)
    actor = requested_by or "unknown"
    kind = EventKind.CANCEL_REQUESTED
    asked = replace(job, cancel_requested=True, state_message=reason)
    if job.state is State.PENDING:
        asked = replace(asked, not_before=None)
        change = _moved(job, asked, Trigger.CANCEL, State.CANCELLED, kind, actor, now, message=reason)
        return replace(change, locks=LockFate.GO)
    asked = replace(asked, cancel_deadline=now.steady + grace)
    return _moved(job, asked, Trigger.CANCEL, State.CANCELLING, kind, actor, now, message=reason)


def pause(job: Job, reason: str, requested_by: str, now: Now) -> Change:
    """Keep a job from being claimed, or ask its worker to give it back. Asking again changes nothing."""
    _must_be_pausable(job, "PauseJob")
    if job.paused:
        return Change(job, job)
    return _flagged(replace(job, paused=True, state_message=reason), job, EventKind.PAUSED, requested_by, reason, now)


def resume(job: Job, requested_by: str, now: Now) -> Change:
    """Let a paused job go on. Asking again changes nothing."""
    _must_be_pausable(job, "ResumeJob")
    if not job.paused:
        return Change(job, job)
    return _flagged(replace(job, paused=False, state_message=""), job, EventKind.RESUMED, requested_by, "", now)


def ask(job: Job, asked: Asked) -> Change:
    """Ask something of the worker that holds a job of a paused type; nothing happens to a job that nobody holds."""
    if job.state is not State.RUNNING or job.asked is asked:
        return Change(job, job)
    return Change(job, replace(job, asked=asked))


def expire(job: Job, uniform: Callable[[float, float], float], now: Now) -> Change:
    """Take a job from a worker that was not heard of in time; nothing happens if it was."""
    lease = job.lease
    if job.state not in HELD or lease is None or lease.deadline > now.steady:
        return Change(job, job)
    message = f"worker {job.worker_id} was not heard of for {lease.ttl:g} seconds"
    kind, reason = EventKind.LEASE_LOST, "WORKER_LOST"
    before = job
    job = replace(job, pace=mean_pace(job.pace, job.progress.processed, now.steady, _counting_since(job, lease)))
    if job.state is State.CANCELLING:
        ended = replace(job, lease=None, cancel_deadline=None)
        change = _moved(before, ended, Trigger.LEASE_EXPIRED, State.CANCELLED, kind, TRACKER, now, reason, message)
        return replace(change, locks=LockFate.GO)
    used = job.attempts_used + 1
    lost = replace(
        job,
        lease=None,
        attempts_used=used,
        failure=JobFailure(reason, message, True, job.attempt, now.wall),
        state_message=message,
    )
    if used >= job.max_attempts:
        change = _moved(before, lost, Trigger.LEASE_EXPIRED, State.FAILED, kind, TRACKER, now, reason, message)
        return replace(change, locks=LockFate.GO)
    # The time that the lease took to run out was wait enough the first time; a job that kills its workers waits longer.
    if used > 1:
        lost = replace(lost, not_before=now.wall + round(backoff_seconds(used - 1, uniform) * 1_000_000))
    return _moved(before, lost, Trigger.LEASE_EXPIRED, State.PENDING, kind, TRACKER, now, reason, message)


def end_grace(job: Job, now: Now) -> Change:
    """End a job whose worker did not let go within the grace; its locks stand until its lease would have run out."""
    if job.state is not State.CANCELLING or job.cancel_deadline is None or job.cancel_deadline > now.steady:
        return Change(job, job)
    pace = job.pace
    if job.lease is not None:
        pace = mean_pace(pace, job.progress.processed, now.steady, _counting_since(job, job.lease))
    ended = replace(job, lease=None, cancel_deadline=None, pace=pace)
    message = f"worker {job.worker_id} did not let go in time"
    change = _moved(job, ended, Trigger.GRACE_OVER, State.CANCELLED, None, TRACKER, now, "GRACE_OVER", message)
    return replace(change, locks=LockFate.GO_WITH_LEASE)


def created(job: Job, now: Now) -> Sequence[Event]:
    """Tell of a job's creation."""
    actor = job.created_by or "unknown"
    return (Event(job.revision, EventKind.CREATED, None, State.PENDING, now.wall, actor, 0),)


def _must_be_pausable(job: Job, call: str) -> None:
    if job.state not in PAUSABLE:
        raise IllegalTransitionError(job.job_id, job.state, call)


def _flagged(flagged: Job, before: Job, kind: EventKind, requested_by: str, reason: str, now: Now) -> Change:
    """Store a change that is told of, and moves nothing."""
    job = replace(flagged, revision=before.revision + 1, update_time=now.wall)
    actor = requested_by or "unknown"
    event = Event(job.revision, kind, job.state, job.state, now.wall, actor, job.attempt, message=reason)
    return Change(before, job, (event,))


def _must_allow(job: Job, trigger: Trigger) -> None:
    if not allows(job.state, trigger):
        raise IllegalTransitionError(job.job_id, job.state, trigger)


def _held(job: Job, token: str) -> Lease:
    if job.state not in HELD or job.lease is None or job.lease.token != token:
        raise LeaseLostError(job.job_id, job.attempt)
    return job.lease


def _repeated(job: Job, token: str, call_hash: str, trigger: Trigger) -> bool:
    ended = job.ended_lease
    if ended is None or ended.token != token:
        return False
    if ended.call_hash == call_hash:
        return True
    if job.final:
        raise IllegalTransitionError(job.job_id, job.state, trigger)
    raise LeaseLostError(job.job_id, job.attempt)


def _counting_since(job: Job, lease: Lease) -> float | None:
    """Say since when the attempt's counts were made: a later attempt may go on from those of an earlier one."""
    return lease.claimed if job.attempt == 1 else None


def _reported(job: Job, report: Report, lease: Lease, now: Now) -> Job:
    if report.progress is None:
        return job
    first = job.pace is None
    check_progress(report.progress, None if first else job.progress)
    pace = paced(job.pace, report.progress.processed, now.steady, _counting_since(job, lease))
    return replace(job, progress=report.progress, pace=pace)


def _let_go(
    before: Job,
    job: Job,
    lease: Lease,
    call_hash: str,
    trigger: Trigger,
    state: State,
    cause: EventKind | None,
    report: Report,
    now: Now,
    reason: str = "",
) -> Change:
    job = replace(
        job,
        lease=None,
        ended_lease=EndedLease(lease.token, call_hash),
        cancel_deadline=None,
        pace=mean_pace(before.pace, job.progress.processed, now.steady, _counting_since(before, lease)),
    )
    change = _moved(before, job, trigger, state, cause, before.worker_id, now, reason, job.state_message)
    locks = LockFate.GO if change.job.final else LockFate.STAND
    return replace(change, locks=locks, failures=report.failures, checkpoint=report.checkpoint)


def _moved(
    before: Job,
    job: Job,
    trigger: Trigger,
    state: State,
    cause: EventKind | None,
    actor: str,
    now: Now,
    reason: str = "",
    message: str = "",
) -> Change:
    if state not in MOVES.get((before.state, trigger), frozenset()):
        raise IllegalTransitionError(before.job_id, before.state, trigger)
    final = state in FINAL
    moved = replace(
        job,
        state=state,
        revision=before.revision + 1,
        update_time=now.wall,
        end_time=now.wall if final else None,
        paused=job.paused and not final,
        asked=job.asked if state is State.RUNNING else Asked.NOTHING,
    )

    def event(kind: EventKind, from_state: State, to_state: State) -> Event:
        return Event(moved.revision, kind, from_state, to_state, now.wall, actor, moved.attempt, reason, message)

    # What caused an end comes first, and does not move the job; that it has ended is the last that is told of it.
    told = []
    if cause is not None:
        told.append(event(cause, before.state, before.state if final else state))
    if final:
        told.append(event(EventKind.ENDED, before.state, state))
    return Change(before, moved, tuple(told))
