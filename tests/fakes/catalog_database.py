"""A catalog for tests: a database of either kind that the real migrations made."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import sync_worker
from chassis.database import Database, open_database

from tests.fakes.postgres import fresh_database

MIGRATIONS = Path(sync_worker.__file__).parent / "migrations"


@asynccontextmanager
async def catalog_database(folder: Path, kind: str = "sqlite") -> AsyncIterator[Database]:
    """Open an empty catalog of one of `postgres.KINDS`; on SQLite the one that the folder has already, if any."""
    with fresh_database(kind, folder, MIGRATIONS) as url:
        database = await open_database(url, migrations=MIGRATIONS)
        try:
            yield database
        finally:
            await database.close()
