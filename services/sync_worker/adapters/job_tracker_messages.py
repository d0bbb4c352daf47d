"""Between the application's words and JobTracker's messages.

Texts for people are shortened to what JobTracker takes, since a vendor's sentence may be of any length; counts are never bent.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from google.protobuf import duration_pb2, json_format, struct_pb2, timestamp_pb2
from nhanhsync.jobs.v1 import job_pb2
from nhanhsync.jobs.v1 import job_tracker_service_pb2 as pb

from sync_worker.application.ports.job import JsonValue
from sync_worker.application.ports.job_tracker import ConflictPolicy, NewJob
from sync_worker.application.ports.work_queue import ClaimedJob, Directive, LeaseGrant
from sync_worker.domain.failures import ItemFailure, Origin
from sync_worker.domain.operations import LockNeed, OperationSpec
from sync_worker.domain.progress import Progress

SENTENCE = 500
PHASE = 64
FAIL_MESSAGE = 2_000
ITEM_MESSAGE = 1_000
"""Half of what is allowed: 500 failures must fit into one message of 4 MiB in any script."""
NAME = 200
CODE = 64
LONGEST_PAUSE_SECONDS = 86_400.0
"""No job may be kept waiting for longer than a day."""

POLICIES = {
    None: job_pb2.CONFLICT_POLICY_UNSPECIFIED,
    ConflictPolicy.FAIL: job_pb2.CONFLICT_POLICY_FAIL,
    ConflictPolicy.QUEUE: job_pb2.CONFLICT_POLICY_QUEUE,
    ConflictPolicy.USE_EXISTING: job_pb2.CONFLICT_POLICY_USE_EXISTING,
    ConflictPolicy.REPLACE: job_pb2.CONFLICT_POLICY_REPLACE,
}
ORIGINS = {
    Origin.NHANH: job_pb2.ITEM_FAILURE_ORIGIN_NHANH,
    Origin.SHOPIFY: job_pb2.ITEM_FAILURE_ORIGIN_SHOPIFY,
    Origin.WORKER: job_pb2.ITEM_FAILURE_ORIGIN_WORKER,
    Origin.RULE: job_pb2.ITEM_FAILURE_ORIGIN_RULE,
}
DIRECTIVES = {
    int(job_pb2.DIRECTIVE_CANCEL): Directive.CANCEL,
    int(job_pb2.DIRECTIVE_LEASE_LOST): Directive.LEASE_LOST,
    int(job_pb2.DIRECTIVE_PAUSE): Directive.PAUSE,
    int(job_pb2.DIRECTIVE_DRAIN): Directive.DRAIN,
}


def directive_of(number: int) -> Directive:
    """Read a directive; one that a later JobTracker may have learned asks nothing of us that we know."""
    return DIRECTIVES.get(int(number), Directive.CONTINUE)


def duration(seconds: float) -> duration_pb2.Duration:
    """Write a duration."""
    span = duration_pb2.Duration()
    span.FromNanoseconds(round(seconds * 1_000_000_000))
    return span


def pause(seconds: float | None) -> duration_pb2.Duration | None:
    """Write how long a job waits for its next attempt, within what JobTracker takes; None stays None: it chooses."""
    return None if seconds is None else duration(min(max(seconds, 0.0), LONGEST_PAUSE_SECONDS))


def timestamp(micros: int) -> timestamp_pb2.Timestamp:
    """Write a time."""
    time = timestamp_pb2.Timestamp()
    time.FromMicroseconds(micros)
    return time


def struct(value: Mapping[str, JsonValue]) -> struct_pb2.Struct:
    """Write a JSON object; identifiers in it are strings already."""
    made = struct_pb2.Struct()
    json_format.ParseDict(_plain(value), made)
    return made


def shortened(text: str, longest: int) -> str:
    """Shorten a sentence for people."""
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def machine_word(code: str) -> str:
    """Write a vendor's code as JobTracker takes it: `^[A-Z][A-Z0-9_]{0,63}$`."""
    word = re.sub(r"[^A-Z0-9]+", "_", code.upper()).strip("_")
    return (word if word[:1].isalpha() else f"CODE_{word}".rstrip("_"))[:CODE]


def create_request(job: NewJob) -> pb.CreateJobRequest:
    """Write a creation."""
    return pb.CreateJobRequest(
        request_id=job.request_id,
        type=job.type,
        variant=job.variant,
        store_id=job.store_id,
        params=struct(job.params),
        labels=dict(job.labels),
        priority=job.priority,
        locks=[_lock(need) for need in job.locks],
        conflict_policy=POLICIES[job.conflict_policy],
        created_by=job.created_by,
        not_before_time=None if job.not_before is None else timestamp(job.not_before),
    )


def job_type(spec: OperationSpec) -> job_pb2.JobType:
    """Write what JobTracker learns of an operation."""
    return job_pb2.JobType(
        type=spec.operation,
        display_name=spec.label,
        variants=list(spec.variants),
        retries_failed_items=spec.retries_failed_items,
    )


def claimed_job(message: job_pb2.ClaimedJob) -> ClaimedJob:
    """Read a claimed job."""
    job, lease = message.job, message.lease
    params: dict[str, Any] = json_format.MessageToDict(job.params)
    return ClaimedJob(
        job_id=job.job_id,
        type=job.type,
        variant=job.variant,
        store_id=job.store_id,
        attempt=job.attempt,
        params=params,
        labels=dict(job.labels),
        exclusive_keys=tuple(lock.key for lock in job.locks if lock.mode == job_pb2.LOCK_MODE_EXCLUSIVE),
        retry_of_job_id=job.retry_of_job_id,
        failed_items_only=job.retry_scope == job_pb2.RETRY_SCOPE_FAILED_ITEMS,
        priority=job.priority,
        lease=LeaseGrant(
            job_id=job.job_id,
            token=lease.lease_token,
            fence=lease.fence,
            ttl=lease.ttl.ToNanoseconds() / 1e9,
            renew_after=lease.renew_after.ToNanoseconds() / 1e9,
        ),
    )


def progress_report(progress: Progress | None) -> pb.ProgressReport | None:
    """Write counts; None stays None: only the lease is renewed."""
    if progress is None:
        return None
    return pb.ProgressReport(
        total=progress.total,
        processed=progress.processed,
        successful=progress.successful,
        failed=progress.failed,
        skipped=progress.skipped,
        phase=shortened(progress.phase, PHASE),
        message=shortened(progress.message, SENTENCE),
        metrics=dict(progress.metrics),
    )


def item_failures(failures: Sequence[ItemFailure]) -> list[job_pb2.ItemFailure]:
    """Write item failures."""
    return [
        job_pb2.ItemFailure(
            item_key=shortened(failure.item_key, NAME),
            stage=shortened(failure.stage, NAME),
            origin=ORIGINS[failure.origin],
            code=machine_word(failure.code),
            message=shortened(failure.message, ITEM_MESSAGE),
            retryable=failure.retryable,
            attempts=failure.attempts,
        )
        for failure in failures
    ]


def _plain(value: JsonValue) -> Any:  # noqa: ANN401 - JSON
    if isinstance(value, Mapping):
        return {name: _plain(inner) for name, inner in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_plain(inner) for inner in value]
    return value


def _lock(need: LockNeed) -> job_pb2.Lock:
    mode = job_pb2.LOCK_MODE_EXCLUSIVE if need.exclusive else job_pb2.LOCK_MODE_SHARED
    return job_pb2.Lock(key=need.key, mode=mode)
