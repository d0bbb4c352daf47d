"""The schema that migrations make is the schema that the code means."""

import re
import sqlite3
from pathlib import Path

from chassis.database import open_database
from sqlalchemy import Connection, create_engine, text
from sync_worker.adapters.catalog.tables import metadata
from sync_worker.adapters.quotas.tables import metadata as limits

from tests.fakes.catalog_database import MIGRATIONS, catalog_database
from tests.fakes.postgres import fresh_database

SEPARATOR = re.compile(r"\n|, (?![^(\n]*\))")
"""Between the parts of a table; columns that were added later stand in one line."""


def statements(path: Path) -> dict[str, list[str]]:
    """What made each table and index of a database, but for layout and the order of columns and constraints."""
    with sqlite3.connect(path) as connection:
        rows = connection.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL").fetchall()
    connection.close()
    return {
        name: sorted(
            part.strip(" ,") for part in SEPARATOR.split(sql.replace("\t", "").removesuffix(")")) if part.strip()
        )
        for name, sql in rows
        if name != "catalog_version"
    }


async def test_migrations_make_what_the_tables_say(tmp_path: Path) -> None:
    """A catalog that was migrated has the same tables, columns, checks and indices as the metadata."""
    async with catalog_database(tmp_path):
        migrated = statements(tmp_path / "database.db")
    meant = create_engine(f"sqlite:///{tmp_path / 'meant.db'}")
    metadata.create_all(meant)
    limits.create_all(meant)
    meant.dispose()
    assert migrated == statements(tmp_path / "meant.db")
    assert len(migrated) > 14


def definitions(connection: Connection) -> list[str]:
    """What PostgreSQL keeps of each column, constraint, index and table of the current schema."""
    queries = (
        "SELECT format('%s.%s %s %s %s', c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, l.collname)"
        " FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid"
        " LEFT JOIN pg_collation l ON l.oid = a.attcollation"
        " WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind = 'r' AND a.attnum > 0",
        "SELECT conname || ' ' || pg_get_constraintdef(oid) FROM pg_constraint"
        " WHERE connamespace = current_schema()::regnamespace AND contype <> 'n'",
        "SELECT replace(indexdef, current_schema() || '.', '') FROM pg_indexes WHERE schemaname = current_schema()",
    )
    found = [row for query in queries for row in connection.execute(text(query)).scalars()]
    return sorted(row for row in found if "catalog_version" not in row)


async def test_migrations_make_the_same_on_postgresql(tmp_path: Path) -> None:
    """There, too, what was migrated is what the metadata says: types, checks, indices and how text is ordered."""
    with fresh_database("postgresql", tmp_path, MIGRATIONS) as url:
        database = await open_database(url, migrations=MIGRATIONS)
        migrated = await database.read(definitions)

        def mean(connection: Connection) -> list[str]:
            connection.execute(text("CREATE SCHEMA meant"))
            connection.execute(text("SET LOCAL search_path = meant"))
            metadata.create_all(connection)
            limits.create_all(connection)
            return definitions(connection)

        assert migrated == await database.write(mean)
        await database.close()
    assert len(migrated) > 100
    assert [row for row in migrated if row.endswith(" default")] == []


async def test_opening_again_migrates_nothing(tmp_path: Path) -> None:
    """A catalog that is up to date is opened as it is."""
    for _ in range(2):
        async with catalog_database(tmp_path) as database:
            assert await database.read(lambda c: c.exec_driver_sql("SELECT count(*) FROM mappings").scalar_one()) == 0
