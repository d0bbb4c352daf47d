"""Waiting for something that says nothing by itself: ever longer between two looks at it."""

from sync_worker.application.ports.clock import Clock


class Pace:
    """The rests between looks, each half as long again as the one before; `rested` is all of them. Seconds."""

    def __init__(self, clock: Clock, *, first_seconds: float, longest_seconds: float) -> None:
        self.rested = 0.0
        self._clock = clock
        self._next = first_seconds
        self._longest = longest_seconds

    async def rest(self) -> None:
        """Wait."""
        seconds = self._next
        self._next = min(self._longest, seconds * 1.5)
        self.rested += seconds
        await self._clock.sleep(seconds)
