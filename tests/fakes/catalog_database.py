"""A catalog for tests: a SQLite file that the real migrations made."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import sync_worker
from chassis.database import Database, open_database

MIGRATIONS = Path(sync_worker.__file__).parent / "migrations"


@asynccontextmanager
async def catalog_database(folder: Path) -> AsyncIterator[Database]:
    """Open the catalog of a folder, made anew if there is none."""
    database = await open_database(f"sqlite:///{folder / 'catalog.db'}", migrations=MIGRATIONS)
    try:
        yield database
    finally:
        await database.close()
