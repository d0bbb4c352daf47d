"""What the tests of the catalog share."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from chassis.database import Database

from tests.fakes.catalog_database import catalog_database


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    """An empty catalog."""
    async with catalog_database(tmp_path) as opened:
        yield opened
