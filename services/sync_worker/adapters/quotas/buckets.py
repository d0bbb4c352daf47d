"""Decides who may call where calls cost points, of which a bucket holds so many and gets back so many a second.

What is believed to be free is never more than what is there, as far as our own workers alone spend it:

* A process is lent points, and pays with them: before a call leaves, its *requested* cost is set aside; when it is answered,
  its *actual* cost is spent, and the rest may be used again or given back. What is lent counts as gone.
* Free and lent points together never exceed the bucket, and grow a little more slowly than the vendor says, so that no
  difference of clocks ever makes them more than the vendor's.
* An answer tells what the bucket held at its call's end. Everything that any process may have spent since is taken off; what
  then remains is surely there, and what belief is beyond all doubt too high comes down.
* What was lent to a process that does not come again counts as spent, once its last call must be over.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Self

import orjson

from sync_worker.adapters.quotas.moments import SECOND, Moment, micros, pass_time
from sync_worker.adapters.quotas.rows import Rows
from sync_worker.adapters.quotas.turns import Turns, Want

ASSUMED_MAXIMUM = 1_000.0
"""The bucket before the first answer: no plan of Shopify's has been seen with a smaller one."""

ASSUMED_RESTORE_RATE = 50.0

TRUSTED_RATE = 0.999
"""Points are taken to come back at this part of the rate that the vendor says: clocks go wrong by far less."""

LENT_SHARE = 0.1
"""So much of what is free, and of a full bucket at most, is lent beyond what is asked for, to spare visits."""

UNEXPLAINED_PAUSE_SECONDS = 1.0
"""Shopify's documented back-off, for a refusal that neither says when to come again nor is explained by Shopify's own figures."""


@dataclass(frozen=True, slots=True)
class Word:
    """What an answer said of the bucket, and what its call cost.

    `spent_before` is what all had spent, as far as its process knew, when the call began, `seconds` ago. A call that was
    `refused`, and would have cost so much, cost nothing.
    """

    available: float
    maximum: float
    rate: float
    spent_before: float
    actual: float
    seconds: float
    refused: float = 0.0


@dataclass(slots=True)
class Lease:
    """Points lent to a process, at the latest until then (Unix microseconds)."""

    points: float
    until: int


@dataclass(slots=True)
class BucketState:
    """What all workers know of a bucket. Times are Unix microseconds; `free` is as of `seen`.

    Until an answer has been `heard`, its size and rate are only assumed.
    """

    seen: int = 0
    maximum: float = ASSUMED_MAXIMUM
    rate: float = ASSUMED_RESTORE_RATE
    free: float = ASSUMED_MAXIMUM
    spent: float = 0.0
    paused_until: int = 0
    heard: bool = False
    leases: dict[str, Lease] = field(default_factory=dict)
    turns: Turns = field(default_factory=Turns)

    @classmethod
    def read(cls, text: str) -> "BucketState":
        """Read what `text` wrote; a bucket that nobody has used is taken to be full, and small.

        Raises:
            ValueError: Something else wrote it.
        """
        return _rows.read(text) if text else cls()

    @classmethod
    def held(cls, moment: Moment) -> Self:
        """Take a bucket of which nothing can be read to be small, and empty just now; the next answer tells."""
        return cls(seen=moment.micros, free=0.0)

    def text(self) -> str:
        """Write it down."""
        return orjson.dumps(self).decode()

    def shift(self, micros: int) -> None:
        """Move every time by so much, but for `seen`."""
        self.paused_until += micros
        for lease in self.leases.values():
            lease.until += micros
        self.turns.shift(micros)

    @property
    def lent(self) -> float:
        """All that is lent."""
        return sum(lease.points for lease in self.leases.values())


_rows: Rows[BucketState] = Rows(BucketState)


@dataclass(frozen=True, slots=True)
class BucketVisit:
    """What a process tells and asks.

    Of the points lent to it as `lease_id`, it has `spent` so many since its last visit and holds so many as `kept` for calls
    under way; the others come back. A new lease lasts `lease_seconds`. `emptied`: a refusal without figures says that nothing
    is there. `pause` holds everybody for so many seconds.
    """

    process: str
    lease_id: str
    lease_seconds: float
    kept: float = 0.0
    spent: float = 0.0
    word: Word | None = None
    emptied: bool = False
    pause: float = 0.0
    wants: Sequence[Want] = ()


@dataclass(frozen=True, slots=True)
class BucketAnswer:
    """Who may go, and what is lent beyond that; in how many seconds the next may ask again.

    `scarce`: what is lent and not used should be given back soon. Nobody may go for another `paused` seconds.
    """

    granted: tuple[Want, ...]
    extra: float
    wait: float | None
    maximum: float
    rate: float
    spent: float
    scarce: bool
    paused: float


def visit_bucket(state: BucketState, visit: BucketVisit, moment: Moment) -> BucketAnswer:
    """Take in what a process tells, and decide on its calls."""
    restored = pass_time(state, moment) / SECOND * state.rate * TRUSTED_RATE
    now = state.seen
    state.free = min(state.free + restored, state.maximum - state.lent)
    _end_leases(state, visit, now)
    _hear(state, visit, now)
    paused = max(0.0, (state.paused_until - now) / SECOND)
    served = state.turns.serve(visit.process, visit.wants, -1.0 if paused else state.free, now)
    taken = sum(want.cost for want in served.granted)
    extra = 0.0
    if served.granted and state.heard and not state.turns.waiting:
        extra = max(0.0, LENT_SHARE * min(state.maximum, state.free - taken))
    state.free -= taken + extra
    points = visit.kept + taken + extra
    if points > 0.0:
        state.leases[visit.lease_id] = Lease(points, now + micros(visit.lease_seconds))
    return BucketAnswer(
        served.granted,
        extra,
        None if served.lacking is None else paused or served.lacking / (state.rate * TRUSTED_RATE),
        state.maximum,
        state.rate,
        state.spent,
        scarce=state.turns.waiting or state.free < LENT_SHARE * state.maximum,
        paused=paused,
    )


def _end_leases(state: BucketState, visit: BucketVisit, now: int) -> None:
    """Settle the visitor's lease; the leases of those who did not come again count as spent."""
    own = state.leases.pop(visit.lease_id, None)
    for lease_id in [each for each, lease in state.leases.items() if lease.until <= now]:
        state.spent += state.leases.pop(lease_id).points
    state.spent += visit.spent
    if own is not None:
        state.free += own.points - visit.spent - visit.kept
    if visit.kept > 0.0:
        state.leases[visit.lease_id] = Lease(visit.kept, now + micros(visit.lease_seconds))


def _hear(state: BucketState, visit: BucketVisit, now: int) -> None:
    """Take in what answers said."""
    word = visit.word
    if visit.pause:
        state.paused_until = max(state.paused_until, now + micros(visit.pause))
    if visit.emptied:
        state.free = min(state.free, -state.lent)
    if word is not None:
        new = (word.maximum, word.rate) != (state.maximum, state.rate) or not state.heard
        state.maximum, state.rate, state.heard = word.maximum, word.rate, True
        since = max(0.0, state.spent - word.spent_before - word.actual)
        surely = word.available - since - state.lent
        if word.refused or new:  # what was believed until now stood on figures that were wrong
            state.free = surely
        else:
            at_most = word.available + since + word.seconds * word.rate
            state.free = min(max(state.free, surely), at_most)
        state.free = min(state.free, state.maximum - state.lent)
        if word.refused and state.free >= word.refused:
            state.paused_until = max(state.paused_until, now + micros(UNEXPLAINED_PAUSE_SECONDS))
