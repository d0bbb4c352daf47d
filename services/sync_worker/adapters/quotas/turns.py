"""Whose turn it is at a limit that several processes share.

Manual traffic goes first. Bulk traffic that waits beside it gathers a claim with all that manual traffic takes, and goes
first as soon as its claim covers what it wants: so it keeps a fifth. Within a class, who came first goes first, whichever
process it is in. Nobody waits for the sake of another as long as there is enough for both.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from sync_worker.adapters.quotas.moments import micros
from sync_worker.domain.traffic import Traffic

BULK_SHARE = 0.2
"""What bulk traffic keeps of a limit that manual traffic could use up."""

CLAIMED = BULK_SHARE / (1.0 - BULK_SHARE)
"""What bulk traffic gathers with each unit that manual traffic takes."""

FRESH_MICROS = 3_000_000
"""A process that has not come again for so long no longer waits: it may be dead."""

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
class Head:
    """The first in line of one process and class, as it is known to the others. Times are Unix microseconds."""

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
    """Who waits, and what bulk traffic may claim."""

    heads: list[Head] = field(default_factory=list)
    claim: float = 0.0

    @property
    def waiting(self) -> bool:
        """Whether anybody waits."""
        return bool(self.heads)

    def serve(self, process: str, wants: Sequence[Want], room: float, now: int) -> Served:
        """Serve a process's calls as far as there is room for them and for all whose turn comes before theirs.

        Its first ones that must wait take their places among those who wait.
        """
        others = [head for head in self.heads if head.process != process and now - head.seen < FRESH_MICROS]
        left = sorted(wants, key=lambda want: -want.waited)
        granted: list[Want] = []
        lacking: float | None = None
        while left:
            mine = _first_of_each(left)
            heads = [*others, *(_head(process, each, now) for each in mine)]
            ahead = 0.0
            for head in _in_turn(heads, self.claim):
                if head.process == process:
                    break
                ahead += head.cost
            want = next(each for each in mine if each.traffic is head.traffic)
            lacking = ahead + want.cost - room
            if lacking > TOLERANCE:
                break
            lacking = None
            room -= want.cost
            self._take(want, bulk_waits=any(each.traffic is Traffic.BULK for each in heads))
            granted.append(want)
            left.remove(want)
        self.heads = [*others, *(_head(process, each, now) for each in _first_of_each(left))]
        return Served(tuple(granted), lacking)

    def shift(self, micros: int) -> None:
        """Take it that the clock was set by so much."""
        self.heads = [
            Head(each.process, each.traffic, each.cost, each.since + micros, each.seen + micros) for each in self.heads
        ]

    def _take(self, want: Want, *, bulk_waits: bool) -> None:
        if want.traffic is Traffic.BULK:
            self.claim = max(0.0, self.claim - want.cost)
        elif bulk_waits:
            self.claim += want.cost * CLAIMED
        else:
            self.claim = 0.0


def _head(process: str, want: Want, now: int) -> Head:
    return Head(process, want.traffic, want.cost, now - micros(want.waited), now)


def _first_of_each(wants: Sequence[Want]) -> list[Want]:
    """Find the first of each class among wants, of which the first have waited longest."""
    found: dict[Traffic, Want] = {}
    for want in wants:
        found.setdefault(want.traffic, want)
    return list(found.values())


def _in_turn(heads: Sequence[Head], claim: float) -> Iterator[Head]:
    """Put those who wait in the order in which they are served."""
    lines = {
        traffic: sorted(
            (head for head in heads if head.traffic is traffic), key=lambda head: (head.since, head.process)
        )
        for traffic in Traffic
    }
    manual, bulk = lines[Traffic.MANUAL], lines[Traffic.BULK]
    while manual or bulk:
        if bulk and (not manual or claim >= bulk[0].cost - TOLERANCE):
            claim = max(0.0, claim - bulk[0].cost)
            yield bulk.pop(0)
        else:
            if bulk:
                claim += manual[0].cost * CLAIMED
            yield manual.pop(0)
