"""A clock that moves only when it is told to, or when somebody sleeps on it."""

import asyncio
from dataclasses import dataclass


@dataclass
class ManualClock:
    """Wall and monotonic time in step; sleeping moves it forward at once and lets others run."""

    wall_micros: int = 1_780_000_000_000_000
    elapsed: float = 0.0

    def now_micros(self) -> int:
        """Unix time in microseconds."""
        return self.wall_micros + round(self.elapsed * 1_000_000)

    def monotonic(self) -> float:
        """Seconds since the clock was made."""
        return self.elapsed

    def advance(self, seconds: float) -> None:
        """Move forward."""
        self.elapsed += seconds

    async def sleep(self, seconds: float) -> None:
        """Move forward by `seconds` and yield to other tasks."""
        self.advance(seconds)
        await asyncio.sleep(0)


class SandboxClock(ManualClock):
    """A manual clock that a sandbox goes by; where its callers do too, seconds of waiting take none."""

    def now(self) -> float:
        """Unix seconds, as the sandbox asks for them."""
        return self.now_micros() / 1_000_000
