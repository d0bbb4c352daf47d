"""Where jobs are kept. Every method is one transaction; what was written before is seen by every read.

The store tells the time, too: on PostgreSQL it is the database's, the same for every replica. What has to be decided on a
moment is decided inside the transaction, on the moment that the store hands over.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple, Protocol

from job_tracker.domain.errors import TrackerError
from job_tracker.domain.job import Asked, Event, ItemFailure, Job, JobType, Lease, Worker
from job_tracker.domain.moves import Change, Now
from job_tracker.domain.states import State

STORED_FAILURES_PER_JOB = 10_000
"""A job keeps so many item failures; the rest are counted."""


class ConflictPolicy(StrEnum):
    """What creation does when an earlier job stands on an incompatible lock."""

    FAIL = "FAIL"
    QUEUE = "QUEUE"
    USE_EXISTING = "USE_EXISTING"
    REPLACE = "REPLACE"


@dataclass(frozen=True, slots=True)
class Creation:
    """A job to be created, and how; the store sets its times and its place.

    `claim` starts it at once where no lock is in the way. `cancel_grace` (seconds) is for those whose place it takes.
    """

    job: Job
    policy: ConflictPolicy
    request_id: str
    content_hash: str
    claim: "ClaimRequest | None" = None
    cancel_grace: float = 60.0


@dataclass(frozen=True, slots=True)
class Created:
    """What came of a creation."""

    job: Job
    created: bool
    claimed: bool = False
    replaced: tuple[Change, ...] = ()
    """What was made of the jobs whose place it takes."""


@dataclass(frozen=True, slots=True)
class ClaimRequest:
    """Who asks for work, of which types and shops (none: all), and for how long (seconds) without a report."""

    request_id: str
    worker_id: str
    types: tuple[str, ...]
    max_jobs: int
    ttl: float
    content_hash: str = ""
    stores: tuple[str, ...] = ()


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
class Glimpse:
    """As much of a job as tells whether it has changed; where `standing` differs, more than its progress has."""

    job_id: str
    revision: int
    standing: str


@dataclass(frozen=True, slots=True)
class Stats:
    """Counts over a window. `counts` is keyed by type, variant and state; times are Unix microseconds."""

    counts: Mapping[tuple[str, str, State], int]
    running_now: int
    pending_now: int
    oldest_pending: int | None


Decide = Callable[[Job, Now], Change]
"""Looks at a job as it is at a moment, and says what becomes of it, or raises."""


class JobStore(Protocol):
    """Keeps jobs, their events, failures, locks and leases."""

    async def now(self) -> Now:
        """Tell the present moment by the clock that jobs are dated with."""
        ...

    async def create(self, creation: Creation, new_token: Callable[[], str]) -> Created:
        """Store a job with its locks, or find the one that this request made before.

        Raises:
            RequestIdReusedError, ConflictingJobError, JobNotFoundError, JobDeletedError: As their texts say.
        """
        ...

    async def change(self, job_id: str, decide: Decide) -> Change:
        """Let `decide` look at a job as it is, and store what it answers.

        Raises:
            JobNotFoundError: There is no such job; and whatever `decide` raises.
        """
        ...

    async def change_if_free(self, job_id: str, decide: Decide) -> Change | None:
        """Do as `change` does, unless there is no such job or somebody else is changing it at this moment: then None."""
        ...

    async def change_many(self, decisions: Sequence[tuple[str, Decide]]) -> list[Change | TrackerError]:
        """Do as `change` does with each of some jobs, in one transaction; one that is refused is refused alone."""
        ...

    async def delete(self, job_id: str) -> Job:
        """Remove a job that has ended, with its events and failures; what it was.

        Raises:
            JobNotFoundError: There is no such job.
            IllegalTransitionError: It has not ended, or its locks still stand.
        """
        ...

    async def remove_ended(self, keep: Mapping[State, float], limit: int) -> dict[State, int]:
        """Remove jobs whose end is longer ago than their state is kept (seconds): how many of each, none when none is left.

        At most `limit` at a time, and fewer where much belongs to them.
        """
        ...

    async def claim(self, request: ClaimRequest, new_token: Callable[[], str]) -> list[Claimed]:
        """Claim what may run, highest priority and then oldest first; the same request id gives the same leases.

        Raises:
            InvalidFieldsError: The request id was used before for another claim.
        """
        ...

    async def any_claimable(self, request: ClaimRequest) -> bool:
        """Whether `claim` would answer with anything, or was asked the same before."""
        ...

    async def begin_watching_leases(self, grace: float, unwatched: float) -> None:
        """Before anybody is served after a start: as `watch_leases`; where the steady clock begins anew, in any case."""
        ...

    async def watch_leases(self, grace: float, unwatched: float) -> bool:
        """Note that leases are looked after; where nobody did for `unwatched` seconds, or the clock jumped, they begin anew.

        Workers could not renew while the database, or every replica, was away: that must not cost them their leases.
        Returns whether leases began anew.
        """
        ...

    async def overdue(self) -> list[str]:
        """Find held jobs whose lease or grace has run out."""
        ...

    async def free_locks(self) -> bool:
        """Free the locks that stood on for a revoked lease; whether there were any."""
        ...

    async def take_places(self) -> bool:
        """Give jobs whose time has come their place among those who want their locks; whether there were any."""
        ...

    async def forget(self, *, claims_after: float, creations_after: float, workers_after: float) -> None:
        """Forget what nobody asks for any more, by age in seconds: claims, creations whose job is gone, silent workers."""
        ...

    async def note_worker(
        self, worker_id: str, *, types: tuple[str, ...] | None, listening: bool, limited_to: str = ""
    ) -> None:
        """Note that a worker was heard of, with its types unless they are None, and by its directive stream if `listening`.

        `limited_to` is the name of a caller who may note only workers that nobody else has noted: for anybody else's, it
        changes nothing. Empty, the call may note any, which is then no such caller's any more.
        """
        ...

    async def workers(self, after: str, limit: int, listens_for: float) -> list[Worker]:
        """Read workers by name, after a name, with what they hold.

        One whose directive stream gave a sign of life within `listens_for` seconds is listening.
        """
        ...

    async def pause_type(
        self, job_type: str, paused_by: str, reason: str, asked: Asked
    ) -> tuple[JobType, list[Change]]:
        """Keep a type's jobs from being claimed, and ask something of those who hold one: a change for each of these.

        A type that is paused keeps who paused it, when and why.

        Raises:
            JobTypeNotRegisteredError: Nobody has registered it.
        """
        ...

    async def resume_type(self, job_type: str) -> tuple[JobType, list[Change]]:
        """Let a type's jobs be claimed, and ask nothing more of those who hold one: a change for each of these.

        Raises:
            JobTypeNotRegisteredError: Nobody has registered it.
        """
        ...

    async def retried(self, job_ids: Sequence[str]) -> set[str]:
        """Find those of some jobs that another job repeats."""
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

    async def asked_of(self, worker_ids: Sequence[str]) -> list[tuple[Job, str]]:
        """Read the jobs that workers hold and of which something is asked: cancel, pause, drain.

        Each comes with why its type is paused.
        """
        ...

    async def glimpse(self, job_ids: Sequence[str]) -> list[Glimpse]:
        """Look at those of some jobs that there are."""
        ...

    async def glimpse_moving(self, ended_within: float) -> list[Glimpse]:
        """Look at all jobs that are not final, and at those that ended within the last seconds."""
        ...

    async def stats(self, store_ids: tuple[str, ...], created_from: int | None, created_before: int | None) -> Stats:
        """Count jobs."""
        ...

    async def count_selected(self, wanted: Filter, after: JobKey | None) -> int:
        """Count the jobs that a filter selects, after a place in order of creation."""
        ...

    async def register_types(self, types: Sequence[JobType]) -> list[JobType]:
        """Store types, and answer with these as they are now, by name.

        Raises:
            InvalidFieldsError: There would be too many; none is stored.
        """
        ...

    async def types(self) -> list[JobType]:
        """Read the registered types by name."""
        ...
