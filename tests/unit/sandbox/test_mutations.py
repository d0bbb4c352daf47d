"""Edits: all of a list, or none."""

from typing import Any

import pytest
from sandbox.expectations import truth_document
from sandbox.mutations import EditError, apply_edits
from sandbox.shopify.gids import gid
from sandbox.shopify.state import quantities
from sandbox.world import StoreWorld


def snapshot(store: StoreWorld) -> object:
    """Everything that an edit could change."""
    business = store.business
    return (
        {one: dict(row) for one, row in business.products.items()},
        {one: dict(row) for one, row in business.customers.items()},
        dict(business.stock),
        set(business.granted_depots or ()),
        business.token_revoked,
        list(store.shop.customers),
        quantities(store.shop),
    )


def test_each_edit_changes_what_it_names(store: StoreWorld) -> None:
    """A spend, a name, a stock, a quantity, the granted depots, the token."""
    business, shop = store.business, store.shop
    customer, product = business.customers.ids[0], business.stock.ids[0]
    variant = next(iter(shop.variants.values()))
    edits: list[dict[str, Any]] = [
        {"set": "nhanh_spend", "id": str(customer), "value": 1.5},
        {"set": "nhanh_name", "id": customer, "value": "A customer"},
        {"set": "nhanh_name", "id": product, "value": "A product"},
        {"set": "nhanh_stock", "id": product, "value": {"7": 3, "9": 0.5}},
        {
            "set": "shopify_quantity",
            "item": gid("InventoryItem", variant.inventory_item_id),
            "location": gid("Location", 64_000_000_011),
            "value": 9,
        },
        {"set": "granted_depots", "value": [7]},
        {"set": "token_revoked", "value": True},
    ]
    assert apply_edits(store, edits) == len(edits)
    assert business.customers[customer]["totalAmount"] == 1.5
    assert business.customers[customer]["name"] == "A customer"
    assert business.products[product]["name"] == "A product"
    assert business.stock[product] == {7: 3.0, 9: 0.5}
    assert variant.quantities[64_000_000_011] == 9
    assert (business.granted_depots, business.token_revoked) == ({7}, True)
    apply_edits(store, [{"set": "granted_depots", "value": None}, {"set": "token_revoked", "value": False}])
    assert (business.granted_depots, business.token_revoked) == (None, False)


def test_rows_are_removed(store: StoreWorld) -> None:
    """A product goes with its stock; a list may name a row twice."""
    business, shop = store.business, store.shop
    product, customer, buyer = business.stock.ids[0], business.customers.ids[0], shop.customers.ids[0]
    removals: list[dict[str, Any]] = [
        {"remove": "nhanh_product", "id": str(product)},
        {"remove": "nhanh_customer", "id": customer},
        {"remove": "shopify_customer", "id": gid("Customer", buyer)},
    ]
    apply_edits(store, removals * 2)
    assert product not in business.products
    assert product not in business.stock
    assert customer not in business.customers
    assert buyer not in shop.customers


def test_a_removed_product_is_one_that_is_not_found(store: StoreWorld) -> None:
    """The truth asks for no quantity of it any more."""
    product, _ = store.products.must_link[0]
    assert truth_document(store)["stock_not_found"] == []
    apply_edits(store, [{"remove": "nhanh_product", "id": product}])
    truth = truth_document(store)
    assert truth["stock_not_found"] == [str(product)]
    assert str(product) not in {row[0] for row in truth["stock"]}


@pytest.mark.parametrize(
    "bad",
    [
        {"set": "weather", "value": 1},
        {"set": "nhanh_spend", "id": 1, "value": 2},
        {"set": "nhanh_spend", "id": "one", "value": 2},
        {"set": "nhanh_spend", "id": None, "value": 2},
        {"set": "nhanh_spend"},
        {"set": "nhanh_stock", "id": 1, "value": {}},
        {"set": "nhanh_stock", "id": 1, "value": 5},
        {"set": "granted_depots", "value": 5},
        {"set": "token_revoked", "value": "yes"},
        {"remove": "nhanh_product", "id": 1},
        {"remove": "nhanh_customer", "id": 1},
        {"remove": "shopify_customer", "id": "gid://shopify/Customer/1"},
        {"set": "shopify_quantity", "item": "1", "location": "64000000007", "value": 1},
        5,
    ],
)
def test_one_bad_edit_refuses_all(store: StoreWorld, bad: Any) -> None:
    """The refusal names it by its number, and nothing of the list is done."""
    good = {"set": "nhanh_spend", "id": store.business.customers.ids[0], "value": 123}
    before = snapshot(store)
    with pytest.raises(EditError, match="edit 1 "):
        apply_edits(store, [good, bad])
    assert snapshot(store) == before


@pytest.mark.parametrize("change", [{"value": "many"}, {"value": None}, {"location": "gid://shopify/Location/1"}])
def test_a_bad_quantity_refuses_all(store: StoreWorld, change: dict[str, Any]) -> None:
    """A value that is no number, and a location that there is not, are found before anything is done."""
    variant = next(iter(store.shop.variants.values()))
    edit = {"set": "shopify_quantity", "item": variant.inventory_item_id, "location": "64000000007", "value": 1}
    before = snapshot(store)
    with pytest.raises(EditError, match="edit 1 "):
        apply_edits(store, [{**edit, "value": 77}, {**edit, **change}])
    assert snapshot(store) == before
