"""When a failed item may be tried again."""

from hypothesis import given
from hypothesis import strategies as st
from sync_worker.domain.retry_rule import FIRST_WAIT_SECONDS, LONGEST_WAIT_SECONDS, wait_seconds


def test_first_waits() -> None:
    """The first retry may follow at once; then the wait doubles."""
    assert [wait_seconds(attempts) for attempts in range(5)] == [0, 0, *(FIRST_WAIT_SECONDS * n for n in (1, 2, 4))]


@given(st.integers(0, 10_000))
def test_waits_grow_within_an_hour(attempts: int) -> None:
    """No wait is shorter than the one before, none longer than an hour."""
    assert wait_seconds(attempts) <= wait_seconds(attempts + 1) <= LONGEST_WAIT_SECONDS
