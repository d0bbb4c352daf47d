"""Waits between tries grow, with jitter, up to a bound."""

from hypothesis import given
from hypothesis import strategies as st
from sync_worker.application.runner.backoff import FIRST_SECONDS, LONGEST_SECONDS, Backoff


def test_waits_double_up_to_the_longest_and_begin_anew() -> None:
    """0.1 s, 0.2 s … 2 s, and 0.1 s again after a success."""
    backoff = Backoff(lambda _low, high: high)
    assert [backoff.next() for _ in range(7)] == [0.1, 0.2, 0.4, 0.8, 1.6, 2.0, 2.0]
    backoff.reset()
    assert backoff.next() == FIRST_SECONDS


@given(tries=st.integers(1, 5_000), share=st.floats(0, 1))
def test_no_wait_is_longer_than_the_longest(tries: int, share: float) -> None:
    """However long JobTracker is away."""
    backoff = Backoff(lambda low, high: low + share * (high - low))
    waits = [backoff.next() for _ in range(tries)]
    assert all(FIRST_SECONDS / 2 <= wait <= LONGEST_SECONDS for wait in waits)
