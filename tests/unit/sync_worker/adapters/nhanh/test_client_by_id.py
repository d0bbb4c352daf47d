"""Facts about reads of single items by their ids."""

from typing import Any

import pytest
from sync_worker.adapters.nhanh.client import MOST_FRUITLESS_PAGES
from sync_worker.application.ports.nhanh import ProductAnswer, StockAnswer
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
    expected = {1: NhanhStock(40_000, {7: 40_000}), 2: NhanhStock(50_000, {7: 50_000})}
    assert await nhanh.client().stock_of([2, 1, 2]) == StockAnswer(expected)
    assert nhanh.requests[0].url.path == "/nhanh/v3.0/product/inventory"
    assert nhanh.bodies[0]["filters"] == {"ids": [2, 1, 2]}
    assert len(nhanh.bodies) == 1


async def test_ids_that_a_page_lacks_are_looked_for_on_the_next() -> None:
    """A short page is not the end here either; what is missing at the end is missing, not zero."""
    nhanh = ScriptedNhanh(
        [page([stock_row(1)], {"id": 1}), page([], {"id": 2}), page([stock_row(3)], {"id": 3}), page([])]
    )
    answer = await nhanh.client().stock_of([1, 2, 3])
    assert (set(answer.stock), answer.refused) == ({1, 3}, {})
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
    assert await client.stock_of([]) == StockAnswer({})
    assert await client.products_by_id([]) == ProductAnswer({})


async def test_stock_that_lies_in_no_depot_is_refused_where_depots_matter() -> None:
    """Each mapped depot would count as empty. Where the total alone is sold it is fine; so is none at all."""
    row = {"productId": 1, "inventory": {"available": 4, "depots": []}}
    stock = await ScriptedNhanh([page([row, stock_row(2)])]).client(depots_matter=True).stock_of([1, 2])
    assert list(stock.stock) == [2]
    assert "no depot" in stock.refused[1]
    given = [item(1, inventory=row["inventory"]), item(2)]
    products = await ScriptedNhanh([page(given)]).client(depots_matter=True).products_by_id([1, 2])
    assert list(products.products) == [2]
    assert "no depot" in products.refused[1]
    fine = StockAnswer({1: NhanhStock(40_000, {})})
    assert await ScriptedNhanh([page([row])]).client().stock_of([1]) == fine
    nothing = {"productId": 1, "inventory": {"available": 0, "depots": []}}
    none = StockAnswer({1: NhanhStock(0, {})})
    assert await ScriptedNhanh([page([nothing])]).client(depots_matter=True).stock_of([1]) == none


async def test_products_are_read_by_ids_whatever_their_status() -> None:
    """Items alone: the id of a parent is missing."""
    nhanh = ScriptedNhanh([page([item(1), {"id": 2, "parentId": -2}], {"id": 2}), page([])])
    found = await nhanh.client().products_by_id([1, 2])
    assert (list(found.products), found.refused) == ([1], {})
    assert nhanh.bodies[0]["filters"] == {"ids": [1, 2], "status": [1, 2, 3, 4]}


async def test_stock_of_which_nothing_is_said_is_not_taken_for_none() -> None:
    """An empty inventory says that there is no stock record; a row without the word says nothing."""
    answer = await ScriptedNhanh([page([item(1, inventory=[])])]).client().products_by_id([1])
    assert answer.products[1].stock is None
    silent = item(1)
    del silent["inventory"]
    answer = await ScriptedNhanh([page([silent])]).client().products_by_id([1])
    assert answer == ProductAnswer({}, {1: "Nhanh says nothing of the stock of product 1"})


async def test_stock_that_cannot_be_read_is_neither_missing_nor_zero() -> None:
    """It is refused with its reason, and its neighbours are not; what nobody asked for is not told."""
    nhanh = ScriptedNhanh([page([stock_row(1), stock_row(2, "không rõ"), stock_row(9, "x")], {"id": 2}), page([])])
    answer = await nhanh.client().stock_of([1, 2, 3])
    assert answer.stock == {1: NhanhStock(10_000, {7: 10_000})}
    assert list(answer.refused) == [2]
    assert "không rõ" in answer.refused[2]


async def test_stock_that_could_be_read_elsewhere_stays_refused() -> None:
    """Told twice, on one page or two, and readable once: which of the two holds is not known."""
    nhanh = ScriptedNhanh(
        [page([stock_row(1, "x"), stock_row(1), stock_row(2)], {"id": 2}), page([stock_row(2, "x"), stock_row(3)])]
    )
    answer = await nhanh.client().stock_of([1, 2, 3])
    assert (sorted(answer.stock), sorted(answer.refused)) == ([3], [1, 2])


async def test_an_item_that_cannot_be_read_is_not_unknown() -> None:
    """It is refused with its reason; what is missing beside it is unknown to Nhanh."""
    nhanh = ScriptedNhanh([page([item(1), item(2, status="sold")], {"id": 2}), page([])])
    answer = await nhanh.client().products_by_id([1, 2, 3])
    assert list(answer.products) == [1]
    assert list(answer.refused) == [2]


async def test_a_stock_row_of_nobody_is_refused_whole() -> None:
    """Without an id nobody can say which item is meant: it may be any of those asked for."""
    with pytest.raises(MalformedAnswer, match="productId"):
        await ScriptedNhanh([page([stock_row(1), {"inventory": []}])]).client().stock_of([1])


async def test_ids_that_come_again_and_again_are_no_progress() -> None:
    """Pages that only repeat what is known count as empty ones."""
    nhanh = ScriptedNhanh([page([stock_row(1)], {"id": number}) for number in range(MOST_FRUITLESS_PAGES + 5)])
    with pytest.raises(MalformedAnswer, match="does not end"):
        await nhanh.client().stock_of([1, 2])
    assert len(nhanh.bodies) == MOST_FRUITLESS_PAGES + 2


async def test_a_long_way_to_an_id_is_gone() -> None:
    """As many fruitless pages as are allowed may lie before each id."""
    gap = [page([], {"gap": number}) for number in range(MOST_FRUITLESS_PAGES)]
    again = [page([], {"again": number}) for number in range(MOST_FRUITLESS_PAGES)]
    nhanh = ScriptedNhanh([*gap, page([stock_row(1)], {"id": 1}), *again, page([stock_row(2)], {"id": 2})])
    assert sorted((await nhanh.client().stock_of([1, 2])).stock) == [1, 2]
