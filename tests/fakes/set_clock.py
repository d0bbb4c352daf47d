"""A wall clock that somebody sets, and a calendar of what happens when, for pure functions of time."""

import heapq
import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

START = 1_780_000_000_000_000
"""Unix microseconds."""


@dataclass
class SetClock:
    """Seconds pass evenly; what the clock shows is set back at certain hours, each by so many seconds."""

    set_back: Sequence[tuple[float, float]] = ()
    elapsed: float = 0.0

    @property
    def micros(self) -> int:
        """What the clock shows."""
        behind = sum(by for hour, by in self.set_back if hour <= self.elapsed)
        return START + round((self.elapsed - behind) * 1_000_000)


@dataclass
class Calendar:
    """Runs what is to happen in order of its hour."""

    clock: SetClock
    _entries: list[tuple[float, int, Callable[[], None]]] = field(default_factory=list)
    _order: "itertools.count[int]" = field(default_factory=itertools.count)

    def at(self, hour: float, event: Callable[[], None]) -> None:
        """Let something happen."""
        heapq.heappush(self._entries, (hour, next(self._order), event))

    def after(self, seconds: float, event: Callable[[], None]) -> None:
        """Let something happen so much later."""
        self.at(self.clock.elapsed + seconds, event)

    def run(self, *, within: float = 20_000.0) -> None:
        """Let time pass until nothing more happens."""
        while self._entries:
            hour, _, event = heapq.heappop(self._entries)
            assert hour <= within, "something waits for ever"
            self.clock.elapsed = max(self.clock.elapsed, hour)
            event()
