"""What tests of stores are handed."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.fakes.store_rig import STORES, StoreRig, store_rig


@pytest.fixture(params=STORES)
async def rig(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[StoreRig]:
    """An empty store: in memory, on SQLite and on PostgreSQL. What holds of one must hold of all."""
    async with store_rig(request.param, tmp_path) as made:
        yield made
