"""Bounded retries: exponential back-off with full jitter, which spreads those who failed together.

The schedule is the "full jitter" one of Marc Brooker's "Exponential Backoff And Jitter" (AWS Architecture Blog, 2015).
"""

from collections.abc import Callable
from dataclasses import dataclass

from sync_worker.application.ports.clock import Clock


@dataclass(frozen=True, slots=True)
class Backoff:
    """How often and how long one call is tried; all times are seconds.

    `total_seconds` bounds what all attempts and the waits between them take; waits for a rate limit are not counted.
    """

    attempts: int = 5
    first_seconds: float = 0.5
    longest_seconds: float = 8.0
    total_seconds: float = 60.0


class Retries:
    """The retries of one call, of which each attempt takes at most `call_seconds`."""

    def __init__(
        self, policy: Backoff, clock: Clock, uniform: Callable[[float, float], float], call_seconds: float
    ) -> None:
        self._policy = policy
        self._clock = clock
        self._uniform = uniform
        self._call_seconds = call_seconds
        self._failed = 0
        self._spent = 0.0

    async def again(self, took_seconds: float, retry_after: float | None = None) -> bool:
        """Count a failed attempt that took so long, and wait for the next one; False when the bound is reached.

        Waits no shorter than the vendor's `Retry-After`, where it sent one.
        """
        self._failed += 1
        self._spent += took_seconds
        ceiling = min(self._policy.longest_seconds, self._policy.first_seconds * 2.0 ** (self._failed - 1))
        delay = max(self._uniform(0.0, ceiling), retry_after or 0.0)
        if self._failed >= self._policy.attempts:
            return False
        if self._spent + delay + self._call_seconds > self._policy.total_seconds:
            return False
        self._spent += delay
        await self._clock.sleep(delay)
        return True


def retry_after_seconds(header: str | None) -> float | None:
    """Read a `Retry-After` of whole or fractional seconds ("2", Shopify's "2.0"); None when it says nothing readable."""
    try:
        seconds = float(header) if header is not None else -1.0
    except ValueError:
        return None
    return seconds if 0.0 <= seconds < float("inf") else None
