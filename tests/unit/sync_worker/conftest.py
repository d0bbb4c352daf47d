"""What the tests of everything that uses the catalog share."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from chassis.database import Database

from tests.fakes.catalog_database import catalog_database
from tests.fakes.postgres import KINDS


@pytest.fixture(params=KINDS)
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    """An empty catalog, on SQLite and on PostgreSQL. What holds of one must hold of both."""
    async with catalog_database(tmp_path, request.param) as opened:
        yield opened
