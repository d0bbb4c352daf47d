"""inventorySetQuantities, beyond what is refused in any call."""

from typing import Any

import pytest
from sandbox.shopify.gids import gid
from sandbox.shopify.rows import moment

from tests.unit.sandbox.shopify.conftest import PATH, ShopCaller

PLACE = gid("Location", 64_000_000_007)
SET = """
mutation ($input: InventorySetQuantitiesInput!, $key: String!) {
  inventorySetQuantities(input: $input) @idempotent(key: $key) {
    inventoryAdjustmentGroup { referenceDocumentUri }
    userErrors { code field }
  }
}
"""
LEVELS = """
query ($ids: [ID!]!) {
  nodes(ids: $ids) {
    ... on InventoryItem { inventoryLevel(locationId: "gid://shopify/Location/64000000007") { id } }
    ... on InventoryLevel { id item { id variant { id } } quantities(names: ["available", "no such"]) { name quantity } }
  }
}
"""


async def set_one(caller: ShopCaller, quantity: int, **more: Any) -> dict[str, Any]:
    """Set what is available of the first variant's item; the payload."""
    item = gid("InventoryItem", next(iter(caller.shop.variants.values())).inventory_item_id)
    entry = {"inventoryItemId": item, "locationId": PLACE, "quantity": quantity, "changeFromQuantity": None}
    given = {"name": "available", "reason": "correction", "quantities": [entry], **more}
    payload: dict[str, Any] = (await caller.data(SET, input=given, key=repr(given)))["inventorySetQuantities"]
    return payload


@pytest.mark.parametrize(
    ("name", "quantity", "codes"),
    [
        ("available", -1, []),
        ("available", -1_000_000_000, []),
        ("on_hand", 0, []),
        ("on_hand", 1_000_000_000, []),
        ("on_hand", -1, ["INVALID_QUANTITY_NEGATIVE"]),
        ("on_hand", -1_000_000_001, ["INVALID_QUANTITY_NEGATIVE"]),
        ("on_hand", 1_000_000_001, ["INVALID_QUANTITY_TOO_HIGH"]),
    ],
)
async def test_only_what_is_available_may_be_negative(
    caller: ShopCaller, name: str, quantity: int, codes: list[str]
) -> None:
    """Goods can be sold before they come; none can lie on a shelf that are not there."""
    payload = await set_one(caller, quantity, name=name)
    assert [error["code"] for error in payload["userErrors"]] == codes
    assert [write.new for write in caller.store.history.writes] == ([] if codes else [str(quantity)])


@pytest.mark.parametrize(
    ("uri", "right"),
    [
        ("gid://nhanhsync/Job/17", True),
        ("https://example.com/jobs/17", True),
        ("custom-scheme:17", True),
        ("gid://nhanhsync/Job", False),
        ("gid:17", False),
        ("17", False),
        ("", False),
    ],
)
async def test_a_reference_document_is_a_uri(caller: ShopCaller, uri: str, right: bool) -> None:
    """A scheme with something behind it; a global id has three parts."""
    payload = await set_one(caller, 5, referenceDocumentUri=uri)
    if right:
        assert payload == {"inventoryAdjustmentGroup": {"referenceDocumentUri": uri}, "userErrors": []}
    else:
        error = {"code": "INVALID_REFERENCE_DOCUMENT", "field": ["input", "referenceDocumentUri"]}
        assert payload == {"inventoryAdjustmentGroup": None, "userErrors": [error]}
    assert len(caller.store.history.writes) == right


async def test_a_level_is_found_by_its_own_id(caller: ShopCaller) -> None:
    """The id names the location, and the item behind a question mark; other names of quantities have none."""
    await set_one(caller, 7)
    variant = next(iter(caller.shop.variants.values()))
    item = gid("InventoryItem", variant.inventory_item_id)
    level = (await caller.data(LEVELS, ids=[item]))["nodes"][0]["inventoryLevel"]["id"]
    head = level.partition("?")[0]
    found = await caller.data(LEVELS, ids=[level, head, f"{head}?inventory_item_id=1", f"{head}?inventory_item_id=x"])
    assert found["nodes"] == [
        {
            "id": level,
            "item": {"id": item, "variant": {"id": gid("ProductVariant", variant.variant_id)}},
            "quantities": [{"name": "available", "quantity": 7}],
        },
        None,
        None,
        None,
    ]


async def test_a_set_quantity_is_an_update_of_the_product(caller: ShopCaller) -> None:
    """Its time is the write's; a refused one leaves it."""
    variant = next(iter(caller.shop.variants.values()))
    product = caller.shop.products[variant.product_id]
    before = product.updated_at
    await set_one(caller, 1_000_000_001)
    assert product.updated_at == before
    await set_one(caller, 3)
    assert moment(product.updated_at) == moment(int(caller.clock.now()))


@pytest.mark.parametrize(("version", "stocked"), [("2026-04", False), ("2026-07", False), ("2026-10", True)])
async def test_since_2026_10_a_quantity_can_be_set_anywhere(caller: ShopCaller, version: str, stocked: bool) -> None:
    """Before, the item had to be stocked there; what was there counts as 0."""
    variant = next(iter(caller.shop.variants.values()))
    place = next(one for one in caller.shop.locations if one not in variant.quantities)
    entry = {"inventoryItemId": gid("InventoryItem", variant.inventory_item_id), "locationId": gid("Location", place)}

    async def codes(expected: int) -> list[str]:
        quantities = [{**entry, "quantity": 3, "changeFromQuantity": expected}]
        given = {"name": "available", "reason": "correction", "quantities": quantities}
        path = PATH.replace("2026-07", version)
        answer = (await caller.post(SET, path=path, input=given, key=f"{expected}")).json()
        return [error["code"] for error in answer["data"]["inventorySetQuantities"]["userErrors"]]

    refused = "CHANGE_FROM_QUANTITY_STALE" if stocked else "ITEM_NOT_STOCKED_AT_LOCATION"
    assert await codes(1) == [refused]
    assert await codes(0) == ([] if stocked else [refused])
    assert variant.quantities.get(place) == (3 if stocked else None)
    assert [(write.old, write.new) for write in caller.store.history.writes] == [(None, "3")] * stocked
