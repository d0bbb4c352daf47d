"""Where jobs are kept. Every method is one transaction; what was written before is seen by every read."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple, Protocol

from job_tracker.domain.job import Event, ItemFailure, Job, JobType, Lease
from job_tracker.domain.moves import Change, Now
from job_tracker.domain.states import State

STORED_FAILURES_PER_JOB = 10_000
"""A job keeps so many item failures; the rest are counted."""


class ConflictPolicy(StrEnum):
    """What creation does when an earlier job stands on an incompatible lock."""

    FAIL = "FAIL"
    QUEUE = "QUEUE"


@dataclass(frozen=True, slots=True)
class Creation:
    """A job to be created, and how: `claim` starts it at once where no lock is in the way."""

    job: Job
    policy: ConflictPolicy
    request_id: str
    content_hash: str
    claim: "ClaimRequest | None" = None


@dataclass(frozen=True, slots=True)
class Created:
    """What came of a creation."""

    job: Job
    created: bool
    claimed: bool = False


@dataclass(frozen=True, slots=True)
class ClaimRequest:
    """Who asks for work, of which types, and for how long (seconds) without a report."""

    request_id: str
    worker_id: str
    types: tuple[str, ...]
    max_jobs: int
    ttl: float
    content_hash: str = ""


@dataclass(frozen=True, slots=True)
class Claimed:
    """A job under its new lease, with the last stored checkpoint."""

    job: Job
    lease: Lease
    checkpoint: bytes


@dataclass(frozen=True, slots=True)
class Filter:
    """Which jobs; every given condition must hold. Times are Unix microseconds, `created_before` is exclusive."""

    store_ids: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    states: tuple[State, ...] = ()
    created_from: int | None = None
    created_before: int | None = None
    text: str = ""


@dataclass(frozen=True, slots=True)
class JobKey:
    """The place of a job in a list by time of creation."""

    create_time: int
    job_id: str


@dataclass(frozen=True, slots=True)
class PlacedEvent:
    """An event, and its place among those of its revision."""

    ordinal: int
    event: Event


@dataclass(frozen=True, slots=True)
class Seen:
    """A job as it is now, with its events after a revision or from a position on."""

    job: Job
    events: tuple[Event, ...]


class Moved(NamedTuple):
    """The position after which whatever else happens lies, and the jobs that had events before it, with the last one's revision.

    A position orders the events of all jobs as they are committed, whatever the wall clock does; any replica knows it.
    """

    position: int
    revisions: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Stats:
    """Counts over a window. `counts` is keyed by type, variant and state; times are Unix microseconds."""

    counts: Mapping[tuple[str, str, State], int]
    running_now: int
    pending_now: int
    oldest_pending: int | None


class JobStore(Protocol):
    """Keeps jobs, their events, failures, locks and leases."""

    async def create(self, creation: Creation, now: Now, new_token: Callable[[], str]) -> Created:
        """Store a job with its locks, or find the one that this request made before.

        Raises:
            RequestIdReusedError, ConflictingJobError, JobNotFoundError: As their texts say.
        """
        ...

    async def change(self, job_id: str, decide: Callable[[Job], Change]) -> Change:
        """Let `decide` look at a job as it is, and store what it answers.

        Raises:
            JobNotFoundError: There is no such job; and whatever `decide` raises.
        """
        ...

    async def claim(self, request: ClaimRequest, now: Now, new_token: Callable[[], str]) -> list[Claimed]:
        """Claim what may run, highest priority and then oldest first; the same request id gives the same leases.

        Raises:
            InvalidFieldsError: The request id was used before for another claim.
        """
        ...

    async def any_claimable(self, request: ClaimRequest, now: Now) -> bool:
        """Whether `claim` would answer with anything, or was asked the same before."""
        ...

    async def overdue(self, now: Now) -> list[str]:
        """Find held jobs whose lease or grace has run out."""
        ...

    async def free_locks(self, now: Now) -> bool:
        """Free the locks that stood on for a revoked lease; whether there were any."""
        ...

    async def forget_requests(self, before: int) -> None:
        """Forget claim requests made before a time (Unix microseconds): nobody repeats them any more."""
        ...

    async def give_leases_a_whole_ttl(self, steady: float, grace: float) -> None:
        """After a start: the steady clock begins anew, so every lease and grace does."""
        ...

    async def get(self, job_id: str) -> Job:
        """Read a job.

        Raises:
            JobNotFoundError: There is no such job.
        """
        ...

    async def see(self, job_id: str, after_revision: int) -> Seen:
        """Read a job with its events after a revision, in one snapshot.

        Raises:
            JobNotFoundError: There is no such job.
        """
        ...

    async def list_jobs(self, wanted: Filter, *, newest_first: bool, after: JobKey | None, limit: int) -> list[Job]:
        """Read jobs in order of creation, after a place in that order."""
        ...

    async def list_moving(self, wanted: Filter, since: int | None, after: JobKey | None, limit: int) -> list[Seen]:
        """Read jobs that are not final, and those with events at or after a position, oldest first, after a place.

        Each comes with its events from that position on, with none where no position is given.
        """
        ...

    async def position(self) -> int:
        """Find a position that no event which is committed from now on lies before."""
        ...

    async def moved(self, since: int) -> Moved:
        """Find the jobs with events at or after a position, in one snapshot with the position after them."""
        ...

    async def matching(self, job_ids: Sequence[str], wanted: Filter) -> list[Job]:
        """Read those of some jobs that a filter selects."""
        ...

    async def events(self, job_id: str, *, after: tuple[int, int] | None, limit: int) -> list[PlacedEvent]:
        """Read a job's events, oldest first, after a (revision, ordinal) place."""
        ...

    async def failures(
        self, job_id: str, *, codes: tuple[str, ...], after: tuple[str, str] | None, limit: int
    ) -> list[ItemFailure]:
        """Read a job's item failures by item key and stage, after a place in that order."""
        ...

    async def cancelling_of(self, worker_id: str) -> list[Job]:
        """Read the jobs of a worker that somebody asked to cancel."""
        ...

    async def stats(self, store_ids: tuple[str, ...], created_from: int | None, created_before: int | None) -> Stats:
        """Count jobs."""
        ...

    async def register_types(self, types: Sequence[JobType]) -> list[JobType]:
        """Store types, and answer with all of them by name."""
        ...

    async def types(self) -> list[JobType]:
        """Read the registered types by name."""
        ...
