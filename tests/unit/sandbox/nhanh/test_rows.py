"""Rows as they are sent."""

from typing import Any

import orjson
from sandbox.nhanh.business import Business
from sandbox.nhanh.rows import UNREADABLE, inventory, listed_customer, listed_product, spoiled, stocked_product
from sandbox.world import StoreWorld


def stock_shown(business: Business, one: int) -> dict[str, Any]:
    """A product's inventory, read back."""
    found: dict[str, Any] = orjson.loads(inventory(business, one))
    return found


def test_stock_is_that_of_the_granted_depots(store: StoreWorld) -> None:
    """Depots that the token does not grant are in neither the list nor the total."""
    business = store.business
    one = next(one for one in business.stock.ids if one % 31)
    business.stock[one] = {7: 2.5, 9: -1.0, 12: 40.0}
    shown = stock_shown(business, one)
    assert shown["available"] == 1.5
    assert [(depot["id"], depot["available"]) for depot in shown["depots"]] == [(7, 2.5), (9, -1.0)]
    business.granted_depots = None
    assert stock_shown(business, one)["available"] == 41.5


def test_the_list_of_depots_comes_keyed_now_and_then(store: StoreWorld) -> None:
    """A list may arrive as an object keyed by id."""
    business = store.business
    one = 31 * 1_290_323
    business.stock[one] = {7: 3}
    assert stock_shown(business, one)["depots"] == {"7": {**stock_shown(business, one)["depots"]["7"], "id": 7}}
    business.stock[one] = {}
    assert stock_shown(business, one)["depots"] == []


def test_a_product_without_a_stock_record_has_an_empty_list(store: StoreWorld) -> None:
    """PHP sends an empty object as a list."""
    business = store.business
    bare = next(one for one in business.products.ids if one not in business.stock)
    assert orjson.loads(listed_product(business, bare))["inventory"] == []


def test_an_inventory_row_has_a_product_id_and_no_code(store: StoreWorld) -> None:
    """Its key is `productId`."""
    row = orjson.loads(stocked_product(store.business, store.business.stock.ids[0]))
    assert row.keys() == {"productId", "barcode", "name", "prices", "inventory"}


def test_a_spoiled_row_leaves_the_state_as_it_is(store: StoreWorld) -> None:
    """Its amount cannot be read; what is kept can."""
    business = store.business
    product, customer = business.stock.ids[0], business.customers.ids[0]
    before = business.products[product]["prices"]["retail"]
    assert orjson.loads(spoiled(listed_product(business, product)))["prices"]["retail"] == UNREADABLE
    assert orjson.loads(spoiled(stocked_product(business, product)))["inventory"]["available"] == UNREADABLE
    assert orjson.loads(spoiled(listed_customer(business, customer)))["totalAmount"] == UNREADABLE
    assert business.products[product]["prices"]["retail"] == before
    assert business.customers[customer]["totalAmount"] != UNREADABLE
