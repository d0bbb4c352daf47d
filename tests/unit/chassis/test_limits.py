"""The bucket of calls, and the seats of streams."""

import pytest
from chassis.limits import MOST_CALLERS, Limits, QuotaExceededError, TokenBucket
from hypothesis import given
from hypothesis import strategies as st

GAPS = st.lists(st.floats(0, 3, allow_nan=False), min_size=1, max_size=200)


@given(rate=st.integers(1, 50), gaps=GAPS)
def test_no_stretch_of_time_sees_more_than_its_share(rate: int, gaps: list[float]) -> None:
    """In any stretch of t seconds at most one burst and t seconds' worth of calls pass, whenever they come."""
    bucket, now, passed = TokenBucket(rate, 0.0), 0.0, []
    for gap in gaps:
        now += gap
        if bucket.take(now) == 0:
            passed.append(now)
    for first in range(len(passed)):
        for last in range(first, len(passed)):
            assert last - first + 1 <= rate + (passed[last] - passed[first]) * rate + 1e-6


@given(rate=st.integers(1, 50), gaps=GAPS)
def test_who_waits_as_long_as_told_is_let_pass(rate: int, gaps: list[float]) -> None:
    """The time in a refusal is neither too short nor longer than one call takes to come back."""
    bucket, now = TokenBucket(rate, 0.0), 0.0
    for gap in gaps:
        now += gap
        wait = bucket.take(now)
        if wait:
            assert wait <= 1 / rate + 1e-9
            now += wait + 1e-9
            assert bucket.take(now) == 0


@given(st.lists(st.floats(0, 100, allow_nan=False), min_size=2, max_size=50))
def test_a_clock_that_stands_or_steps_back_gives_nothing_away(moments: list[float]) -> None:
    """Only time that has passed fills the bucket."""
    bucket = TokenBucket(1, max(moments))
    assert sum(bucket.take(moment) == 0 for moment in moments) == 1


class Steady:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        """The moment."""
        return self.now


def test_callers_do_not_count_for_each_other() -> None:
    """One caller's flood is refused, with its name and the time to wait; another's first call passes."""
    clock = Steady()
    limits = Limits(calls_per_second=2, monotonic=clock)
    limits.call("a")
    limits.call("a")
    with pytest.raises(QuotaExceededError) as raised:
        limits.call("a")
    assert (raised.value.caller, raised.value.limit, raised.value.retry_seconds) == ("a", "calls_per_second", 0.5)
    limits.call("b")
    clock.now = 0.5
    limits.call("a")


def test_callers_that_are_long_gone_take_no_memory() -> None:
    """Addresses come and go for months; who has been silent for a second is forgotten, and who floods is not."""
    clock = Steady()
    limits = Limits(calls_per_second=1, monotonic=clock)
    for number in range(MOST_CALLERS - 1):
        limits.call(f"address-{number}")
    clock.now = 5.0
    limits.call("flood")
    limits.call("one more")
    assert limits.callers == 2
    with pytest.raises(QuotaExceededError):
        limits.call("flood")


def test_a_seat_comes_back_however_its_stream_ends() -> None:
    """By its end, by an error, by a refusal of the next: the count is what is held."""
    limits = Limits(streams=1)
    with limits.stream("a"):
        assert limits.seats("a") == 1
        with pytest.raises(QuotaExceededError), limits.stream("a"):
            raise AssertionError("it was seated")
        with limits.stream("b"):
            assert limits.seats("b") == 1
    with pytest.raises(RuntimeError, match="broken"), limits.stream("a"):
        raise RuntimeError("broken")
    assert limits.seats("a") == limits.seats("b") == 0


def test_the_same_limits_afresh_count_apart() -> None:
    """What one has counted is nothing to the other, which has the same bounds."""
    limits = Limits(calls_per_second=1, streams=1, monotonic=Steady())
    limits.call("a")
    apart = limits.afresh()
    with limits.stream("a"):
        apart.call("a")
        with apart.stream("a"), pytest.raises(QuotaExceededError), apart.stream("a"):
            raise AssertionError("it was seated")
    with pytest.raises(QuotaExceededError):
        apart.call("a")


def test_zero_is_no_limit() -> None:
    """Neither calls nor streams are refused."""
    limits = Limits()
    for _ in range(10_000):
        limits.call("a")
    with limits.stream("a"), limits.stream("a"):
        assert limits.seats("a") == 2
