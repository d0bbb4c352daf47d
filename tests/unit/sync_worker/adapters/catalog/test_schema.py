"""The schema that migrations make is the schema that the code means."""

import sqlite3
from pathlib import Path

from sqlalchemy import create_engine
from sync_worker.adapters.catalog.tables import metadata
from sync_worker.adapters.quotas.tables import metadata as limits

from tests.fakes.catalog_database import catalog_database


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
    """A catalog that was migrated has the same tables, columns, checks and indices as the metadata."""
    async with catalog_database(tmp_path):
        migrated = statements(tmp_path / "catalog.db")
    meant = create_engine(f"sqlite:///{tmp_path / 'meant.db'}")
    metadata.create_all(meant)
    limits.create_all(meant)
    meant.dispose()
    assert migrated == statements(tmp_path / "meant.db")
    assert len(migrated) > 14


async def test_opening_again_migrates_nothing(tmp_path: Path) -> None:
    """A catalog that is up to date is opened as it is."""
    for _ in range(2):
        async with catalog_database(tmp_path) as database:
            assert await database.read(lambda c: c.exec_driver_sql("SELECT count(*) FROM mappings").scalar_one()) == 0
