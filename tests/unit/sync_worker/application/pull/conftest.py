"""A shop whose lists come by bulk operations, and a catalog that they are pulled into."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.fakes.bulk_shop import BulkShop
from tests.fakes.bulk_world import BulkWorld
from tests.fakes.catalog_database import catalog_database


@pytest.fixture
async def bulk(tmp_path: Path) -> AsyncIterator[BulkWorld]:
    """A shop without rows, and an empty catalog."""
    async with catalog_database(tmp_path) as database:
        yield BulkWorld(BulkShop(), database)
