"""Back-off."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from job_tracker.domain.backoff import LONGEST_SECONDS, backoff_seconds


@pytest.mark.parametrize(("used", "bound"), [(1, 2.0), (2, 4.0), (5, 32.0), (9, 300.0), (100, 300.0)])
def test_the_bound_doubles_up_to_the_longest(used: int, bound: float) -> None:
    """The wait is drawn from nothing to a bound that doubles."""
    drawn: list[tuple[float, float]] = []

    def draw(low: float, high: float) -> float:
        drawn.append((low, high))
        return high

    assert backoff_seconds(used, draw) == bound
    assert drawn == [(0.0, bound)]


@given(st.integers(1, 10_000), st.randoms(use_true_random=False))
def test_no_wait_is_longer_than_the_longest(used: int, random: Random) -> None:
    """However many attempts were used, the wait stays within its range."""
    assert 0.0 <= backoff_seconds(used, random.uniform) <= LONGEST_SECONDS
