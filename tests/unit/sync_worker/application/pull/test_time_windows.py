"""Windows of time: no gap, no overlap, and a size that follows what is found."""

import itertools
import json
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sync_worker.application.pull.time_windows import CURSORS, OLDEST, Window, WindowPlan

TOP = 1_790_000_000
DAY = 86_400
TIMES = st.lists(st.integers(OLDEST - DAY, TOP + DAY), min_size=1, max_size=40)


def read_all(plan: WindowPlan) -> list[Window]:
    """Read every window, each of them empty; all that there were."""
    found: list[Window] = []
    while not plan.done:
        windows = plan.under_way()
        assert 0 < len(windows) <= CURSORS
        window = windows[0]
        found.append(window)
        plan.take(window, (), None, empty=True)
    return found


def in_order(windows: Iterable[Window]) -> list[tuple[int | None, int | None]]:
    return sorted(((window.begin, window.end) for window in windows), key=lambda each: each[1] or TOP)


@given(times=TIMES)
def test_windows_cover_all_seconds_up_to_the_top_once(times: list[int]) -> None:
    """Whatever the first pages show, windows follow one another without gap or overlap, and the oldest is open below."""
    plan = WindowPlan.of_all(TOP)
    plan.take(plan.windows[0], times, "1", empty=False)
    plan.cut(plan.windows[0])
    found = in_order(read_all(plan))
    assert found[0][0] is None
    assert found[-1][1] == TOP
    for (_, end), (begin, _) in itertools.pairwise(found):
        assert end is not None
        assert begin == end + 1


@given(times=TIMES, begin=st.integers(OLDEST, TOP - 1), length=st.integers(2, 400 * DAY))
def test_a_window_that_is_cut_is_covered_once_by_its_parts(times: list[int], begin: int, length: int) -> None:
    """Parts of a window cover it and nothing beside it."""
    window = Window(begin, begin + length - 1)
    plan = WindowPlan(TOP, [window], [], 0)
    plan.take(window, times, "1", empty=False)
    plan.cut(window)
    found = in_order(read_all(plan))
    assert (found[0][0], found[-1][1]) == (begin, begin + length - 1)
    for (_, end), (following, _) in itertools.pairwise(found):
        assert end is not None
        assert following == end + 1


@given(times=TIMES, steps=st.lists(st.booleans(), max_size=30))
def test_a_plan_that_was_written_down_goes_on_without_gap(times: list[int], steps: list[bool]) -> None:
    """Writing a plan down and reading it again at any step changes nothing of what is covered."""
    plan = WindowPlan.of_all(TOP)
    plan.take(plan.windows[0], times, "1", empty=False)
    plan.cut(plan.windows[0])
    found: list[Window] = []
    for again in steps:
        if plan.done:
            break
        window = plan.under_way()[-1]
        found.append(window)
        plan.take(window, (), None, empty=True)
        if again:
            plan = WindowPlan.from_json(json.loads(json.dumps(plan.as_json())))
    ordered = in_order([*found, *read_all(plan)])
    assert (ordered[0][0], ordered[-1][1]) == (None, TOP)
    for (_, end), (begin, _) in itertools.pairwise(ordered):
        assert end is not None
        assert begin == end + 1


def test_small_windows_are_followed_by_longer_ones() -> None:
    """A quiet decade costs a handful of calls."""
    plan = WindowPlan.of_all(TOP)
    plan.take(plan.windows[0], [TOP - 60 * second for second in range(300)], "1", empty=False)
    plan.cut(plan.windows[0])
    windows = read_all(plan)
    lengths = [w.end - w.begin + 1 for w in windows if w.begin is not None and w.end is not None and w.end < TOP - DAY]
    assert lengths[-1] > 100 * DAY
    assert len(windows) < 30


def test_large_windows_are_followed_by_shorter_ones() -> None:
    """After a window of four times the pages that were aimed at the next is a quarter as long."""
    plan = WindowPlan.of_all(TOP)
    plan.take(plan.windows[0], range(TOP - 640 * DAY, TOP, DAY), "1", empty=False)
    plan.cut(plan.windows[0])
    large = plan.under_way()[0]
    assert large.begin is not None
    assert large.end is not None
    length = large.end - large.begin + 1
    pages = 4 * plan.aim
    for number in range(pages):
        plan.take(large, (), str(number), empty=False)
    plan.take(large, (), None, empty=True)
    following = next(window for window in plan.under_way() if window.end == large.begin - 1)
    assert following.begin is not None
    assert following.end is not None
    assert following.end - following.begin + 1 == pytest.approx(length / 4, abs=2)


def test_a_window_far_larger_than_meant_is_cut() -> None:
    """A window that a quiet time has made too long is not left to one cursor."""
    plan = WindowPlan(TOP, [window := Window(TOP - 400 * DAY, TOP)], [], 0)
    pages = 0
    while not plan.is_too_large(window):
        plan.take(window, [TOP - 5 * DAY - pages], str(pages), empty=False)
        pages += 1
        assert pages < 1_000
    plan.cut(window)
    assert window not in plan.under_way()
    assert not plan.done


def test_one_second_cannot_be_cut() -> None:
    """A mass import in one second is one list, however long."""
    plan = WindowPlan(TOP, [window := Window(TOP, TOP)], [], 0)
    for number in range(2_000):
        plan.take(window, [TOP] * 100, str(number), empty=False)
        assert not plan.is_too_large(window)
    assert not window.times
