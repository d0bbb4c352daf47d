"""How long to wait before a call to JobTracker is tried again: exponential with jitter."""

from collections.abc import Callable

FIRST_SECONDS = 0.1
LONGEST_SECONDS = 2.0
MOST_DOUBLINGS = 16


class Backoff:
    """Waits of one series of tries. `uniform` draws a number between its two arguments."""

    def __init__(self, uniform: Callable[[float, float], float]) -> None:
        self._uniform = uniform
        self._failures = 0

    def next(self) -> float:
        """Take note of a failure; seconds to wait now."""
        bound = min(LONGEST_SECONDS, FIRST_SECONDS * 2.0 ** min(self._failures, MOST_DOUBLINGS))
        self._failures += 1
        return self._uniform(bound / 2, bound)

    def reset(self) -> None:
        """Take note of a success."""
        self._failures = 0
