"""Bulk operations of a shop: which there are, how far they are, and who may start another."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum

MOST_AT_ONCE = 5
"""Of each kind, since version 2026-01."""
RESULT_SECONDS = 7 * 24 * 3600.0
"""A result is kept so long after the operation has ended."""
STUCK_AT = 0.5
"""How much of its work an operation has done that never ends."""


class Status(StrEnum):
    """Where an operation stands."""

    CREATED = "CREATED"
    RUNNING = "RUNNING"
    CANCELING = "CANCELING"
    CANCELED = "CANCELED"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    EXPIRED = "EXPIRED"


UNDER_WAY = frozenset({Status.CREATED, Status.RUNNING, Status.CANCELING})


@dataclass(slots=True)
class Operation:
    """One operation. Times are Unix seconds. It ends at `due_at` as its `fate` says; None: never.

    `objects` and `roots` are what it counts in the end, `content` is its result file. `partial` says that a failed one leaves
    what it has. Once it is asked to stop it does so just after `canceled_at`.
    """

    number: int
    kind: str
    query: str
    created_at: float
    due_at: float | None
    fate: Status = Status.COMPLETED
    error_code: str | None = None
    content: bytes = b""
    objects: int = 0
    roots: int = 0
    partial: bool = False
    canceled_at: float | None = None
    url_lives: int = 0
    """How often its address has gone out of date: each look gives a new one."""

    def status(self, now: float) -> Status:
        """Tell where it stands."""
        if self.canceled_at is not None:
            return Status.CANCELED if now > self.canceled_at else Status.CANCELING
        if self.due_at is None or now < self.due_at:
            return Status.RUNNING if now > self.created_at else Status.CREATED
        if self.fate is Status.COMPLETED and now >= self.due_at + RESULT_SECONDS:
            return Status.EXPIRED
        return self.fate

    def ended_at(self, now: float) -> float | None:
        """Tell when it ended; None: it has not."""
        if self.status(now) in UNDER_WAY:
            return None
        return self.due_at if self.canceled_at is None else self.canceled_at

    def share(self, now: float) -> float:
        """Tell how much of the work is done, from 0 to 1; no more is done once it is asked to stop."""
        until = now if self.canceled_at is None else min(now, self.canceled_at)
        if self.due_at is None:
            return STUCK_AT
        if until >= self.due_at:
            return 1.0
        return max(0.0, until - self.created_at) / (self.due_at - self.created_at)

    def has_file(self, now: float) -> bool:
        """Whether there is a file to fetch: the whole result, or what a failed operation has left."""
        ended_at = self.ended_at(now)
        if ended_at is None or now >= ended_at + RESULT_SECONDS or not self.content:
            return False
        status = self.status(now)
        return status is Status.COMPLETED or (status is Status.FAILED and self.partial)


@dataclass(slots=True)
class Operations:
    """One shop's operations, and the files that were uploaded for them. `seconds` is how long one takes.

    `prepared` keeps results of queries by what they ask, with their counts, for as long as nothing changes; None: none is kept.
    """

    seconds: float = 0.0
    prepared: dict[str, tuple[bytes, int, int]] | None = None
    known: dict[int, Operation] = field(default_factory=dict)
    promised: dict[str, dict[str, str]] = field(default_factory=dict)
    """Places for files by path: what an upload to each has to name."""
    uploads: dict[str, bytes] = field(default_factory=dict)
    _next: int = 4_000_000_000_000

    def number(self) -> int:
        """Give the next operation's number."""
        self._next += 1
        return self._next

    def under_way(self, kind: str, now: float) -> list[Operation]:
        """List those of a kind that hold a slot; one that is being cancelled does."""
        return [one for one in self.known.values() if one.kind == kind and one.status(now) in UNDER_WAY]

    def newest_first(self) -> Iterator[Operation]:
        """Give all of them."""
        return iter(sorted(self.known.values(), key=lambda one: one.number, reverse=True))

    def occupy(self, slots: int, now: float) -> None:
        """Let queries of others hold so many slots, until they are told to hold fewer."""
        others = [one for one in self.under_way("QUERY", now) if one.query == FOREIGN]
        for one in others[slots:]:
            one.due_at = now
        for _ in range(slots - len(others)):
            number = self.number()
            self.known[number] = Operation(number, "QUERY", FOREIGN, now, None)


FOREIGN = "{ orders { edges { node { id } } } }"
