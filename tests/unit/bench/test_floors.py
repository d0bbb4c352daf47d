"""The least time that the vendors' rules leave, beside figures that were worked out by hand."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.pulling import floors
from bench.pulling.floors import Bucket, Window


@pytest.mark.parametrize(
    ("calls", "latency", "in_flight", "seconds"),
    [
        (150, 0.0, 1, 0.0),  # a rested account sends all at once
        (151, 0.0, 1, 30.0),
        (300, 0.0, 1, 30.0),
        (301, 0.0, 1, 60.0),
        (300, 0.38, 1, 114.0),  # one cursor: the latency is longer than the quota's pace
        (150, 0.38, 150, 0.38),
        (300, 0.38, 150, 30.38),
        (1, 0.38, 1, 0.38),
        (0, 0.0, 1, 0.0),
    ],
)
def test_window(calls: int, latency: float, in_flight: int, seconds: float) -> None:
    """A sliding window lets its calls go at once, and as many again when the first of them is old enough."""
    assert floors.NHANH.floor_seconds(calls, latency, in_flight) == pytest.approx(seconds)


@pytest.mark.parametrize(
    ("calls", "points", "latency", "seconds"),
    [
        (57, 35, 0.0, 0.0),  # 1,995 of 2,000 points
        (58, 35, 0.0, 0.3),
        (100, 35, 0.0, 15.0),  # 3,500 points
        (100, 35, 0.38, 38.0),  # 38 points come back in each answer's time: the bucket never matters
        (100, 76, 0.38, 56.38),  # 2,000 and 100 a second for 7,600 points, and the last answer
    ],
)
def test_bucket(calls: int, points: int, latency: float, seconds: float) -> None:
    """A full bucket is spent at once, then its refill sets the pace."""
    assert floors.SHOPIFY.floor_seconds(calls, points, latency) == pytest.approx(seconds)


@pytest.mark.parametrize("calls", [100, 200, 1_000])
def test_a_bucket_spent_at_its_floor_is_spent_whole(calls: int) -> None:
    """Pulls as quick as the bucket lets them be leave none of its points."""
    seconds = floors.SHOPIFY.floor_seconds(calls, 35, 0.0)
    assert floors.SHOPIFY.points_within(seconds) == pytest.approx(35 * calls)


@given(
    calls=st.integers(1, 400),
    limit=st.integers(1, 50),
    seconds=st.floats(0.1, 60),
    latency=st.floats(0, 5),
    in_flight=st.integers(1, 60),
)
def test_window_is_kept(calls: int, limit: int, seconds: float, latency: float, in_flight: int) -> None:
    """No floor lies below what the quota and the latency demand on the average."""
    floor = Window(limit, seconds).floor_seconds(calls, latency, in_flight)
    by_quota = (-(-calls // limit) - 1) * seconds + latency
    by_latency = -(-calls // in_flight) * latency
    assert floor >= max(by_quota, by_latency) - 1e-6
    assert floor <= by_quota + by_latency + 1e-6


@given(calls=st.integers(1, 200), points=st.floats(1, 100), latency=st.floats(0, 2), rate=st.floats(1, 1_000))
def test_bucket_is_kept(calls: int, points: float, latency: float, rate: float) -> None:
    """No more points are spent than a full bucket and its refill give, and no less time is taken than the answers take."""
    bucket = Bucket(100.0, rate)
    floor = bucket.floor_seconds(calls, points, latency)
    assert floor >= calls * latency - 1e-6
    assert calls * points <= 100.0 + floor * rate + 1e-3


def test_page_of_shopify() -> None:
    """A page of 250 nodes of three points each costs 35: 2 + floor(2 ln 250) x 3."""
    assert floors.page_points() == 35


def test_spent_per_thousand_rows() -> None:
    """A thousand rows are four pages and 140 points."""
    assert (floors.pages(1_000, 250), floors.pages(1_000, 250) * floors.page_points()) == (4, 140)


def test_a_started_page_is_a_page() -> None:
    """One row more is a page more."""
    assert [floors.pages(rows, 250) for rows in (0, 1, 250, 251)] == [0, 1, 1, 2]


@pytest.mark.parametrize(
    ("latency", "in_flight", "expected"), [(0.0, 1, 5.0), (0.1, 1, 5.0), (0.38, 1, 1 / 0.38), (0.38, 2, 5.0)]
)
def test_steady(latency: float, in_flight: int, expected: float) -> None:
    """In the long run the quota or the answers' time decides, whichever allows less."""
    assert floors.steady_calls_per_second(5.0, latency, in_flight) == pytest.approx(expected)


STEPS = [(0.0, 0.0), (4.0, 14_500.0), (30.0, 14_500.0), (34.0, 29_000.0), (60.0, 29_000.0)]


def test_rate_of_a_whole_window() -> None:
    """Whatever the phase, a stretch as long as the window holds one burst."""
    assert [floors.rate_over(STEPS, begin, 30.0) for begin in (10.0, 15.0, 29.0)] == [14_500 / 30] * 3


def test_rate_between_two_samples() -> None:
    """Between samples the total rises evenly."""
    assert floors.rate_over([(0.0, 0.0), (10.0, 100.0)], 2.5, 5.0) == pytest.approx(10.0)


@pytest.mark.parametrize("samples", [[], [(0.0, 0.0)], STEPS])
def test_rate_beyond_the_samples(samples: list[tuple[float, float]]) -> None:
    """What ended before the stretch was over has no rate."""
    assert floors.rate_over(samples, 35.0, 30.0) is None
