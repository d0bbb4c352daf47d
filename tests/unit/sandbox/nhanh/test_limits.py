"""Nhanh's rate limit, to the call and to the second."""

import pytest
from sandbox.nhanh.limits import CALLS, LENGTHENED_BY_SECONDS, LOCK_SECONDS, WINDOW_SECONDS, Limits, PathLimit

from tests.fakes.clock import SandboxClock


def test_a_hundred_and_fifty_calls_pass_and_the_next_is_refused() -> None:
    """150 calls in 30 seconds are what the documentation allows."""
    limit = PathLimit(CALLS)
    assert (CALLS, WINDOW_SECONDS) == (150, 30.0)
    assert [limit.refused_for(0.0) for _ in range(150)] == [None] * 150
    assert limit.refused_for(0.0) is not None


@pytest.mark.parametrize(("second", "passes"), [(29.999, False), (30.0, True), (30.001, True)])
def test_the_window_slides(second: float, passes: bool) -> None:
    """A call leaves the window exactly 30 seconds after it came."""
    limit = PathLimit(CALLS)
    for _ in range(CALLS):
        assert limit.refused_for(0.0) is None
    assert (limit.refused_for(second) is None) == passes


def test_a_window_is_not_a_bucket() -> None:
    """150 calls spread over 29 seconds leave room for as many as have left the window, no more."""
    limit, clock = PathLimit(CALLS), SandboxClock()
    for _ in range(CALLS):
        assert limit.refused_for(clock.monotonic()) is None
        clock.advance(0.2)
    assert clock.monotonic() == pytest.approx(30.0)
    clock.elapsed = 30.1  # the call at 0.0 has left, the one at 0.2 has not
    assert limit.refused_for(clock.monotonic()) is None
    assert limit.refused_for(clock.monotonic()) is not None


def test_a_call_at_the_end_of_the_lock_passes() -> None:
    """Who waits as long as the refusal says is served, early in the window and late."""
    for second in (0.0, 12.5, 25.0, 29.9):
        limit = PathLimit(CALLS)
        for _ in range(CALLS):
            limit.refused_for(0.0)
        wait = limit.refused_for(second)
        assert wait is not None
        assert wait >= LOCK_SECONDS
        assert limit.refused_for(second + wait) is None


def test_each_call_while_locked_lengthens_the_lock() -> None:
    """Three impatient calls make the lock three steps longer, and each is told how long it is now."""
    limit = PathLimit(1)
    assert limit.refused_for(0.0) is None
    first = limit.refused_for(25.0)
    assert first == LOCK_SECONDS
    waits = [limit.refused_for(26.0) for _ in range(3)]
    assert waits == [LOCK_SECONDS - 1 + LENGTHENED_BY_SECONDS * step for step in (1, 2, 3)]
    assert limit.locked_until == 35.0 + 3 * LENGTHENED_BY_SECONDS
    assert limit.refused_for(limit.locked_until) is None


def test_a_refused_call_does_not_count_in_the_window() -> None:
    """Only answered calls stand in the window."""
    limit = PathLimit(2)
    limit.refused_for(0.0)
    limit.refused_for(29.0)
    wait = limit.refused_for(29.5)
    assert wait == LOCK_SECONDS
    assert list(limit.times) == [0.0, 29.0]


def test_paths_are_counted_apart() -> None:
    """One path's lock does not hold another's calls."""
    limits = Limits(1.0)
    for _ in range(CALLS + 1):
        last = limits.refused_for("product/list", 0.0)
    assert last is not None
    assert limits.refused_for("customer/list", 0.0) is None


@pytest.mark.parametrize(("scale", "allowed"), [(1.0, 150), (2.0, 300), (0.02, 3), (0.0001, 1)])
def test_the_scale_multiplies_what_is_allowed(scale: float, allowed: int) -> None:
    """One call at least is always allowed."""
    limits = Limits(scale)
    answers = [limits.refused_for("product/list", 0.0) for _ in range(allowed + 1)]
    assert answers[:-1] == [None] * allowed
    assert answers[-1] is not None


def test_without_limits_only_a_planned_lock_refuses() -> None:
    """A lock that a fault has set is obeyed, and lengthened, even with limits off."""
    limits = Limits(None)
    assert {limits.refused_for("product/list", 0.0) for _ in range(1_000)} == {None}
    limits.path("product/list").lock(0.0, 3.0)
    assert limits.refused_for("product/list", 2.0) == 1.0 + LENGTHENED_BY_SECONDS
    assert limits.refused_for("product/list", 8.0) is None


def test_the_pace_makes_the_same_limit_faster() -> None:
    """A tenth of the window, of the lock and of what lengthens it; as many calls."""
    limits = Limits(0.02, 0.1)
    assert [limits.refused_for("product/list", 0.0) for _ in range(3)] == [None] * 3
    assert limits.refused_for("product/list", 2.5) == pytest.approx(LOCK_SECONDS / 10)
    assert limits.refused_for("product/list", 2.5) == pytest.approx((LOCK_SECONDS + LENGTHENED_BY_SECONDS) / 10)
    assert limits.refused_for("product/list", 4.0) is None
