"""What the domain knows, as the contract's messages."""

from collections.abc import Iterable

from google.protobuf import duration_pb2, struct_pb2, timestamp_pb2
from nhanhsync.jobs.v1 import job_pb2, job_tracker_service_pb2

from job_tracker.application.job_stats import Covered
from job_tracker.application.ports.job_store import Claimed, Stats
from job_tracker.application.tracker import Directive
from job_tracker.domain.job import (
    Event,
    EventKind,
    ItemFailure,
    Job,
    JobFailure,
    JobType,
    Json,
    Origin,
    RetryScope,
    Worker,
)
from job_tracker.domain.progress import eta_seconds, percent
from job_tracker.domain.states import HELD, State

RENEW_AFTER = 1 / 3
"""Of a lease's length: two reports may be lost before it runs out."""

STATES = {state: job_pb2.JobState.Value(f"JOB_STATE_{state.name}") for state in State}
KINDS = {kind: job_pb2.JobEventKind.Value(f"JOB_EVENT_KIND_{kind.name}") for kind in EventKind}
ORIGINS = {origin: job_pb2.ItemFailureOrigin.Value(f"ITEM_FAILURE_ORIGIN_{origin.name}") for origin in Origin}
DIRECTIVES = {directive: job_pb2.Directive.Value(f"DIRECTIVE_{directive.name}") for directive in Directive}
SCOPES = {scope: job_pb2.RetryScope.Value(f"RETRY_SCOPE_{scope.name}") for scope in RetryScope}
LONGEST_SECONDS = 315_576_000_000
"""The longest `google.protobuf.Duration`, some 10,000 years."""


def job_message(job: Job) -> job_pb2.Job:
    """Write a job."""
    return job_pb2.Job(
        job_id=job.job_id,
        type=job.type,
        variant=job.variant,
        display_name=job.display_name,
        store_id=job.store_id,
        state=STATES[job.state],
        state_message=job.state_message,
        revision=job.revision,
        params=_struct(job.params),
        result=None if job.result is None else _struct(job.result),
        labels=job.labels,
        priority=job.priority,
        locks=[
            job_pb2.Lock(
                key=lock.key,
                mode=job_pb2.LOCK_MODE_EXCLUSIVE if lock.exclusive else job_pb2.LOCK_MODE_SHARED,
            )
            for lock in job.locks
        ],
        attempt=job.attempt,
        attempts_used=job.attempts_used,
        max_attempts=job.max_attempts,
        retry_of_job_id=job.retry_of_job_id,
        parent_job_id=job.parent_job_id,
        progress=progress_message(job),
        error=None if job.failure is None else _error(job.failure),
        worker_id=job.worker_id,
        created_by=job.created_by,
        cancel_requested=job.cancel_requested,
        create_time=_time(job.create_time),
        start_time=_time(job.start_time),
        update_time=_time(job.update_time),
        end_time=_time(job.end_time),
        not_before_time=_time(job.not_before),
        item_failure_count=job.item_failure_count,
        paused=job.paused,
        retry_scope=job_pb2.RETRY_SCOPE_UNSPECIFIED if job.retry_scope is None else SCOPES[job.retry_scope],
    )


def progress_message(job: Job) -> job_pb2.JobProgress:
    """Write counts, and what follows from them."""
    progress = job.progress
    eta = eta_seconds(progress, job.pace) if job.state in HELD else None
    return job_pb2.JobProgress(
        total=progress.total,
        processed=progress.processed,
        successful=progress.successful,
        failed=progress.failed,
        skipped=progress.skipped,
        phase=progress.phase,
        message=progress.message,
        metrics=progress.metrics,
        percent=percent(progress),
        rate_per_second=None if job.pace is None else job.pace.rate,
        eta=None if eta is None or eta > LONGEST_SECONDS else duration_message(eta),
    )


def claimed_message(claimed: Claimed) -> job_pb2.ClaimedJob:
    """Write a claimed job with its lease."""
    lease = claimed.lease
    return job_pb2.ClaimedJob(
        job=job_message(claimed.job),
        lease=job_pb2.Lease(
            lease_token=lease.token,
            fence=lease.fence,
            ttl=duration_message(lease.ttl),
            renew_after=duration_message(lease.ttl * RENEW_AFTER),
        ),
        checkpoint=claimed.checkpoint,
    )


def event_messages(events: Iterable[Event]) -> list[job_pb2.JobEvent]:
    """Write events."""
    return [
        job_pb2.JobEvent(
            revision=event.revision,
            kind=KINDS[event.kind],
            from_state=job_pb2.JOB_STATE_UNSPECIFIED if event.from_state is None else STATES[event.from_state],
            to_state=STATES[event.to_state],
            time=_time(event.time),
            actor=event.actor,
            attempt=event.attempt,
            reason=event.reason,
            message=event.message,
        )
        for event in events
    ]


def item_failure_message(failure: ItemFailure) -> job_pb2.ItemFailure:
    """Write an item failure."""
    return job_pb2.ItemFailure(
        item_key=failure.item_key,
        stage=failure.stage,
        origin=ORIGINS[failure.origin],
        code=failure.code,
        message=failure.message,
        retryable=failure.retryable,
        attempts=failure.attempts,
        first_time=_time(failure.first_time),
        last_time=_time(failure.last_time),
    )


def job_type_messages(types: Iterable[JobType]) -> list[job_pb2.JobType]:
    """Write registered types."""
    return [job_type_message(one) for one in types]


def job_type_message(job_type: JobType) -> job_pb2.JobType:
    """Write a registered type, and its pause."""
    pause = job_type.pause
    return job_pb2.JobType(
        type=job_type.type,
        display_name=job_type.display_name,
        variants=job_type.variants,
        retries_failed_items=job_type.retries_failed_items,
        pause=None
        if pause is None
        else job_pb2.TypePause(paused_by=pause.paused_by, reason=pause.reason, pause_time=_time(pause.time)),
    )


def worker_message(worker: Worker) -> job_pb2.Worker:
    """Write a worker."""
    return job_pb2.Worker(
        worker_id=worker.worker_id,
        types=worker.types,
        first_seen_time=_time(worker.first_seen),
        last_seen_time=_time(worker.last_seen),
        listening=worker.listening,
        held_job_ids=worker.held,
    )


def stats_message(stats: Stats, covered: list[Covered]) -> job_tracker_service_pb2.GetJobStatsResponse:
    """Write counts and coverage."""
    return job_tracker_service_pb2.GetJobStatsResponse(
        counts=[
            job_tracker_service_pb2.JobCount(type=kind, variant=variant, state=STATES[state], count=count)
            for (kind, variant, state), count in sorted(stats.counts.items())
        ],
        running_now=stats.running_now,
        pending_now=stats.pending_now,
        oldest_pending_create_time=_time(stats.oldest_pending),
        coverage=job_tracker_service_pb2.Coverage(
            registered=len(covered),
            completed=sum(1 for operation in covered if operation.completed_jobs),
            operations=[
                job_tracker_service_pb2.OperationCoverage(
                    type=operation.type,
                    variant=operation.variant,
                    display_name=operation.display_name,
                    completed_jobs=operation.completed_jobs,
                )
                for operation in covered
            ],
        ),
    )


def duration_message(seconds: float) -> duration_pb2.Duration:
    """Write a duration."""
    whole = int(seconds)
    return duration_pb2.Duration(seconds=whole, nanos=int((seconds - whole) * 1_000_000_000))


def _error(failure: JobFailure) -> job_pb2.JobError:
    return job_pb2.JobError(
        code=failure.code,
        message=failure.message,
        retryable=failure.retryable,
        attempt=failure.attempt,
        time=_time(failure.time),
    )


def _time(micros: int | None) -> timestamp_pb2.Timestamp | None:
    if micros is None:
        return None
    seconds, rest = divmod(micros, 1_000_000)
    return timestamp_pb2.Timestamp(seconds=seconds, nanos=rest * 1_000)


def _struct(value: Json) -> struct_pb2.Struct:
    struct = struct_pb2.Struct()
    struct.update(value)
    return struct
