"""Every push is tested on a real catalog."""

import pytest
from chassis.database import Database

from tests.fakes.push_world import PushWorld


@pytest.fixture
def world(database: Database) -> PushWorld:
    """A store without links."""
    return PushWorld(database)
