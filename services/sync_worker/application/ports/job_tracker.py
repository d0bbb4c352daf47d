"""JobTracker, as those who start operations use it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from sync_worker.application.ports.job import JsonValue
from sync_worker.domain.operations import LockNeed, Operation


class ConflictPolicy(StrEnum):
    """What becomes of a start when another job is in the way."""

    FAIL = "FAIL"
    QUEUE = "QUEUE"
    USE_EXISTING = "USE_EXISTING"
    REPLACE = "REPLACE"


@dataclass(frozen=True, slots=True)
class NewJob:
    """A job to create. The lock keys carry their store already.

    Without a `conflict_policy` JobTracker's own default holds. `not_before` is Unix microseconds.
    """

    request_id: str
    type: Operation
    variant: str
    store_id: str
    params: Mapping[str, JsonValue]
    locks: Sequence[LockNeed]
    conflict_policy: ConflictPolicy | None = None
    priority: int = 0
    created_by: str = ""
    not_before: int | None = None
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CreatedJob:
    """The job, as JobTracker's own message in bytes (`nhanhsync.jobs.v1.Job`): it is passed on unread.

    `created` is False when an earlier call with the same request id had made it, or when it is the one that stood in the way
    and the policy was to use it.
    """

    message: bytes
    created: bool


class JobTracker(Protocol):
    """Creates jobs and finds them."""

    async def create_job(self, job: NewJob) -> CreatedJob:
        """Create a job; safe to repeat, since its request id is never empty.

        Raises:
            TrackerRefusal: JobTracker said no.
            TrackerUnavailable: No answer came.
        """
        ...

    async def active_jobs(self, store_id: str, operations: Sequence[Operation]) -> Sequence[str]:
        """Find jobs of these types and this store that have not ended, oldest first; the ids of at least one if there is any.

        Raises:
            TrackerRefusal, TrackerUnavailable: As for `create_job`.
        """
        ...
