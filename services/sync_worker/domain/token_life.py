"""How long Nhanh's access token is good yet. It lives a year and cannot be refreshed: a new one takes a login by a person."""

WARNED_DAYS = 30
"""So many days before its end, and from then on, people are told."""

MICROS_A_DAY = 86_400 * 1_000_000


def days_left(expires_at: int, now_micros: int) -> int:
    """Count the whole days until a token expires (Unix seconds); below zero once it has."""
    return (expires_at * 1_000_000 - now_micros) // MICROS_A_DAY


def expiry_warning(expires_at: int | None, now_micros: int) -> str | None:
    """Say that a token is about to expire, None while there is time, or when nobody knows."""
    if expires_at is None:
        return None
    left = days_left(expires_at, now_micros)
    if left >= WARNED_DAYS:
        return None
    when = "has expired" if left < 0 else "expires today" if left == 0 else f"expires in {left} day{'s' * (left > 1)}"
    return (
        f"Nhanh's access token {when}: log in at Nhanh for a new one, put it where the stores file names it, "
        "and restart SyncWorker"
    )
