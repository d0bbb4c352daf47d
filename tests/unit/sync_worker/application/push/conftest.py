"""Every push is tested on a real catalog."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.fakes.push_world import PushWorld, push_world


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[PushWorld]:
    """A store without links."""
    async with push_world(tmp_path) as made:
        yield made
