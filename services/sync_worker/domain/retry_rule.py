"""When a failed item may be tried again."""

MAX_ATTEMPTS = 10
"""After so many failed pushes in a row an item needs a person."""

FIRST_WAIT_SECONDS = 60
LONGEST_WAIT_SECONDS = 3_600


def wait_seconds(attempts: int) -> int:
    """Say how long an item rests after its last failure.

    The first retry may follow the first failure at once; from then on the wait doubles, up to an hour.
    """
    if attempts <= 1:
        return 0
    return min(FIRST_WAIT_SECONDS << min(attempts - 2, 16), LONGEST_WAIT_SECONDS)
