"""What `MemoryJobStore` keeps: plain dictionaries of frozen rows, copied as a whole when something is written."""

from collections.abc import Iterator
from dataclasses import dataclass, field, fields, replace

from job_tracker.application.ports.job_store import Filter
from job_tracker.domain.errors import JobNotFoundError
from job_tracker.domain.job import Event, ItemFailure, Job, JobType, TypePause
from job_tracker.domain.locks import Lock
from job_tracker.domain.moves import Now


@dataclass(frozen=True, slots=True)
class EventRow:
    """An event, its place among those of its revision, and its position among those of all jobs."""

    position: int
    ordinal: int
    event: Event


@dataclass(frozen=True, slots=True)
class LockRow:
    """A place on a key; `free_at` (steady seconds) is set where it stands on for a lease of `free_ttl` that was revoked."""

    ticket: int
    job_id: str
    exclusive: bool
    free_at: float | None = None
    free_ttl: float = 0.0


@dataclass(frozen=True, slots=True)
class CreationRow:
    """What a request created; `token` is that of the lease that it was given at once."""

    content_hash: str
    job_id: str
    token: str | None
    time: int


@dataclass(frozen=True, slots=True)
class ClaimRow:
    """What a request claimed: (job, token) pairs."""

    content_hash: str
    claims: tuple[tuple[str, str], ...]
    time: int


@dataclass(frozen=True, slots=True)
class WorkerRow:
    """A worker that was heard of."""

    types: tuple[str, ...]
    first_seen: int
    last_seen: int
    listening: int | None = None
    noted_by: str = ""


Failures = dict[tuple[str, str], ItemFailure]


@dataclass
class Tables:
    """Everything that is kept. Values are frozen or never changed in place, so a copy of the dictionaries is a copy of all."""

    jobs: dict[str, Job] = field(default_factory=dict)
    checkpoints: dict[str, bytes] = field(default_factory=dict)
    events: dict[str, tuple[EventRow, ...]] = field(default_factory=dict)
    failures: dict[str, Failures] = field(default_factory=dict)
    locks: dict[str, tuple[LockRow, ...]] = field(default_factory=dict)
    creations: dict[str, CreationRow] = field(default_factory=dict)
    claims: dict[str, ClaimRow] = field(default_factory=dict)
    types: dict[str, JobType] = field(default_factory=dict)
    pauses: dict[str, TypePause] = field(default_factory=dict)
    workers: dict[str, WorkerRow] = field(default_factory=dict)
    counters: dict[str, int] = field(default_factory=dict)

    def copy(self) -> "Tables":
        """Make a draft to write into."""
        return Tables(*(getattr(self, name).copy() for name in NAMES))

    def job(self, job_id: str) -> Job:
        """Read a job.

        Raises:
            JobNotFoundError: There is no such job.
        """
        try:
            return self.jobs[job_id]
        except KeyError:
            raise JobNotFoundError(job_id) from None

    def raise_counter(self, name: str, at_least: int = 0) -> int:
        """Raise a counter by one or more, to `at_least` so much."""
        self.counters[name] = max(self.counters.get(name, 0) + 1, at_least, 1)
        return self.counters[name]

    def add_events(self, job_id: str, events: tuple[Event, ...]) -> None:
        """Store what happened to a job in one change."""
        if events:
            position = self.raise_counter("position", events[0].time)
            rows = tuple(EventRow(position, ordinal, event) for ordinal, event in enumerate(events))
            self.events[job_id] = self.events.get(job_id, ()) + rows

    def stand_in_line(self, job: Job) -> None:
        """Take the places of a job on its keys, at its ticket."""
        for lock in job.locks if job.ticket else ():
            rows = (*self.locks.get(lock.key, ()), LockRow(job.ticket, job.job_id, lock.exclusive))
            self.locks[lock.key] = tuple(sorted(rows, key=lambda row: row.ticket))

    def keep_locks(self, kept: "dict[str, tuple[LockRow, ...]]") -> None:
        """Put other rows in the place of some keys' rows."""
        for key, rows in kept.items():
            if rows:
                self.locks[key] = rows
            else:
                self.locks.pop(key, None)

    def free_locks_of(self, job: Job) -> None:
        """Give up a job's places."""
        keys = [lock.key for lock in job.locks if lock.key in self.locks]
        self.keep_locks({key: tuple(row for row in self.locks[key] if row.job_id != job.job_id) for key in keys})

    def free_locks_later(self, job: Job, free_at: float, ttl: float) -> None:
        """Let a job's places stand until its revoked lease would have run out."""
        for lock in job.locks:
            self.locks[lock.key] = tuple(
                replace(row, free_at=free_at, free_ttl=ttl) if row.job_id == job.job_id else row
                for row in self.locks.get(lock.key, ())
            )

    def standing_rows(self, job: Job) -> list[LockRow]:
        """Read a job's places."""
        return [row for lock in job.locks for row in self.locks.get(lock.key, ()) if row.job_id == job.job_id]

    def in_the_way(self, lock: Lock, before: int | None = None) -> Iterator[LockRow]:
        """Read the incompatible places on a key, those earlier than a ticket if one is given."""
        for row in self.locks.get(lock.key, ()):
            if (row.exclusive or lock.exclusive) and (before is None or row.ticket < before):
                yield row

    def forget_job(self, job: Job) -> None:
        """Remove a job with all that belongs to it; what was asked for under a request id is remembered."""
        del self.jobs[job.job_id]
        self.checkpoints.pop(job.job_id, None)
        self.events.pop(job.job_id, None)
        self.failures.pop(job.job_id, None)
        self.free_locks_of(job)


NAMES = tuple(one.name for one in fields(Tables))


def selects(wanted: Filter, job: Job) -> bool:
    """Whether a filter selects a job."""
    text = wanted.text.lower()
    searched = (job.job_id, job.display_name, job.state_message, job.progress.message, job.created_by)
    return (
        (not wanted.store_ids or job.store_id in wanted.store_ids)
        and (not wanted.types or job.type in wanted.types)
        and (not wanted.states or job.state in wanted.states)
        and (wanted.created_from is None or job.create_time >= wanted.created_from)
        and (wanted.created_before is None or job.create_time < wanted.created_before)
        and (not text or any(text in one.lower() for one in searched))
    )


def seconds_ago(now: Now, seconds: float) -> int:
    """Say in Unix microseconds when it was so many seconds ago."""
    return now.wall - round(seconds * 1_000_000)
