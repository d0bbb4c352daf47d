"""Shopify's mutations over HTTP: what is written, what is refused, and that a refused call writes nothing."""

from typing import Any

import pytest
from sandbox.faults import FaultKind
from sandbox.shopify.gids import gid
from sandbox.shopify.state import prices, quantities, spends

from tests.contract.sandbox.conftest import Caller

HERE, THERE, UNSTOCKED = 64_000_000_007, 64_000_000_009, 64_000_000_011
SET = """
mutation ($input: InventorySetQuantitiesInput!, $key: String!) {
  inventorySetQuantities(input: $input) @idempotent(key: $key) {
    inventoryAdjustmentGroup { id reason createdAt }
    userErrors { field code message }
  }
}
"""
METAFIELDS = """
mutation ($metafields: [MetafieldsSetInput!]!) {
  metafieldsSet(metafields: $metafields) {
    metafields { namespace key type value }
    userErrors { elementIndex field code message }
  }
}
"""
PRICES = """
mutation ($product: ID!, $variants: [ProductVariantsBulkInput!]!, $partial: Boolean) {
  productVariantsBulkUpdate(productId: $product, variants: $variants, allowPartialUpdates: $partial) {
    product { id }
    productVariants { id price compareAtPrice }
    userErrors { field code message }
  }
}
"""


def entry(item: int, quantity: int, change_from: int | None = None, location: int = HERE) -> dict[str, Any]:
    """Ask for a quantity."""
    return {
        "inventoryItemId": gid("InventoryItem", item),
        "locationId": gid("Location", location),
        "quantity": quantity,
        "changeFromQuantity": change_from,
    }


def asked(entries: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    """Ask for quantities."""
    return {"name": "available", "reason": "correction", "quantities": entries, **more}


def items(box: Caller, count: int) -> list[int]:
    """List inventory items that are stocked at two locations at least."""
    return [each.inventory_item_id for each in box.store.shop.variants.values()][:count]


async def set_quantities(box: Caller, given: dict[str, Any], key: str = "key") -> dict[str, Any]:
    """Set quantities; the payload."""
    payload: dict[str, Any] = (await box.data(SET, input=given, key=key))["inventorySetQuantities"]
    return payload


def refusals(payload: dict[str, Any]) -> list[tuple[str, str]]:
    """List a payload's codes with the places that they are about."""
    return [(error["code"], ".".join(error["field"] or ())) for error in payload["userErrors"]]


async def test_quantities_are_set_and_read_back(box: Caller) -> None:
    """The state shows them; the history has time, target, old and new value, and the key."""
    first, second = items(box, 2)
    old = quantities(box.store.shop)[gid("InventoryItem", first)][gid("Location", HERE)]
    payload = await set_quantities(box, asked([entry(first, 11, old), entry(second, 12, None, THERE)]), "k1")
    assert payload["userErrors"] == []
    assert payload["inventoryAdjustmentGroup"]["reason"] == "correction"
    read = "query ($id: ID!, $at: ID!) { inventoryItem(id: $id) { inventoryLevel(locationId: $at) "
    read += '{ quantities(names: ["available"]) { quantity } } } }'
    for item, place, expected in ((first, HERE, 11), (second, THERE, 12)):
        data = await box.data(read, id=gid("InventoryItem", item), at=gid("Location", place))
        assert data["inventoryItem"]["inventoryLevel"]["quantities"] == [{"quantity": expected}]
    write, other = await box.history()
    assert write == {
        "number": 1,
        "time": box.clock.now(),
        "mutation": "inventorySetQuantities",
        "target": f"{gid('InventoryItem', first)} {gid('Location', HERE)}",
        "old": str(old),
        "new": "11",
        "idempotency_key": "k1",
    }
    assert other["new"] == "12"
    assert await box.history(after=1) == [other]


async def test_one_bad_quantity_refuses_all(box: Caller) -> None:
    """Every bad entry is named by its place and code, and nothing is written."""
    first, second, third = items(box, 3)
    before = quantities(box.store.shop)
    has = before[gid("InventoryItem", second)][gid("Location", HERE)]
    variant = next(each for each in box.store.shop.variants.values() if UNSTOCKED not in each.quantities)
    payload = await set_quantities(
        box,
        asked(
            [
                entry(first, 1),
                entry(1, 1),
                entry(first, 1, location=5),
                entry(second, 1, has + 1),
                entry(third, 1_000_000_001),
                entry(third, -1_000_000_001, location=THERE),
                entry(variant.inventory_item_id, 1, location=UNSTOCKED),
                entry(first, 2),
            ]
        ),
    )
    assert refusals(payload) == [
        ("INVALID_INVENTORY_ITEM", "input.quantities.1.inventoryItemId"),
        ("INVALID_LOCATION", "input.quantities.2.locationId"),
        ("CHANGE_FROM_QUANTITY_STALE", "input.quantities.3.changeFromQuantity"),
        ("INVALID_QUANTITY_TOO_HIGH", "input.quantities.4.quantity"),
        ("INVALID_QUANTITY_TOO_LOW", "input.quantities.5.quantity"),
        ("ITEM_NOT_STOCKED_AT_LOCATION", "input.quantities.6.locationId"),
        ("NO_DUPLICATE_INVENTORY_ITEM_ID_GROUP_ID_PAIR", "input.quantities.7.inventoryItemId"),
    ]
    assert payload["inventoryAdjustmentGroup"] is None
    assert quantities(box.store.shop) == before
    assert await box.history() == []


async def test_a_bad_name_or_reason_refuses_all(box: Caller) -> None:
    """Both at once."""
    payload = await set_quantities(box, asked([entry(items(box, 1)[0], 1)], name="damaged", reason="a whim"))
    assert refusals(payload) == [("INVALID_NAME", "input.name"), ("INVALID_REASON", "input.reason")]
    assert await box.history() == []


async def test_what_the_schema_does_not_show_to_be_required(box: Caller) -> None:
    """The directive, and `changeFromQuantity` in every entry: null is an answer, its absence is none."""
    item = items(box, 1)[0]
    bare = SET.replace(" @idempotent(key: $key)", "").replace(", $key: String!", "")
    document = await box.shopify(bare, input=asked([entry(item, 1)]))
    assert document["data"] == {"inventorySetQuantities": None}
    assert document["errors"][0]["extensions"]["code"] == "BAD_REQUEST"
    assert "@idempotent" in document["errors"][0]["message"]
    absent = entry(item, 1)
    del absent["changeFromQuantity"]
    document = await box.shopify(SET, input=asked([entry(items(box, 2)[1], 1), absent]), key="k")
    assert document["data"] == {"inventorySetQuantities": None}
    assert document["errors"][0]["extensions"]["code"] == "INVALID_FIELD_ARGUMENTS"
    assert "changeFromQuantity" in document["errors"][0]["message"]
    assert await box.history() == []


async def test_a_key_gives_the_stored_result_for_a_day(box: Caller) -> None:
    """The same parameters: the same answer, and no second write; others are refused. Then the key is new."""
    item = items(box, 1)[0]
    given = asked([entry(item, 5)])
    first = await set_quantities(box, given)
    await set_quantities(box, asked([entry(item, 6)]), "another")
    box.clock.advance(86_399)
    assert await set_quantities(box, given) == first
    mismatch = await set_quantities(box, asked([entry(item, 7)]))
    assert refusals(mismatch) == [("IDEMPOTENCY_KEY_PARAMETER_MISMATCH", "")]
    assert [write["new"] for write in await box.history()] == ["5", "6"]
    box.clock.advance(1)
    assert await set_quantities(box, given) != first
    assert [write["new"] for write in await box.history()] == ["5", "6", "5"]


async def test_a_key_of_a_refused_call_may_be_used_again(box: Caller) -> None:
    """Nothing came of it that could be stored."""
    item = items(box, 1)[0]
    assert refusals(await set_quantities(box, asked([entry(item, 5, 999)])))
    assert refusals(await set_quantities(box, asked([entry(item, 5)]))) == []


async def test_metafields_are_set_and_read_back(box: Caller) -> None:
    """25 of them; the history has the old value of the second time."""
    customers = [gid("Customer", one) for one in box.store.shop.customers.ids[:25]]
    for value in ("1500", "2500"):
        given = [{"ownerId": one, "key": "total_spent", "type": "number_integer", "value": value} for one in customers]
        payload = (await box.data(METAFIELDS, metafields=given))["metafieldsSet"]
        assert payload["userErrors"] == []
        assert (
            payload["metafields"]
            == [{"namespace": "custom", "key": "total_spent", "type": "number_integer", "value": value}] * 25
        )
    assert {one for one, value in spends(box.store.shop).items() if value == "2500"} == set(customers)
    writes = await box.history()
    assert [(write["old"], write["new"]) for write in writes] == [(None, "1500")] * 25 + [("1500", "2500")] * 25
    data = await box.data(
        'query ($id: ID!) { customer(id: $id) { metafield(key: "total_spent") { value } } }', id=customers[0]
    )
    assert data == {"customer": {"metafield": {"value": "2500"}}}


async def test_one_bad_metafield_refuses_all(box: Caller) -> None:
    """Each is named by its index; a twenty-sixth refuses the call as a whole."""
    one = gid("Customer", box.store.shop.customers.ids[0])
    good: dict[str, str | None] = {"ownerId": one, "key": "k", "type": "number_integer", "value": "1"}
    bad: list[dict[str, str | None]] = [
        {"ownerId": gid("Customer", 1)},
        {"value": " "},
        {"value": "12.5"},
        {"type": None},
    ]
    payload = (await box.data(METAFIELDS, metafields=[good, *({**good, **change} for change in bad)]))["metafieldsSet"]
    assert payload["metafields"] is None
    assert [(error["elementIndex"], error["code"], error["field"][-1]) for error in payload["userErrors"]] == [
        (1, "INVALID", "ownerId"),
        (2, "BLANK", "value"),
        (3, "INVALID_VALUE", "value"),
        (4, "INVALID_TYPE", "type"),
    ]
    payload = (await box.data(METAFIELDS, metafields=[good] * 26))["metafieldsSet"]
    assert refusals(payload) == [("LESS_THAN_OR_EQUAL_TO", "metafields")]
    assert await box.history() == []
    assert set(spends(box.store.shop).values()) == {None}


async def test_prices_are_set_and_read_back(box: Caller) -> None:
    """All variants of a product; a compare-at price can be taken away; what is not named stays."""
    shop = box.store.shop
    product = max(shop.products.values(), key=lambda each: len(each.variant_ids))
    first, second, *_ = (gid("ProductVariant", one) for one in product.variant_ids)
    given = [{"id": first, "price": "199000", "compareAtPrice": "250000.5"}, {"id": second, "compareAtPrice": None}]
    kept = prices(shop)[second]["price"]
    payload = (await box.data(PRICES, product=gid("Product", product.product_id), variants=given))[
        "productVariantsBulkUpdate"
    ]
    assert payload["userErrors"] == []
    assert payload["productVariants"] == [
        {"id": first, "price": "199000.00", "compareAtPrice": "250000.50"},
        {"id": second, "price": f"{kept}.00", "compareAtPrice": None},
    ]
    writes = [(write["target"], write["new"]) for write in await box.history()]
    assert writes == [
        (f"{first} price", "199000.00"),
        (f"{first} compareAtPrice", "250000.50"),
        (f"{second} compareAtPrice", None),
    ]


async def test_one_bad_price_refuses_all_unless_part_may_stand(box: Caller) -> None:
    """Each bad one is named; with allowPartialUpdates the good ones are written."""
    shop = box.store.shop
    product = max(shop.products.values(), key=lambda each: len(each.variant_ids))
    stranger = next(each for each in shop.variants.values() if each.product_id != product.product_id)
    good = {"id": gid("ProductVariant", product.variant_ids[0]), "price": "1000"}
    given = [
        good,
        {**good, "price": "-1"},
        {**good, "price": "cheap"},
        {**good, "compareAtPrice": "NaN"},
        {"price": "1"},
        {"id": gid("ProductVariant", stranger.variant_id), "price": "1"},
    ]
    expected = [
        ("GREATER_THAN_OR_EQUAL_TO", "variants.1.price"),
        ("INVALID_INPUT", "variants.2.price"),
        ("INVALID_INPUT", "variants.3.compareAtPrice"),
        ("PRODUCT_VARIANT_ID_MISSING", "variants.4.id"),
        ("PRODUCT_VARIANT_DOES_NOT_EXIST", "variants.5.id"),
    ]
    asked_for = {"product": gid("Product", product.product_id), "variants": given}
    payload = (await box.data(PRICES, **asked_for))["productVariantsBulkUpdate"]
    assert (refusals(payload), payload["productVariants"]) == (expected, None)
    assert await box.history() == []
    payload = (await box.data(PRICES, partial=True, **asked_for))["productVariantsBulkUpdate"]
    assert refusals(payload) == expected
    assert [row["price"] for row in payload["productVariants"]] == ["1000.00"]
    assert [write["new"] for write in await box.history()] == ["1000.00"]
    payload = (await box.data(PRICES, product="gid://shopify/Product/1", variants=[good]))["productVariantsBulkUpdate"]
    assert refusals(payload) == [("PRODUCT_DOES_NOT_EXIST", "productId")]


@pytest.mark.parametrize("code", ["", "named"])
async def test_a_bad_item_of_the_plan_is_refused_in_each_mutation(box: Caller, code: str) -> None:
    """With the plan's code and message, or the mutation's usual code; by the rules of a bad entry."""
    shop = box.store.shop
    variant = next(iter(shop.variants.values()))
    item, customer = gid("InventoryItem", variant.inventory_item_id), gid("Customer", shop.customers.ids[0])
    chosen = gid("ProductVariant", variant.variant_id)
    metafield = {"ownerId": customer, "key": "k", "type": "number_integer", "value": "1"}
    price = {"product": gid("Product", variant.product_id), "variants": [{"id": chosen, "price": "1"}]}
    stock = {"input": asked([entry(variant.inventory_item_id, 1)]), "key": "k"}
    for operation, query, variables, bad, usual, named in (
        ("inventorySetQuantities", SET, stock, item, "INVALID_INVENTORY_ITEM", "NON_MUTABLE_INVENTORY_ITEM"),
        ("metafieldsSet", METAFIELDS, {"metafields": [metafield]}, customer, "INVALID", "APP_NOT_AUTHORIZED"),
        ("productVariantsBulkUpdate", PRICES, price, chosen, "INVALID_INPUT", "PRODUCT_VARIANT_DOES_NOT_EXIST"),
    ):
        box.fault("shopify", operation, FaultKind.BAD_ITEM, item=bad, code=code and named, message="Not this one.")
        payload = (await box.data(query, **variables))[operation]
        assert [error["code"] for error in payload["userErrors"]] == [named if code else usual]
        assert payload["userErrors"][0]["message"] == "Not this one."
        assert await box.history() == []
