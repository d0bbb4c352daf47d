"""Bounded retries."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sync_worker.adapters.backoff import Backoff, Retries, retry_after_seconds

from tests.fakes.clock import ManualClock


async def test_the_ceiling_doubles_up_to_the_longest() -> None:
    """The jitter is full: between nothing and a ceiling of 1, 2, 4, 4 seconds."""
    ceilings: list[tuple[float, float]] = []

    def uniform(low: float, high: float) -> float:
        ceilings.append((low, high))
        return high

    clock = ManualClock()
    retries = Retries(Backoff(5, 1.0, 4.0, 1_000.0), clock, uniform, 1.0)
    assert [await retries.again(0.1) for _ in range(5)] == [True, True, True, True, False]
    assert ceilings == [(0.0, 1.0), (0.0, 2.0), (0.0, 4.0), (0.0, 4.0), (0.0, 4.0)]
    assert clock.elapsed == 11.0


async def test_a_vendors_retry_after_is_obeyed() -> None:
    """No attempt begins before the vendor's time."""
    clock = ManualClock()
    assert await Retries(Backoff(), clock, lambda low, _high: low, 15.0).again(0.1, 7.5)
    assert clock.elapsed == 7.5


async def test_a_retry_after_beyond_the_bound_ends_the_call_at_once() -> None:
    """What cannot be in time is not waited for."""
    clock = ManualClock()
    assert not await Retries(Backoff(), clock, lambda low, _high: low, 15.0).again(0.1, 50.0)
    assert clock.elapsed == 0.0


@given(st.lists(st.floats(0.0, 15.0), min_size=6, max_size=6), st.floats(0.0, 1.0))
async def test_attempts_and_waits_stay_within_the_total(took: list[float], share: float) -> None:
    """Five attempts of at most fifteen seconds, with their waits, never exceed a minute."""
    clock = ManualClock()
    retries = Retries(Backoff(), clock, lambda low, high: low + share * (high - low), 15.0)
    attempts = 0
    for seconds in took:
        attempts += 1
        clock.advance(seconds)
        if not await retries.again(seconds):
            break
    assert attempts <= 5
    assert clock.elapsed <= 60.0 + 1e-6


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("2", 2.0),
        ("2.0", 2.0),
        ("0", 0.0),
        (None, None),
        ("", None),
        ("soon", None),
        ("-1", None),
        ("nan", None),
        ("inf", None),
    ],
)
def test_retry_after_may_be_fractional(header: str | None, seconds: float | None) -> None:
    """Shopify writes "2.0"; what is no number of seconds says nothing."""
    assert retry_after_seconds(header) == seconds
