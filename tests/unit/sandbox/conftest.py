"""A store of the sandbox, without a server."""

from collections.abc import Callable
from typing import Any

import pytest
from sandbox.options import SandboxOptions
from sandbox.world import StoreWorld, make_world

from tests.fakes.clock import SandboxClock

StoreMaker = Callable[..., StoreWorld]


@pytest.fixture
def make_store() -> StoreMaker:
    """Make a store from options: `products`, `customers`, `seed`."""

    def make(**options: Any) -> StoreWorld:
        sizes: dict[str, Any] = {"products": 30, "customers": 60, **options}
        return make_world(SandboxOptions(stores=("hanoi",), **sizes), SandboxClock()).stores["hanoi"]

    return make


@pytest.fixture
def store(make_store: StoreMaker) -> StoreWorld:
    """A small store."""
    return make_store()
