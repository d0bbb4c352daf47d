"""How long a job waits before its next attempt."""

from collections.abc import Callable

FIRST_SECONDS = 2.0
LONGEST_SECONDS = 300.0


def backoff_seconds(attempts_used: int, uniform: Callable[[float, float], float]) -> float:
    """Draw a wait between nothing and a bound that doubles with every used attempt (full jitter).

    Spreading the whole range keeps jobs that failed together from coming back together:
    https://aws.amazon.com/builders-library/timeouts-retries-and-backoff-with-jitter/

    Args:
        attempts_used: At least 1.
        uniform: Draws a number between its two arguments.
    """
    doublings = min(attempts_used - 1, 32)  # far beyond the longest wait, and no overflow
    bound = min(LONGEST_SECONDS, FIRST_SECONDS * 2.0**doublings)
    return uniform(0.0, bound)
