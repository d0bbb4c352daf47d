"""The store that the work writes to, outside of JobTracker: fenced as SyncWorker's catalog is.

Each write names its job, attempt, fence and keys. It is refused when a higher fence was seen for one of the keys, in the
transaction that would store it; refused or not, it goes on record.
"""

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

BUSY_SECONDS = 30.0
"""A writer that is suspended in the middle of its transaction holds up the others; they must outlast that."""

SCHEMA = """
CREATE TABLE IF NOT EXISTS marks (key TEXT PRIMARY KEY, fence INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS writes (
    place INTEGER PRIMARY KEY, worker TEXT, job TEXT, attempt INTEGER, fence INTEGER, keys TEXT, item INTEGER, accepted INTEGER
);
"""


@dataclass(frozen=True, slots=True)
class Write:
    """A write as the store has it on record, in the order in which it came. Item 0 only raises the fence."""

    worker: str
    job: str
    attempt: int
    fence: int
    keys: tuple[str, ...]
    item: int
    accepted: bool


class OutsideStore:
    """One process's connection to the store."""

    def __init__(self, path: Path) -> None:
        self._connection = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
        # Durable against the death of any process, which is all that happens here.
        self._connection.execute("PRAGMA synchronous = OFF")
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.executescript(SCHEMA)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def write(self, worker: str, job: str, attempt: int, fence: int, keys: Sequence[str], item: int) -> bool:
        """Store a write unless a higher fence was seen for one of its keys; whether it was stored."""
        connection = self._connection
        connection.execute("BEGIN IMMEDIATE")
        try:
            places = ",".join("?" * len(keys))
            (highest,) = connection.execute(f"SELECT max(fence) FROM marks WHERE key IN ({places})", keys).fetchone()
            accepted = highest is None or highest <= fence
            if accepted:
                connection.executemany(
                    "INSERT INTO marks VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET fence = excluded.fence",
                    [(key, fence) for key in keys],
                )
            connection.execute(
                "INSERT INTO writes (worker, job, attempt, fence, keys, item, accepted) VALUES (?, ?, ?, ?, ?, ?, ?)",
                (worker, job, attempt, fence, json.dumps(list(keys)), item, accepted),
            )
        except BaseException:
            connection.execute("ROLLBACK")
            raise
        connection.execute("COMMIT")
        return accepted

    def writes(self) -> list[Write]:
        """Read every write, oldest first."""
        rows = self._connection.execute(
            "SELECT worker, job, attempt, fence, keys, item, accepted FROM writes ORDER BY place"
        )
        return [Write(*row[:4], tuple(json.loads(row[4])), row[5], bool(row[6])) for row in rows]
