"""Depots that the access token does not grant: their stock would read as none."""

from collections.abc import Sequence

import pytest
from sync_worker.application.ports.nhanh import StockAnswer
from sync_worker.domain.failures import GuardTripped

from tests.fakes.push_world import DEPOT, LOCATION, PushWorld


async def test_a_depot_lost_while_stock_is_read_stops_the_run(world: PushWorld) -> None:
    """What was read may lack its stock: the grant is asked for once more, right before the first write."""
    await world.product(1, 5, at_shopify=9)
    business = world.vendors.business
    business.depot_ids = frozenset({DEPOT})
    read = business.stock_of

    async def read_and_lose(nhanh_ids: Sequence[int]) -> StockAnswer:
        business.depot_ids = frozenset({DEPOT + 1})
        return await read(nhanh_ids)

    business.stock_of = read_and_lose  # type: ignore[method-assign]
    with pytest.raises(GuardTripped, match=r"Nothing was written\.") as tripped:
        await world.sync_products()
    assert tripped.value.code == "DEPOT_NOT_GRANTED"
    assert world.vendors.shop.writes == []
    assert world.vendors.shop.quantities[1001, LOCATION] == 9


async def test_a_later_attempt_does_not_say_that_nothing_was_written(world: PushWorld) -> None:
    """It knows only of itself."""
    await world.product(1, 5)
    world.vendors.business.depot_ids = frozenset({DEPOT + 1})
    with pytest.raises(GuardTripped, match=r"Nothing more was written\."):
        await world.sync_products(job=world.job(attempt=2))
