"""The machine's clocks."""

import time

from job_tracker.domain.moves import Now


class SystemClock:
    """Wall time, and monotonic time as the steady clock: leases do not care when somebody sets the clock."""

    def now(self) -> Now:
        """The present moment."""
        return Now(time.time_ns() // 1_000, time.monotonic())
