"""JobTracker's clock under a test's control, and its store on a real database."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from chassis.database import Database, open_database
from job_tracker.__main__ import MIGRATIONS
from job_tracker.domain.moves import Now

from tests.fakes.clock import ManualClock


class TrackerClock(ManualClock):
    """A manual clock that tells time as JobTracker asks for it."""

    def now(self) -> Now:
        """The present moment."""
        return Now(self.now_micros(), self.monotonic())


class CountedTokens:
    """Makes tokens that tell apart: token-1, token-2 and so on."""

    def __init__(self) -> None:
        self.made = 0

    def __call__(self) -> str:
        """Make the next."""
        self.made += 1
        return f"token-{self.made}"


@asynccontextmanager
async def tracker_database(folder: Path) -> AsyncIterator[Database]:
    """An empty database with JobTracker's schema."""
    database = await open_database(f"sqlite:///{folder / 'jobs.db'}", migrations=MIGRATIONS)
    try:
        yield database
    finally:
        await database.close()
