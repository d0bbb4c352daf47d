"""JobTracker as it is, but by a wall clock that somebody sets: it is off by the seconds that a file says."""

import argparse
import asyncio
from dataclasses import replace
from pathlib import Path

from chassis.logs import configure_logs
from chassis.server import announce, asked_to_stop
from job_tracker.__main__ import TrackerSettings, running
from job_tracker.adapters.clock import SystemClock
from job_tracker.domain.moves import Now


class SetClock:
    """The machine's clocks, the wall clock set by a file; the steady one does not care."""

    def __init__(self, offset: Path) -> None:
        self._offset = offset
        self._machine = SystemClock()

    def now(self) -> Now:
        """The present moment."""
        now = self._machine.now()
        return replace(now, wall=now.wall + round(float(self._offset.read_text()) * 1_000_000))


async def main() -> None:
    """Run JobTracker until a signal comes."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--database-url", required=True)
    parser.add_argument("--clock", type=Path, required=True)
    options = parser.parse_args()
    configure_logs("info")
    settings = TrackerSettings(
        listen="127.0.0.1:0", database_url=options.database_url, cancel_grace_seconds=3.0, heartbeat_seconds=2.0
    )
    async with running(settings, clock=SetClock(options.clock)) as handle:
        announce("job-tracker", handle.address)
        await asked_to_stop()


if __name__ == "__main__":
    asyncio.run(main())
