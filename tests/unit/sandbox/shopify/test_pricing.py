"""productVariantsBulkUpdate: what becomes of a price."""

from typing import Any

import pytest
from sandbox.shopify.gids import gid
from sandbox.shopify.rows import moment
from sandbox.shopify.state import prices

from tests.unit.sandbox.shopify.conftest import ShopCaller

SET = """
mutation ($product: ID!, $variants: [ProductVariantsBulkInput!]!) {
  productVariantsBulkUpdate(productId: $product, variants: $variants) {
    productVariants { price }
    userErrors { code }
  }
}
"""
CHANGED = "query ($query: String) { productVariants(first: 250, query: $query) { nodes { id } } }"


async def set_price(caller: ShopCaller, price: object) -> dict[str, Any]:
    """Set the first variant's price; the payload."""
    variant = next(iter(caller.shop.variants.values()))
    given = [{"id": gid("ProductVariant", variant.variant_id), "price": price}]
    payload: dict[str, Any] = (await caller.data(SET, product=gid("Product", variant.product_id), variants=given))[
        "productVariantsBulkUpdate"
    ]
    return payload


@pytest.mark.parametrize(
    ("given", "kept", "shown"),
    [
        ("199000", "199000", "199000.00"),
        ("0", "0", "0.00"),
        ("12.5", "12.50", "12.50"),
        ("12.345", "12.35", "12.35"),
        ("12.344", "12.34", "12.34"),
        (12.5, "12.50", "12.50"),
        ("999999999999999999", "999999999999999999", "999999999999999999.00"),
    ],
)
async def test_a_price_has_two_decimals(caller: ShopCaller, given: object, kept: str, shown: str) -> None:
    """Rounded half up; what is shown, kept and written down is the same amount."""
    assert await set_price(caller, given) == {"productVariants": [{"price": shown}], "userErrors": []}
    variant = next(iter(caller.shop.variants.values()))
    assert prices(caller.shop)[gid("ProductVariant", variant.variant_id)]["price"] == kept
    assert [write.new for write in caller.store.history.writes] == [shown]


@pytest.mark.parametrize("price", ["1e18", "1e999999", "Infinity", "sNaN", {"amount": 1}, [1]])
async def test_what_is_no_price_is_refused(caller: ShopCaller, price: object) -> None:
    """Too large, endless, or not a number."""
    assert await set_price(caller, price) == {"productVariants": None, "userErrors": [{"code": "INVALID_INPUT"}]}
    assert caller.store.history.writes == []


async def test_a_priced_variant_is_found_as_changed(caller: ShopCaller) -> None:
    """Who asks for what was updated since then gets it, and nothing else."""
    since = moment(int(caller.clock.now()))
    variant = next(iter(caller.shop.variants.values()))
    for other in caller.shop.variants.values():
        other.updated_at = int(caller.clock.now()) - 1
    await set_price(caller, "5")
    found = await caller.data(CHANGED, query=f"updated_at:>='{since}'")
    assert found["productVariants"]["nodes"] == [{"id": gid("ProductVariant", variant.variant_id)}]
