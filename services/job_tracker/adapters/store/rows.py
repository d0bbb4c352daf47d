"""A job as a row, and back."""

from typing import Any

import orjson
from sqlalchemy import Row

from job_tracker.domain.job import (
    Asked,
    EndedLease,
    Event,
    EventKind,
    ItemFailure,
    Job,
    JobFailure,
    JobType,
    Lease,
    Origin,
    RetryScope,
    TypePause,
)
from job_tracker.domain.locks import Lock
from job_tracker.domain.progress import Pace, Progress
from job_tracker.domain.states import FINAL, HELD, State

Values = dict[str, Any]

ACTIVE_STATES = tuple(state.value for state in State if state not in FINAL)
HELD_STATES = tuple(state.value for state in HELD)


def job_of(row: Row[Any]) -> Job:
    """Read a job from its row."""
    r = row._mapping  # the documented way to read columns by name
    lease = ended = pace = failure = None
    if r["lease_token"] is not None:
        lease = Lease(
            token=r["lease_token"],
            fence=r["lease_fence"],
            ttl=r["lease_ttl"],
            deadline=r["lease_deadline_steady"],
            claimed=r["lease_claimed_steady"],
            report_sequence=r["lease_report_sequence"],
        )
    if r["ended_lease_token"] is not None:
        ended = EndedLease(r["ended_lease_token"], r["ended_call_hash"])
    if r["pace_base_steady"] is not None:
        pace = Pace(
            r["pace_base_processed"],
            r["pace_base_steady"],
            r["pace_last_processed"],
            r["pace_last_steady"],
            r["pace_rate"],
        )
    if r["failure"] is not None:
        failure = JobFailure(**orjson.loads(r["failure"]))
    return Job(
        **{name: r[name] for name in _PLAIN},
        state=State(r["state"]),
        params=orjson.loads(r["params"]),
        result=None if r["result"] is None else orjson.loads(r["result"]),
        labels=orjson.loads(r["labels"]),
        locks=tuple(Lock(key, exclusive) for key, exclusive in orjson.loads(r["locks"])),
        progress=Progress(**{name: r[name] for name in _COUNTS}, metrics=orjson.loads(r["metrics"])),
        pace=pace,
        failure=failure,
        asked=Asked(r["asked"]),
        retry_scope=RetryScope(r["retry_scope"]) if r["retry_scope"] else None,
        lease=lease,
        ended_lease=ended,
        cancel_deadline=r["cancel_deadline_steady"],
    )


def new_values(job: Job) -> Values:
    """Write a whole job."""
    return {
        "job_id": job.job_id,
        "type": job.type,
        "variant": job.variant,
        "display_name": job.display_name,
        "store_id": job.store_id,
        "params": orjson.dumps(job.params).decode(),
        "labels": orjson.dumps(job.labels).decode(),
        "locks": orjson.dumps([(lock.key, lock.exclusive) for lock in job.locks]).decode(),
        "priority": job.priority,
        "ticket": job.ticket,
        "max_attempts": job.max_attempts,
        "retry_of_job_id": job.retry_of_job_id,
        "retry_scope": job.retry_scope or "",
        "parent_job_id": job.parent_job_id,
        "created_by": job.created_by,
        "create_time": job.create_time,
        "item_failures_stored": 0,
        **moved_values(job),
    }


def moved_values(job: Job) -> Values:
    """Write what a move may change."""
    ended = job.ended_lease
    failure = job.failure
    return {
        "state": job.state.value,
        "state_message": job.state_message,
        "result": None if job.result is None else orjson.dumps(job.result).decode(),
        "attempt": job.attempt,
        "attempts_used": job.attempts_used,
        "worker_id": job.worker_id,
        "cancel_requested": job.cancel_requested,
        "paused": job.paused,
        "start_time": job.start_time,
        "end_time": job.end_time,
        "not_before": job.not_before,
        "failure": None
        if failure is None
        else orjson.dumps({name: getattr(failure, name) for name in JobFailure.__slots__}).decode(),
        "lease_token": job.lease and job.lease.token,
        "lease_fence": job.lease and job.lease.fence,
        "lease_ttl": job.lease and job.lease.ttl,
        "lease_claimed_steady": job.lease and job.lease.claimed,
        "ended_lease_token": ended and ended.token,
        "ended_call_hash": ended and ended.call_hash,
        "cancel_deadline_steady": job.cancel_deadline,
        **reported_values(job),
    }


def reported_values(job: Job) -> Values:
    """Write what a report may change: columns that no index holds."""
    progress, pace, lease = job.progress, job.pace, job.lease
    return {
        "revision": job.revision,
        "update_time": job.update_time,
        **{name: getattr(progress, name) for name in _COUNTS},
        "metrics": orjson.dumps(progress.metrics).decode(),
        "pace_base_processed": pace and pace.base_processed,
        "pace_base_steady": pace and pace.base_time,
        "pace_last_processed": pace and pace.last_processed,
        "pace_last_steady": pace and pace.last_time,
        "pace_rate": pace and pace.rate,
        "lease_deadline_steady": lease and lease.deadline,
        "lease_report_sequence": lease and lease.report_sequence,
        "asked": job.asked.value,
        "item_failure_count": job.item_failure_count,
    }


def type_of(row: Row[Any]) -> JobType:
    """Read a registered type, joined with its pause, from a row."""
    pause = None if row.pause_time is None else TypePause(row.paused_by, row.reason, row.pause_time)
    return JobType(row.type, row.display_name, tuple(orjson.loads(row.variants)), row.retries_failed_items, pause)


def event_of(row: Row[Any]) -> Event:
    """Read an event from its row."""
    return Event(
        revision=row.revision,
        kind=EventKind(row.kind),
        from_state=None if row.from_state is None else State(row.from_state),
        to_state=State(row.to_state),
        time=row.event_time,
        actor=row.actor,
        attempt=row.attempt,
        reason=row.reason,
        message=row.message,
    )


def event_values(job_id: str, ordinal: int, event: Event) -> Values:
    """Write an event, but for its position."""
    return {
        "job_id": job_id,
        "revision": event.revision,
        "ordinal": ordinal,
        "kind": event.kind.value,
        "from_state": None if event.from_state is None else event.from_state.value,
        "to_state": event.to_state.value,
        "event_time": event.time,
        "actor": event.actor,
        "attempt": event.attempt,
        "reason": event.reason,
        "message": event.message,
    }


def failure_of(row: Row[Any]) -> ItemFailure:
    """Read an item failure from its row."""
    return ItemFailure(
        item_key=row.item_key,
        stage=row.stage,
        origin=Origin(row.origin),
        code=row.code,
        message=row.message,
        retryable=row.retryable,
        attempts=row.attempts,
        first_time=row.first_time,
        last_time=row.last_time,
    )


def failure_values(job_id: str, failure: ItemFailure, now: int) -> Values:
    """Write an item failure that is reported now."""
    return {
        "job_id": job_id,
        "item_key": failure.item_key,
        "stage": failure.stage,
        "origin": failure.origin.value,
        "code": failure.code,
        "message": failure.message,
        "retryable": failure.retryable,
        "attempts": failure.attempts,
        "first_time": now,
        "last_time": now,
    }


_PLAIN = (
    "job_id",
    "type",
    "variant",
    "display_name",
    "store_id",
    "priority",
    "ticket",
    "max_attempts",
    "retry_of_job_id",
    "parent_job_id",
    "created_by",
    "create_time",
    "update_time",
    "state_message",
    "revision",
    "attempt",
    "attempts_used",
    "worker_id",
    "cancel_requested",
    "paused",
    "start_time",
    "end_time",
    "not_before",
    "item_failure_count",
)
_COUNTS = ("total", "processed", "successful", "failed", "skipped", "phase", "message")
