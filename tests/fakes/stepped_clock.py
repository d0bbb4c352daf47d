"""A clock on which sleepers wait until a test moves it to their hour."""

import asyncio
import heapq
import itertools
from collections.abc import Callable
from dataclasses import dataclass, field

TURNS = 50
"""So many turns of the loop let every task run that can."""


@dataclass
class SteppedClock:
    """Wall and monotonic time in step. Nothing passes by itself; sleepers wake in order of their hour."""

    wall_micros: int = 1_780_000_000_000_000
    elapsed: float = 0.0
    _sleepers: list[tuple[float, int, "asyncio.Future[None]"]] = field(default_factory=list)
    _order: "itertools.count[int]" = field(default_factory=itertools.count)

    def now_micros(self) -> int:
        """Unix time in microseconds."""
        return self.wall_micros + round(self.elapsed * 1_000_000)

    def monotonic(self) -> float:
        """Seconds since the clock was made."""
        return self.elapsed

    async def sleep(self, seconds: float) -> None:
        """Wait until the clock has been moved so far."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self.elapsed + seconds, next(self._order), future))
        await future

    async def settle(self) -> None:
        """Let every task run as far as it comes without time passing."""
        for _ in range(TURNS):
            await asyncio.sleep(0)

    async def pass_time(self, seconds: float) -> None:
        """Move forward, stopping at every sleeper's hour on the way."""
        until = self.elapsed + seconds
        await self.settle()
        while self._next() is not None and self._next() <= until:  # type: ignore[operator]  # checked just before
            await self._step()
        self.elapsed = until
        await self.settle()

    async def until(self, fact: Callable[[], object], *, within: float = 60.0) -> None:
        """Let time pass until a fact holds, and fail if it does not hold `within` so many seconds."""
        limit = self.elapsed + within
        await self.settle()
        while not fact():
            if self._next() is None:
                await self.settle()  # a timer of the loop may have woken the only sleeper just now
            hour = self._next()
            assert hour is not None or fact(), "nobody sleeps, and the fact does not hold"
            if hour is None:
                return
            assert hour <= limit, f"the fact did not hold within {within:g} seconds"
            await self._step()

    def _next(self) -> float | None:
        while self._sleepers and self._sleepers[0][2].done():
            heapq.heappop(self._sleepers)
        return self._sleepers[0][0] if self._sleepers else None

    async def _step(self) -> None:
        hour, _, future = heapq.heappop(self._sleepers)
        self.elapsed = max(self.elapsed, hour)
        if not future.done():
            future.set_result(None)
        await self.settle()
