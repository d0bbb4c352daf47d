"""Whose turn it is at a limit that several processes share.

Manual traffic goes first. Bulk traffic that waits beside it gathers a claim with all that manual traffic takes, and goes
first as soon as its claim covers what it wants: so it keeps a fifth. Within a class, who came first goes first, whichever
process it is in. Nobody waits for the sake of another as long as there is enough for both.

Bulk callers are few, and their next calls come when their last ones have been answered. Where a whole window comes free at once,
manual callers would have taken all of it by then: so they leave what bulk traffic may claim, for as long as most calls take.
"""

import math
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from sync_worker.adapters.quotas.moments import micros
from sync_worker.domain.traffic import Traffic

BULK_SHARE = 0.2
"""What bulk traffic keeps of a limit that manual traffic could use up."""

CLAIMED = BULK_SHARE / (1.0 - BULK_SHARE)
"""What bulk traffic gathers with each unit that manual traffic takes."""

FRESH_MICROS = 3_000_000
"""A process that has not come again for so long no longer waits: it may be dead."""

KEPT_MICROS = 9_000_000
"""Bulk traffic that has not come again for so long has gone, and its claim with it: until then a call of its may be under way.

Nor is what it may claim left for it longer than this, unless it waits: it may come too slowly to take it all.
"""

TOLERANCE = 1e-6
"""Points are not always whole."""


@dataclass(frozen=True, slots=True)
class Want:
    """A call that waits: what it takes of the limit, and how many seconds it has waited."""

    call_id: str
    traffic: Traffic
    cost: float
    waited: float


@dataclass(frozen=True, slots=True)
class Waiting:
    """A call that waits, as it is known to the other processes. Times are Unix microseconds."""

    process: str
    traffic: Traffic
    cost: float
    since: int
    seen: int


@dataclass(frozen=True, slots=True)
class Served:
    """Which calls may go, and how much more there must be for the next; None when nobody waits on."""

    granted: tuple[Want, ...]
    lacking: float | None


@dataclass(slots=True)
class Turns:
    """Who waits, and what bulk traffic may claim.

    All who wait are known, not only the first of each process: much may come free at once, and whoever asks first must leave
    enough of it for everybody whose turn comes before. The claim is below zero while bulk traffic has gone ahead of manual
    calls that are still to take theirs: they would have earned it that turn, and must not earn it another.

    `bulk_seen` is when bulk traffic last came to wait, if only for that visit, and `claim_began` when it last had to wait on or
    its claim was last not above zero; both in Unix microseconds.
    """

    queue: list[Waiting] = field(default_factory=list)
    claim: float = 0.0
    bulk_seen: int = 0
    claim_began: int = 0

    @property
    def waiting(self) -> bool:
        """Whether anybody waits."""
        return bool(self.queue)

    def serve(self, process: str, wants: Sequence[Want], room: float, now: int) -> Served:
        """Serve a process's calls as far as there is room for them and for all whose turn comes before theirs.

        Those that must wait take their places among all who wait.
        """
        wants = sorted(wants, key=lambda want: -want.waited)
        others = [each for each in self.queue if each.process != process and now - each.seen < FRESH_MICROS]
        everybody = [*others, *(_waiting(process, each, now) for each in wants)]
        self._pass_time(now, [each.seen for each in everybody if each.traffic is Traffic.BULK])
        bulk_about = now - self.bulk_seen < KEPT_MICROS
        left = {traffic: deque(want for want in wants if want.traffic is traffic) for traffic in Traffic}
        granted: list[Want] = []
        lacking: float | None = None
        ahead = 0.0
        for turn in _in_turn(everybody, self.claim, bulk_about=bulk_about):
            waiting = turn.waiting
            ahead += waiting.cost
            if waiting.process != process:
                continue
            if ahead + turn.kept - room > TOLERANCE:
                lacking = ahead + turn.kept - room
                break
            if waiting.traffic is Traffic.BULK:
                self._take_as_bulk(waiting.cost, manual_waits=turn.manual_waits)
            else:
                self._take_as_manual(waiting.cost, bulk_about=bulk_about)
            granted.append(left[waiting.traffic].popleft())
        self.queue = [*others, *(_waiting(process, each, now) for line in left.values() for each in line)]
        if any(each.traffic is Traffic.BULK for each in self.queue):
            self.claim_began = now  # while it waits nothing is left unused for its sake
        return Served(tuple(granted), lacking)

    def shift(self, micros: int) -> None:
        """Take it that the clock was set by so much."""
        self.queue = [replace(each, since=each.since + micros, seen=each.seen + micros) for each in self.queue]
        self.bulk_seen += micros
        self.claim_began += micros

    def _pass_time(self, now: int, bulk_seen: Sequence[int]) -> None:
        """Give up a claim that bulk traffic has not come for; `bulk_seen` is when those of it that wait were last seen."""
        self.bulk_seen = max((self.bulk_seen, *bulk_seen))
        idle = max(now - self.bulk_seen, now - self.claim_began) >= KEPT_MICROS
        if idle and not bulk_seen:
            self.claim = min(0.0, self.claim)
        if self.claim <= 0.0:
            self.claim_began = now

    def _take_as_bulk(self, cost: float, *, manual_waits: bool) -> None:
        self.claim -= cost
        if not manual_waits:  # there was enough for everybody
            self.claim = max(0.0, self.claim)

    def _take_as_manual(self, cost: float, *, bulk_about: bool) -> None:
        self.claim = self.claim + cost * CLAIMED if bulk_about else 0.0


def _waiting(process: str, want: Want, now: int) -> Waiting:
    return Waiting(process, want.traffic, want.cost, now - micros(want.waited), now)


@dataclass(frozen=True, slots=True)
class _Turn:
    """Whose turn it is; do manual calls still wait behind it, and how much must it leave for bulk traffic that is to come?"""

    waiting: Waiting
    manual_waits: bool
    kept: float = 0.0


def _in_turn(everybody: Sequence[Waiting], claim: float, *, bulk_about: bool) -> Iterator[_Turn]:
    """Put those who wait in the order in which they are served."""
    lines = {
        traffic: deque(
            sorted((each for each in everybody if each.traffic is traffic), key=lambda each: (each.since, each.process))
        )
        for traffic in Traffic
    }
    manual, bulk = lines[Traffic.MANUAL], lines[Traffic.BULK]
    while manual or bulk:
        if bulk and (not manual or claim >= bulk[0].cost - TOLERANCE):
            claim = max(0.0, claim - bulk[0].cost)
            yield _Turn(bulk.popleft(), bool(manual))
        else:
            first = manual.popleft()
            kept = 0.0 if bulk or not bulk_about else float(math.floor(max(0.0, claim) + TOLERANCE))
            claim += first.cost * CLAIMED if bulk_about else 0.0
            yield _Turn(first, bool(manual), kept)
