"""What a caller asks for, from the contract's messages to what the use cases take."""

import math

from chassis.auth import current_caller
from google.protobuf.message import Message
from nhanhsync.jobs.v1 import job_pb2

from job_tracker.application.create_job import NewJob
from job_tracker.application.ports.job_store import ClaimRequest, ConflictPolicy, Filter
from job_tracker.application.work_on_job import JobReport
from job_tracker.domain.job import ItemFailure, JobType, RetryScope, prettified
from job_tracker.domain.locks import Lock
from job_tracker.domain.moves import Report
from job_tracker.domain.progress import Progress
from job_tracker.entrypoints.bounds import (
    BOUNDS,
    DEFAULT_MAX_ATTEMPTS,
    DEFAULT_MAX_JOBS,
    DEFAULT_PAGE_SIZE,
    Bound,
    Count,
)
from job_tracker.entrypoints.messages import ORIGINS, SCOPES, STATES
from job_tracker.entrypoints.reading import Reader, content_hash

STATES_BY_NUMBER = {int(number): state for state, number in STATES.items()}
ORIGINS_BY_NUMBER = {int(number): origin for origin, number in ORIGINS.items()}
POLICIES_BY_NUMBER = {
    int(job_pb2.CONFLICT_POLICY_FAIL): ConflictPolicy.FAIL,
    int(job_pb2.CONFLICT_POLICY_QUEUE): ConflictPolicy.QUEUE,
    int(job_pb2.CONFLICT_POLICY_USE_EXISTING): ConflictPolicy.USE_EXISTING,
    int(job_pb2.CONFLICT_POLICY_REPLACE): ConflictPolicy.REPLACE,
}
SCOPES_BY_NUMBER = {int(number): scope for scope, number in SCOPES.items()}
FURTHEST_AHEAD_MICROS = 366 * 86_400 * 1_000_000
EXCLUSIVE_BY_NUMBER = {int(job_pb2.LOCK_MODE_SHARED): False, int(job_pb2.LOCK_MODE_EXCLUSIVE): True}


def new_job(request: Message, now: int) -> NewJob:
    """Read a CreateJobRequest that came `now`, in Unix microseconds.

    Raises:
        InvalidFieldsError: With every fault.
    """
    read = Reader(request)
    new = NewJob(
        request_id=read.checked("request_id"),
        content_hash=content_hash(request, "request_id"),
        type=read.checked("type"),
        variant=read.checked("variant"),
        store_id=read.checked("store_id"),
        params=read.json("params"),
        labels=_labels(read),
        priority=read.checked("priority"),
        locks=_locks(read),
        policy=policy(read),
        not_before=_not_before(read, now),
        max_attempts=read.checked("max_attempts") or DEFAULT_MAX_ATTEMPTS,
        parent_job_id=read.checked("parent_job_id"),
        created_by=read.checked("created_by"),
        claim=_claim_on_create(read),
    )
    read.refuse_faults()
    return new


def claim_request(request: Message) -> tuple[ClaimRequest, float]:
    """Read a ClaimJobsRequest: what to claim, of the caller's stores, and how long to wait for it (seconds).

    Raises:
        InvalidFieldsError: With every fault.
    """
    read = Reader(request)
    stores = current_caller().stores or ()
    claim = ClaimRequest(
        request_id=read.checked("request_id"),
        worker_id=read.checked("worker_id"),
        types=read.strings("types"),
        max_jobs=read.checked("max_jobs") or DEFAULT_MAX_JOBS,
        ttl=read.seconds("lease_ttl") or 0.0,
        # Whoever repeats a claim gets its leases again, so it must be somebody with the same stores.
        content_hash="/".join((content_hash(request, "request_id", "wait"), *stores)),
        stores=stores,
    )
    wait = read.seconds("wait") or 0.0
    read.refuse_faults()
    return claim, wait


def job_filter(read: Reader) -> Filter:
    """Read the filter of a request; an unset one selects everything."""
    if not read.message.HasField("filter"):
        return Filter()
    inner = read.inner("filter")
    states = []
    for index, number in enumerate(inner.checked("states")[: _most(BOUNDS["JobFilter.states"])]):
        if number in STATES_BY_NUMBER:
            states.append(STATES_BY_NUMBER[number])
        else:
            inner.fault(f"states[{index}]", f"has no value {number}" if number else "is missing")
    return Filter(
        store_ids=inner.strings("store_ids"),
        types=inner.strings("types"),
        states=tuple(states),
        created_from=inner.micros("created_from"),
        created_before=inner.micros("created_before"),
        text=inner.checked("text"),
    )


def page_size(read: Reader) -> int:
    """Read how many elements a page should hold."""
    size: int = read.checked("page_size")
    return size or DEFAULT_PAGE_SIZE


def policy(read: Reader, unset: ConflictPolicy = ConflictPolicy.FAIL) -> ConflictPolicy:
    """Read what to do when a lock is taken."""
    chosen: ConflictPolicy = read.choice("conflict_policy", POLICIES_BY_NUMBER, unset)
    return chosen


def retry_scope(read: Reader) -> RetryScope:
    """Read how much of a job to do again."""
    chosen: RetryScope = read.choice("scope", SCOPES_BY_NUMBER, RetryScope.ALL)
    return chosen


def job_reports(request: Message) -> list[JobReport]:
    """Read a BatchUpdateProgressRequest.

    Raises:
        InvalidFieldsError: With every fault of every report.
    """
    read = Reader(request)
    reports = []
    seen: set[str] = set()
    for index in range(min(len(read.checked("reports")), _most(BOUNDS["BatchUpdateProgressRequest.reports"]))):
        inner = read.inner("reports", index)
        one = job_report(inner)
        if one.job_id in seen:
            inner.fault("job_id", "is named twice")
        seen.add(one.job_id)
        reports.append(one)
    read.refuse_faults()
    return reports


def job_report(read: Reader) -> JobReport:
    """Read an UpdateProgressRequest; its faults are the reader's to refuse."""
    job_id, token, sequence = read.checked("job_id"), read.checked("lease_token"), read.checked("report_sequence")
    return JobReport(job_id, token, sequence, report(read))


def report(read: Reader) -> Report:
    """Read what a worker says with any call under a lease."""
    message = read.message
    progress = _progress(read.inner("progress")) if message.HasField("progress") else None
    checkpoint = None
    if "checkpoint" in message.DESCRIPTOR.fields_by_name and message.HasField("checkpoint"):
        checkpoint = read.checked("checkpoint")
    failures = read.checked("item_failures")
    indices = range(min(len(failures), _most(BOUNDS["UpdateProgressRequest.item_failures"])))
    return Report(progress, checkpoint, tuple(_item_failure(read.inner("item_failures", index)) for index in indices))


def job_types(request: Message) -> list[JobType]:
    """Read a RegisterJobTypesRequest; a type without a label gets one made from its name.

    Raises:
        InvalidFieldsError: With every fault.
    """
    read = Reader(request)
    types = []
    seen: set[str] = set()
    for index in range(min(len(read.checked("job_types")), _most(BOUNDS["RegisterJobTypesRequest.job_types"]))):
        inner = read.inner("job_types", index)
        name = inner.checked("type")
        if name in seen:
            inner.fault("type", "is named twice")
        seen.add(name)
        variants = tuple(inner.checked("variants"))
        for place, variant in enumerate(variants[: _most(BOUNDS["JobType.variants"])]):
            inner.check(f"variants[{place}]", "variants value", variant)
        if len(set(variants)) < len(variants):
            inner.fault("variants", "names a variant twice")
        label = inner.checked("display_name") or prettified(name)
        types.append(JobType(name, label, variants, inner.message.retries_failed_items))
    read.refuse_faults()
    return types


def _labels(read: Reader) -> dict[str, str]:
    labels = dict(read.checked("labels"))
    for key in sorted(labels)[: _most(BOUNDS["CreateJobRequest.labels"])]:
        read.check(f"labels[{key}]", "labels key", key)
        read.check(f"labels[{key}]", "labels value", labels[key])
    return labels


def _locks(read: Reader) -> tuple[Lock, ...]:
    locks = []
    seen: set[str] = set()
    for index in range(min(len(read.checked("locks")), _most(BOUNDS["CreateJobRequest.locks"]))):
        inner = read.inner("locks", index)
        key = inner.checked("key")
        if key in seen:
            inner.fault("key", "is named twice")
        seen.add(key)
        locks.append(Lock(key, exclusive=inner.choice("mode", EXCLUSIVE_BY_NUMBER)))
    return tuple(locks)


def _not_before(read: Reader, now: int) -> int | None:
    not_before = read.micros("not_before_time")
    if not_before is None:
        return None
    if not_before > now + FURTHEST_AHEAD_MICROS:
        read.fault("not_before_time", "must be at most 366 days ahead")
    elif not_before > now:
        allowed = (job_pb2.CONFLICT_POLICY_UNSPECIFIED, job_pb2.CONFLICT_POLICY_QUEUE)
        if read.message.conflict_policy not in allowed:
            read.fault(
                "conflict_policy", "must be unset or QUEUE with not_before_time: the job takes its place only then"
            )
        if read.message.HasField("claim"):
            read.fault("claim", "must be unset with not_before_time")
    return not_before


def _claim_on_create(read: Reader) -> ClaimRequest | None:
    if not read.message.HasField("claim"):
        return None
    inner = read.inner("claim")
    return ClaimRequest("", inner.checked("worker_id"), (), 1, inner.seconds("lease_ttl") or 0.0)


def _progress(read: Reader) -> Progress:
    message = read.message
    metrics = dict(read.checked("metrics"))
    for name in sorted(metrics)[: _most(BOUNDS["ProgressReport.metrics"])]:
        read.check(f"metrics[{name}]", "metrics key", name)
        if not math.isfinite(metrics[name]):
            read.fault(f"metrics[{name}]", "must be a finite number")
    return Progress(
        total=message.total if message.HasField("total") else None,
        processed=message.processed,
        successful=message.successful,
        failed=message.failed,
        skipped=message.skipped,
        phase=read.checked("phase"),
        message=read.checked("message"),
        metrics=metrics,
    )


def _item_failure(read: Reader) -> ItemFailure:
    return ItemFailure(
        item_key=read.checked("item_key"),
        stage=read.checked("stage"),
        origin=read.choice("origin", ORIGINS_BY_NUMBER),
        code=read.checked("code"),
        message=read.checked("message"),
        retryable=read.message.retryable,
        attempts=read.checked("attempts"),
    )


def _most(bound: Bound) -> int:
    assert isinstance(bound, Count)  # noqa: S101 - the table is ours
    return bound.most
