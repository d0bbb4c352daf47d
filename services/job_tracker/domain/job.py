"""A job as it is. It is frozen: every move makes a new one."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from job_tracker.domain.locks import Lock
from job_tracker.domain.progress import Pace, Progress
from job_tracker.domain.states import FINAL, State

Json = Mapping[str, Any]
"""A JSON object whose values are what JSON knows."""

TRACKER = "job-tracker"
"""The actor of what JobTracker does by itself."""


@dataclass(frozen=True, slots=True)
class JobFailure:
    """Why a job, or its last attempt, failed. Times are Unix microseconds."""

    code: str
    message: str
    retryable: bool
    attempt: int
    time: int


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to work on a job. `deadline` and `claimed` are seconds of the tracker's steady clock."""

    token: str
    fence: int
    ttl: float
    deadline: float
    claimed: float
    report_sequence: int = 0


class Asked(StrEnum):
    """What is asked of the worker that holds a job, beyond the job's own pause and cancel: its type is paused."""

    NOTHING = ""
    DRAIN = "DRAIN"
    RELEASE = "RELEASE"


class RetryScope(StrEnum):
    """How much of the job that it repeats a retry does again."""

    ALL = "ALL"
    FAILED_ITEMS = "FAILED_ITEMS"


@dataclass(frozen=True, slots=True)
class EndedLease:
    """The lease that ended last, and a hash of the call that ended it: the same call again is answered the same."""

    token: str
    call_hash: str


@dataclass(frozen=True, slots=True)
class Job:
    """A long operation that somebody asked for. Times are Unix microseconds, None while they have not come.

    `ticket` is its place among those who want its locks, 0 while it has none: before its `not_before` has come.
    """

    job_id: str
    type: str
    variant: str
    display_name: str
    store_id: str
    params: Json
    labels: Mapping[str, str]
    priority: int
    locks: tuple[Lock, ...]
    max_attempts: int
    retry_of_job_id: str
    parent_job_id: str
    created_by: str
    create_time: int
    update_time: int
    ticket: int = 0
    state: State = State.PENDING
    state_message: str = ""
    revision: int = 1
    result: Json | None = None
    attempt: int = 0
    attempts_used: int = 0
    progress: Progress = field(default_factory=Progress)
    pace: Pace | None = None
    failure: JobFailure | None = None
    worker_id: str = ""
    cancel_requested: bool = False
    cancel_deadline: float | None = None
    start_time: int | None = None
    end_time: int | None = None
    not_before: int | None = None
    paused: bool = False
    asked: Asked = Asked.NOTHING
    retry_scope: RetryScope | None = None
    item_failure_count: int = 0
    lease: Lease | None = None
    ended_lease: EndedLease | None = None

    @property
    def final(self) -> bool:
        """Whether the job has ended for good."""
        return self.state in FINAL


class EventKind(StrEnum):
    """What happened to a job."""

    CREATED = "CREATED"
    CLAIMED = "CLAIMED"
    CANCEL_REQUESTED = "CANCEL_REQUESTED"
    ATTEMPT_FAILED = "ATTEMPT_FAILED"
    RELEASED = "RELEASED"
    LEASE_LOST = "LEASE_LOST"
    ENDED = "ENDED"
    PAUSED = "PAUSED"
    RESUMED = "RESUMED"


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to a job, at a revision of it."""

    revision: int
    kind: EventKind
    from_state: State | None
    to_state: State
    time: int
    actor: str
    attempt: int
    reason: str = ""
    message: str = ""


class Origin(StrEnum):
    """Who refused an item."""

    NHANH = "NHANH"
    SHOPIFY = "SHOPIFY"
    WORKER = "WORKER"
    RULE = "RULE"


@dataclass(frozen=True, slots=True)
class ItemFailure:
    """One item that a job could not do. The times are set when it is stored."""

    item_key: str
    stage: str
    origin: Origin
    code: str
    message: str
    retryable: bool
    attempts: int
    first_time: int = 0
    last_time: int = 0


@dataclass(frozen=True, slots=True)
class TypePause:
    """Who paused a type, why, and when (Unix microseconds)."""

    paused_by: str
    reason: str
    time: int


@dataclass(frozen=True, slots=True)
class JobType:
    """A kind of job that a worker can do, as it registered it; `pause` is set while its jobs are not claimed."""

    type: str
    display_name: str
    variants: tuple[str, ...] = ()
    retries_failed_items: bool = False
    pause: TypePause | None = None


@dataclass(frozen=True, slots=True)
class Worker:
    """A process that claims jobs, as its calls tell. Times are Unix microseconds."""

    worker_id: str
    types: tuple[str, ...]
    first_seen: int
    last_seen: int
    listening: bool
    held: tuple[str, ...] = ()


def prettified(job_type: str) -> str:
    """Make a label of a type that nobody registered: PULL_NHANH_PRODUCTS is read as Pull Nhanh Products."""
    return " ".join(word.capitalize() for word in job_type.split("_") if word)
