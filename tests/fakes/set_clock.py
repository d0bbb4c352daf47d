"""A wall clock that somebody sets, and a calendar of what happens when, for pure functions of time."""

import heapq
import itertools
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from hypothesis import strategies as st
from sync_worker.adapters.quotas.moments import Moment
from sync_worker.adapters.quotas.witness import Witness

START = 1_780_000_000_000_000
"""Unix microseconds."""


def _steps(by: tuple[float, ...]) -> st.SearchStrategy[list[tuple[float, float]]]:
    return st.lists(st.tuples(st.floats(0.0, 60.0), st.sampled_from(by)), max_size=3)


STEPS = st.one_of(_steps((0.4, 3.0, 4_000.0)), _steps((-0.4, -3.0, -31.0, -4_000.0)))
"""When a clock is set, and how far back, or how far forward."""


@dataclass
class SetClock:
    """Seconds pass evenly; what the clock shows is set back at certain hours, each by so many seconds; forward, if negative."""

    set_back: Sequence[tuple[float, float]] = ()
    elapsed: float = 0.0
    _witnesses: dict[str, Witness] = field(default_factory=lambda: defaultdict(Witness))

    @property
    def micros(self) -> int:
        """What the clock shows."""
        behind = sum(by for hour, by in self.set_back if hour <= self.elapsed)
        return START + round((self.elapsed - behind) * 1_000_000)

    def seen_by(self, process: str) -> Moment:
        """What a process sees, which bears witness with a clock of its own."""
        return self._witnesses[process].saw(self.micros, self.elapsed, self.elapsed)


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
