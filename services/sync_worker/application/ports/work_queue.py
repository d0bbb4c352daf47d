"""JobTracker, as a worker uses it: claims, reports and final calls.

Each method is one call; who calls decides whether to call again after `TrackerUnavailable`. Every call is safe to repeat:
claims by their request id, reports by their sequence, final calls by their content.
"""

from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from sync_worker.application.ports.job import JsonValue
from sync_worker.domain.failures import ItemFailure
from sync_worker.domain.operations import OperationSpec
from sync_worker.domain.progress import Progress

MAX_FAILURES = 500
"""JobTracker takes at most so many item failures a call."""


class Directive(StrEnum):
    """What JobTracker wants a worker to do."""

    CONTINUE = "CONTINUE"
    CANCEL = "CANCEL"
    LEASE_LOST = "LEASE_LOST"
    PAUSE = "PAUSE"
    DRAIN = "DRAIN"
    """Go on: the type is paused, so that no other job of it follows."""


@dataclass(frozen=True, slots=True)
class LeaseGrant:
    """The right to work on a job. It runs out `ttl` seconds after the last accepted report; renew after `renew_after`."""

    job_id: str
    token: str = field(repr=False)
    fence: int
    ttl: float
    renew_after: float


@dataclass(frozen=True, slots=True)
class ClaimedJob:
    """A job that this worker is to do. `exclusive_keys` are its EXCLUSIVE locks.

    With `failed_items_only` it does again what failed in the job `retry_of_job_id`, and nothing else.
    """

    job_id: str
    type: str
    variant: str
    store_id: str
    attempt: int
    params: Mapping[str, JsonValue]
    labels: Mapping[str, str]
    exclusive_keys: tuple[str, ...]
    lease: LeaseGrant
    retry_of_job_id: str = ""
    failed_items_only: bool = False
    priority: int = 0


@dataclass(frozen=True, slots=True)
class Claim:
    """A question for work. Asked again with the same id, it is answered with the same leases."""

    request_id: str
    worker_id: str
    types: tuple[str, ...]
    max_jobs: int
    lease_seconds: float


@dataclass(frozen=True, slots=True)
class Report:
    """What a worker says in the middle. Without progress it only renews the lease. At most MAX_FAILURES failures."""

    sequence: int
    progress: Progress | None = None
    failures: Sequence[ItemFailure] = ()


@dataclass(frozen=True, slots=True)
class ReportAnswer:
    """What JobTracker made of a report: not `applied` when it had applied a report of this or a later sequence before."""

    applied: bool
    directive: Directive


@dataclass(frozen=True, slots=True)
class Told:
    """A directive for one job, or, without a job, a sign that the stream lives.

    `fence` says which lease on the job is meant; 0 from a JobTracker that does not say.
    """

    job_id: str
    directive: Directive
    reason: str = ""
    fence: int = 0

    def concerns(self, lease: LeaseGrant) -> bool:
        """Whether this lease is meant: what was said of an earlier one on the same job is none of its business."""
        return self.job_id == lease.job_id and self.fence in (0, lease.fence)


class WorkQueue(Protocol):
    """One worker's calls.

    Every method raises `TrackerUnavailable` when no answer came and `TrackerRefusal` when JobTracker said no; those under a
    lease raise `LeaseLost` when it is no longer ours. Times are seconds.
    """

    async def register_types(self, specs: Sequence[OperationSpec]) -> None:
        """Tell JobTracker what this worker can do, with labels and variants."""
        ...

    async def claim(self, claim: Claim, *, wait: float) -> Sequence[ClaimedJob]:
        """Claim jobs, waiting up to `wait` for the first."""
        ...

    def watch_directives(self, worker_id: str) -> AsyncGenerator[Told]:
        """Give directives as they come; the first element has no job: from then on nothing is missed."""
        ...

    async def update(self, lease: LeaseGrant, report: Report) -> ReportAnswer:
        """Report, and renew the lease."""
        ...

    async def complete(
        self,
        lease: LeaseGrant,
        progress: Progress,
        result: Mapping[str, JsonValue],
        message: str,
        failures: Sequence[ItemFailure],
    ) -> None:
        """End a job whose work is done."""
        ...

    async def fail(
        self,
        lease: LeaseGrant,
        code: str,
        message: str,
        *,
        retryable: bool,
        retry_after: float | None,
        progress: Progress | None,
        failures: Sequence[ItemFailure],
    ) -> None:
        """End an attempt that failed; the next one begins after `retry_after`, or when JobTracker likes."""
        ...

    async def release(
        self, lease: LeaseGrant, reason: str, *, progress: Progress | None, failures: Sequence[ItemFailure]
    ) -> None:
        """Give a job back without a failure."""
        ...
