"""Calls through Nhanh's limiter."""

import asyncio
from dataclasses import dataclass, field

from sync_worker.adapters.nhanh.limiter import SlidingWindow

from tests.fakes.stepped_clock import SteppedClock


@dataclass
class Traffic:
    """Calls through a window: when each was sent and when it was answered."""

    window: SlidingWindow
    clock: SteppedClock
    spans: list[tuple[float, float]] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    waited: list[float] = field(default_factory=list)

    async def call(self, seconds: float, name: str = "", lock: float | None = None) -> None:
        """Make a call that takes so long; its answer may lock the path."""
        async with self.window.place(self.waited.append) as place:
            place.sent()
            sent = self.clock.monotonic()
            self.names.append(name)
            await self.clock.sleep(seconds)
            if lock is not None:
                self.window.lock(lock)
            self.spans.append((sent, self.clock.monotonic()))

    def start(self, seconds: float, name: str = "", lock: float | None = None) -> "asyncio.Task[None]":
        """Make a call beside others."""
        return asyncio.create_task(self.call(seconds, name, lock))

    @property
    def sent(self) -> list[float]:
        """When calls were sent, of those that were answered."""
        return sorted(sent for sent, _ in self.spans)


def traffic(calls: int, seconds: float = 30.0) -> Traffic:
    """A window and a clock that stands still."""
    clock = SteppedClock()
    return Traffic(SlidingWindow(calls, seconds, clock), clock)
