"""What each class comes by of a window that comes free all at once, on a simulated clock."""

import heapq
import itertools
from collections import Counter
from dataclasses import dataclass, field

import pytest
from sync_worker.adapters.quotas.moments import SECOND
from sync_worker.adapters.quotas.turns import Turns, Want
from sync_worker.domain.traffic import Traffic

START = 1_780_000_000 * SECOND
MANUAL, BULK = Traffic.MANUAL, Traffic.BULK
CALLS, WINDOW = 145, 30.0
LOOKS = 0.25
"""Who waits looks again so often, in seconds."""


@dataclass
class Caller:
    """Calls again and again: each next call is there when the last has been answered."""

    name: str
    process: str
    traffic: Traffic
    takes: float
    waits_since: float = 0.0


@dataclass
class Window:
    """A window of calls, of which each counts from its leave until a whole window behind its answer."""

    callers: list[Caller]
    turns: Turns = field(default_factory=Turns)
    waiting: set[str] = field(default_factory=set)
    counts_until: list[float] = field(default_factory=list)
    made: Counter[Traffic] = field(default_factory=Counter)

    def run(self, windows: int) -> Counter[Traffic]:
        """Let so many windows pass; how many calls were made behind the first."""
        order = itertools.count()
        events = [(0.0, next(order), caller) for caller in self.callers]
        looks = [(LOOKS * number, next(order), None) for number in range(1, round(windows * WINDOW / LOOKS))]
        queue: list[tuple[float, int, Caller | None]] = [*events, *looks]
        heapq.heapify(queue)
        while queue:
            now, _, caller = heapq.heappop(queue)
            if now >= windows * WINDOW:
                break
            if caller is not None:
                caller.waits_since = now
                self.waiting.add(caller.name)
            processes = {each.process for each in self.callers} if caller is None else {caller.process}
            for process in sorted(processes):
                for served in self._visit(process, now):
                    heapq.heappush(queue, (now + served.takes, next(order), served))
        return self.made

    def _visit(self, process: str, now: float) -> list[Caller]:
        while self.counts_until and self.counts_until[0] <= now:
            heapq.heappop(self.counts_until)
        callers = {each.name: each for each in self.callers if each.process == process and each.name in self.waiting}
        wants = [Want(each.name, each.traffic, 1.0, now - each.waits_since) for each in callers.values()]
        room = float(CALLS - len(self.counts_until))
        served = [
            callers[want.call_id] for want in self.turns.serve(process, wants, room, START + int(now * SECOND)).granted
        ]
        for caller in served:
            self.waiting.remove(caller.name)
            heapq.heappush(self.counts_until, now + caller.takes + WINDOW)
            self.made[caller.traffic] += now >= WINDOW
        return served


def callers(traffic: Traffic, process: str, number: int, takes: float) -> list[Caller]:
    """So many callers of a process."""
    return [Caller(f"{process} {traffic} {each}", process, traffic, takes) for each in range(number)]


@pytest.mark.parametrize("apart", [True, False])
def test_a_few_bulk_callers_keep_a_fifth_beside_many_manual_ones(apart: bool) -> None:
    """Though the manual ones could take a whole window while the bulk ones' calls are under way."""
    window = Window(
        callers(MANUAL, "one", 20, 0.38)
        + callers(MANUAL, "two", 20, 0.38)
        + callers(BULK, "three" if apart else "one", 4, 0.38)
    )
    made = window.run(9)
    assert made[BULK] >= 0.19 * made.total()
    assert made[MANUAL] >= 0.79 * made.total()
    assert made.total() >= 0.98 * 8 * CALLS


@pytest.mark.parametrize(("takes", "share"), [(0.4, 0.17), (1.0, 0.11), (4.0, 0.045)])
def test_one_bulk_caller_comes_by_most_of_its_fifth_or_of_what_it_can_make(takes: float, share: float) -> None:
    """From the first windows on. Its next call comes when the last is answered: alone it makes 52, 21 and 5 % of the quota."""
    window = Window(
        callers(MANUAL, "one", 20, 0.38) + callers(MANUAL, "two", 20, 0.38) + callers(BULK, "three", 1, takes)
    )
    made = window.run(9)
    assert made[BULK] >= share * made.total()
    assert made.total() >= 0.95 * 8 * CALLS


@pytest.mark.parametrize("takes", [2.0, 10.0])
@pytest.mark.parametrize("number", [1, 4, 20])
def test_what_slow_bulk_callers_leave_is_not_lost(number: int, takes: float) -> None:
    """What is kept for them is given up within seconds."""
    window = Window(
        callers(MANUAL, "one", 20, 0.38) + callers(MANUAL, "two", 20, 0.38) + callers(BULK, "two", number, takes)
    )
    made = window.run(9)
    assert made.total() >= 0.95 * 8 * CALLS


def test_nothing_is_kept_where_there_is_no_bulk_traffic() -> None:
    """Manual callers have all of it."""
    made = Window(callers(MANUAL, "one", 20, 0.38) + callers(MANUAL, "two", 4, 0.38)).run(4)
    assert made.total() >= 0.98 * 3 * CALLS
