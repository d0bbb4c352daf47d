"""Days that Nhanh's access token is good yet."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sync_worker.domain.token_life import WARNED_DAYS, days_left, expiry_warning

NOW = 1_800_000_000
DAY = 86_400


@pytest.mark.parametrize(
    ("seconds", "days"),
    [(0, 0), (DAY - 1, 0), (DAY, 1), (30 * DAY - 1, 29), (30 * DAY, 30), (-1, -1), (-DAY, -1), (-DAY - 1, -2)],
)
def test_whole_days_are_counted(seconds: int, days: int) -> None:
    """A day that has begun does not count."""
    assert days_left(NOW + seconds, NOW * 1_000_000) == days


@pytest.mark.parametrize(
    ("days", "said"),
    [
        (0, "expires today"),
        (1, "expires in 1 day:"),
        (29, "expires in 29 days:"),
        (-1, "has expired"),
        (-400, "has expired"),
    ],
)
def test_people_are_told_in_words(days: int, said: str) -> None:
    """With what to do."""
    warning = expiry_warning(NOW + days * DAY, NOW * 1_000_000)
    assert warning is not None
    assert said in warning
    assert "log in at Nhanh" in warning
    assert "restart SyncWorker" in warning


def test_what_nobody_knows_is_no_warning() -> None:
    """Nhanh may not say when."""
    assert expiry_warning(None, NOW * 1_000_000) is None


@given(st.integers(min_value=-(10**9), max_value=10**9))
def test_people_are_told_from_thirty_days_on(seconds: int) -> None:
    """And not before."""
    warned = expiry_warning(NOW + seconds, NOW * 1_000_000) is not None
    assert warned is (seconds < WARNED_DAYS * DAY)
