"""The schema that migrations make is the schema that the code means."""

import sqlite3
from pathlib import Path

import pytest
from job_tracker.adapters.store.tables import jobs, metadata
from sqlalchemy import create_engine
from sqlalchemy.exc import IntegrityError

from tests.fakes.tracker_world import tracker_database

PROGRESS_COLUMNS = {
    "revision",
    "update_time",
    "total",
    "processed",
    "successful",
    "failed",
    "skipped",
    "phase",
    "message",
    "metrics",
    "lease_deadline_steady",
    "lease_report_sequence",
    "pace_rate",
    "item_failure_count",
    "checkpoint",
}


def statements(path: Path) -> dict[str, list[str]]:
    """What made each table and index of a database, but for layout and the order of constraints."""
    with sqlite3.connect(path) as connection:
        rows = connection.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL").fetchall()
    connection.close()
    return {
        name: sorted(part.strip().rstrip(",") for part in sql.replace("\t", "").splitlines())
        for name, sql in rows
        if name != "alembic_version"
    }


async def test_migrations_make_what_the_tables_say(tmp_path: Path) -> None:
    """A database that was migrated has the same tables, columns, checks and indices as the metadata."""
    async with tracker_database(tmp_path):
        migrated = statements(tmp_path / "jobs.db")
    meant = create_engine(f"sqlite:///{tmp_path / 'meant.db'}")
    metadata.create_all(meant)
    meant.dispose()
    assert migrated == statements(tmp_path / "meant.db")
    assert len(migrated) > 10


async def test_opening_again_migrates_nothing(tmp_path: Path) -> None:
    """A database that is up to date is opened as it is."""
    for _ in range(2):
        async with tracker_database(tmp_path) as database:
            assert await database.read(lambda c: c.exec_driver_sql("SELECT count(*) FROM jobs").scalar_one()) == 0


def test_no_index_holds_what_progress_changes() -> None:
    """A report rewrites one row and no index."""
    indexed = {column.name for index in jobs.indexes for column in index.columns}
    assert not indexed & PROGRESS_COLUMNS
    assert set(jobs.c.keys()) >= PROGRESS_COLUMNS


@pytest.mark.parametrize(
    ("column", "value"),
    [("processed", 1), ("end_time", 1), ("lease_token", "t"), ("state", "DONE"), ("total", -1), ("failed", -1)],
)
async def test_the_database_repeats_the_rules(tmp_path: Path, column: str, value: object) -> None:
    """Counts that do not add up, an end without a final state, a lease without a holder: no row can say that."""
    empty = {
        c.name: 0 if c.type.python_type is int else False if c.type.python_type is bool else ""
        for c in jobs.columns
        if not c.nullable
    }
    row = empty | {"job_id": "job", "state": "PENDING"}
    async with tracker_database(tmp_path) as database:
        await database.write(lambda c: c.execute(jobs.insert(), row | {"job_id": "good"}).rowcount)
        with pytest.raises(IntegrityError):
            await database.write(lambda c: c.execute(jobs.insert(), row | {column: value}).rowcount)
