"""Calls through Nhanh's limiter."""

import asyncio
from dataclasses import dataclass, field

from sync_worker.adapters.nhanh.limiter import SlidingWindow
from sync_worker.adapters.quotas.windows import Quota
from sync_worker.domain.traffic import Traffic

from tests.fakes.quota_ledger import MemoryLedger
from tests.fakes.stepped_clock import SteppedClock

LONGEST_CALL = 100.0
"""Seconds; no call of a test takes longer."""


@dataclass
class Flow:
    """Calls through a window: when each was sent and when it was answered."""

    window: SlidingWindow
    clock: SteppedClock
    spans: list[tuple[float, float]] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    waited: list[float] = field(default_factory=list)

    async def call(
        self, seconds: float, name: str = "", lock: float | None = None, traffic: Traffic = Traffic.BULK
    ) -> None:
        """Make a call that takes so long; its answer may lock the path."""
        async with self.window.place(traffic, self.waited.append) as place:
            place.sent()
            sent = self.clock.monotonic()
            self.names.append(name)
            await self.clock.sleep(seconds)
            if lock is not None:
                self.window.lock(lock)
            self.spans.append((sent, self.clock.monotonic()))

    def start(
        self, seconds: float, name: str = "", lock: float | None = None, traffic: Traffic = Traffic.BULK
    ) -> "asyncio.Task[None]":
        """Make a call beside others."""
        return asyncio.create_task(self.call(seconds, name, lock, traffic))

    @property
    def sent(self) -> list[float]:
        """When calls were sent, of those that were answered."""
        return sorted(sent for sent, _ in self.spans)


def a_window(
    ledger: MemoryLedger, calls: int, seconds: float = 30.0, process: str = "one", call_seconds: float = LONGEST_CALL
) -> SlidingWindow:
    """A window as one process has it."""
    return SlidingWindow(
        "window", Quota(calls, seconds), ledger, ledger.clock, process=process, call_seconds=call_seconds
    )


def a_flow(calls: int, seconds: float = 30.0) -> Flow:
    """A window and a clock that stands still."""
    clock = SteppedClock()
    return Flow(a_window(MemoryLedger(clock), calls, seconds), clock)
