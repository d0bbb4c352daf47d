"""What happened in a run, step by step, and what must not have."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum


class Invariant(StrEnum):
    """What holds at every step, and at the end."""

    FINAL_IS_FINAL = "a job that has ended stays as it ended"
    ANSWERED_IS_STORED = "what a caller was told is so"
    LEGAL_MOVES = "every change of state is told by an event, along the table of moves"
    ONLY_RISES = "revision and attempt only rise, and fences with every claim"
    ATTEMPTS = "an attempt is used up by a failure or a lost lease, and by nothing else"
    COUNTS = "processed = successful + failed + skipped, and not over the total"
    ONE_LEASE = "a job is held under one lease, and a stale one is good for nothing"
    LEASE_TIME = "a lease is taken back at its deadline, not before"
    ONE_HOLDER = "no two workers may believe at once that they hold the same job, or locks that exclude each other"
    OUTSIDE = "an outside write is accepted only under the highest fence of its key"
    LOCKS = "jobs that are held do not exclude each other"
    TICKETS = "nobody overtakes an earlier incompatible job on a key"
    CLAIMABLE = "what is paused, or waits for its time, is not claimed"
    ONE_JOB = "a request makes one job"
    DELETED = "only what has ended, and holds no lock, is removed"
    WATCHED = "a watcher misses no event, and its stream ends with the final state"
    ENDS = "where workers are well, every job ends, and every watcher hears of it"
    NO_FAULT = "nothing raises what it does not promise"


class Violation(BaseException):
    """Something happened that must not."""

    def __init__(self, invariant: Invariant, what: str) -> None:
        super().__init__(f"{invariant}: {what}")
        self.invariant = invariant
        self.what = what


@dataclass(slots=True)
class Entry:
    """One line of a history."""

    step: int
    time: float
    who: str
    what: str

    def __str__(self) -> str:
        return f"{self.step:>6} {self.time:9.3f}s {self.who:<10} {self.what}"


@dataclass(slots=True)
class History:
    """All lines of a run."""

    entries: list[Entry] = field(default_factory=list)

    def lines(self, last: int | None = None) -> Iterator[str]:
        """Write the lines, or the last of them."""
        entries = self.entries if last is None else self.entries[-last:]
        return map(str, entries)

    def digest(self) -> str:
        """Name the history by its bytes."""
        return hashlib.sha256("\n".join(self.lines()).encode()).hexdigest()
