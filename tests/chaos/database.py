"""The database of a trial's JobTracker: a file, or a PostgreSQL server of its own."""

import sqlite3
from pathlib import Path
from typing import Protocol

Row = tuple[str, str]


class TrialDatabase(Protocol):
    """Where the trial's JobTracker keeps its jobs."""

    @property
    def url(self) -> str:
        """What JobTracker is told."""
        ...

    async def start(self) -> None:
        """Make it reachable."""
        ...

    async def kill(self) -> None:
        """End it as a crash would."""
        ...

    async def stop(self) -> None:
        """End it for good."""
        ...

    async def locks(self) -> list[Row]:
        """Read key and job of every lock that stands."""
        ...


class SqliteFile:
    """A file: nothing to start, nothing to kill."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "jobs.db"

    @property
    def url(self) -> str:
        """What JobTracker is told."""
        return f"sqlite:///{self._path}"

    async def start(self) -> None:
        """Do nothing: JobTracker makes the file."""

    async def kill(self) -> None:
        """Do nothing: it dies with JobTracker."""

    async def stop(self) -> None:
        """Do nothing."""

    async def locks(self) -> list[Row]:
        """Read key and job of every lock that stands."""
        connection = sqlite3.connect(f"file:{self._path}?mode=ro", uri=True)
        try:
            return connection.execute("SELECT lock_key, job_id FROM job_locks").fetchall()
        finally:
            connection.close()
