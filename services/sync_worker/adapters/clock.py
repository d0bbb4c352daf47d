"""The machine's clocks."""

import asyncio
import time


class SystemClock:
    """Wall time for records, monotonic time for durations: a lease does not care when somebody sets the clock."""

    def now_micros(self) -> int:
        """Unix time in microseconds."""
        return time.time_ns() // 1_000

    def monotonic(self) -> float:
        """Seconds that never go backwards."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)
