"""Facts about reads of single items by their ids."""

from typing import Any

import pytest
from sync_worker.domain.failures import MalformedAnswer
from sync_worker.domain.products import NhanhStock

from tests.fakes.scripted_nhanh import ScriptedNhanh, page


def item(nhanh_id: int, available: object = 1, **changes: Any) -> dict[str, Any]:
    """A standalone product with stock in one depot."""
    inventory = {"available": available, "depots": [{"id": 7, "available": available}]}
    return {"id": nhanh_id, "parentId": -1, "status": 2, "prices": {"retail": 1}, "inventory": inventory, **changes}


def stock_row(nhanh_id: int, available: object = 1) -> dict[str, Any]:
    """A row of product/inventory with stock in one depot."""
    return {"productId": nhanh_id, "inventory": item(nhanh_id, available)["inventory"]}


async def test_stock_is_read_by_ids() -> None:
    """One call to product/inventory; rows nobody asked for are not given on."""
    nhanh = ScriptedNhanh([page([stock_row(1, 4), stock_row(2, "5"), stock_row(3)], {"id": 3})])
    assert await nhanh.client().stock_of([2, 1, 2]) == {
        1: NhanhStock(40_000, {7: 40_000}),
        2: NhanhStock(50_000, {7: 50_000}),
    }
    assert nhanh.requests[0].url.path == "/nhanh/v3.0/product/inventory"
    assert nhanh.bodies[0]["filters"] == {"ids": [2, 1, 2]}
    assert len(nhanh.bodies) == 1


async def test_ids_that_a_page_lacks_are_looked_for_on_the_next() -> None:
    """A short page is not the end here either; what is missing at the end is missing, not zero."""
    nhanh = ScriptedNhanh(
        [page([stock_row(1)], {"id": 1}), page([], {"id": 2}), page([stock_row(3)], {"id": 3}), page([])]
    )
    assert set(await nhanh.client().stock_of([1, 2, 3])) == {1, 3}
    assert not nhanh.script


async def test_no_more_than_a_hundred_ids_are_asked_for() -> None:
    """Nhanh takes no more."""
    nhanh = ScriptedNhanh([])
    with pytest.raises(ValueError, match="101 ids"):
        await nhanh.client().stock_of(range(1, 102))


async def test_no_ids_need_no_call() -> None:
    """An empty filter would ask for everything."""
    nhanh = ScriptedNhanh([])
    client = nhanh.client()
    assert await client.stock_of([]) == {}
    assert await client.products_by_id([]) == {}


async def test_stock_that_lies_in_no_depot_is_refused_where_depots_matter() -> None:
    """Each mapped depot would count as empty. Where the total alone is sold it is fine; so is none at all."""
    row = {"productId": 1, "inventory": {"available": 4, "depots": []}}
    with pytest.raises(MalformedAnswer, match="no depot"):
        await ScriptedNhanh([page([row])]).client(depots_matter=True).stock_of([1])
    product = item(1, inventory=row["inventory"])
    with pytest.raises(MalformedAnswer, match="no depot"):
        await ScriptedNhanh([page([product])]).client(depots_matter=True).products_by_id([1])
    assert await ScriptedNhanh([page([row])]).client().stock_of([1]) == {1: NhanhStock(40_000, {})}
    nothing = {"productId": 1, "inventory": {"available": 0, "depots": []}}
    assert await ScriptedNhanh([page([nothing])]).client(depots_matter=True).stock_of([1]) == {1: NhanhStock(0, {})}


async def test_products_are_read_by_ids_whatever_their_status() -> None:
    """Items alone: the id of a parent is missing."""
    nhanh = ScriptedNhanh([page([item(1), {"id": 2, "parentId": -2}], {"id": 2}), page([])])
    found = await nhanh.client().products_by_id([1, 2])
    assert list(found) == [1]
    assert nhanh.bodies[0]["filters"] == {"ids": [1, 2], "status": [1, 2, 3, 4]}


async def test_stock_of_which_nothing_is_said_is_not_taken_for_none() -> None:
    """An empty inventory says that there is no stock record; a row without the word says nothing."""
    (found,) = (await ScriptedNhanh([page([item(1, inventory=[])])]).client().products_by_id([1])).values()
    assert found.stock is None
    silent = item(1)
    del silent["inventory"]
    with pytest.raises(MalformedAnswer, match="nothing of the stock"):
        await ScriptedNhanh([page([silent])]).client().products_by_id([1])
