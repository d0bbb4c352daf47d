"""The schema that migrations make is the schema that the code means."""

import sqlite3
from pathlib import Path

import pytest
from chassis.database import open_database
from job_tracker.__main__ import MIGRATIONS
from job_tracker.adapters.store.tables import jobs, metadata
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.exc import IntegrityError

from tests.fakes.postgres import fresh_database
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


def definitions(connection: Connection) -> list[str]:
    """What PostgreSQL keeps of each column, constraint, index and table of the current schema."""
    queries = (
        "SELECT format('%s.%s %s %s %s', c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, c.reloptions)"
        " FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid"
        " WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind = 'r' AND a.attnum > 0",
        "SELECT conname || ' ' || pg_get_constraintdef(oid) FROM pg_constraint"
        " WHERE connamespace = current_schema()::regnamespace AND contype <> 'n'",
        "SELECT replace(indexdef, current_schema() || '.', '') FROM pg_indexes WHERE schemaname = current_schema()",
    )
    found = [row for query in queries for row in connection.execute(text(query)).scalars()]
    return sorted(row for row in found if "alembic_version" not in row)


async def test_migrations_make_the_same_on_postgresql(tmp_path: Path) -> None:
    """There, too, what was migrated is what the metadata says: types, checks, partial index and fill factor."""
    with fresh_database("postgresql", tmp_path, MIGRATIONS) as url:
        database = await open_database(url, migrations=MIGRATIONS)
        migrated = await database.read(definitions)

        def mean(connection: Connection) -> list[str]:
            connection.execute(text("CREATE SCHEMA meant"))
            connection.execute(text("SET LOCAL search_path = meant"))
            metadata.create_all(connection)
            return definitions(connection)

        assert migrated == await database.write(mean)
        await database.close()
    assert len(migrated) > 100
    assert any("WHERE ((state)::text = 'PENDING'::text)" in row for row in migrated)
    assert any("fillfactor=80" in row for row in migrated)


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
