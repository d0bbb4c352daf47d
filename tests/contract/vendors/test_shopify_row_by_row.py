"""What is read of Shopify's lists, compared with the sandbox's truth row by row."""

from decimal import Decimal

from sandbox.row_truth import rows_document
from sync_worker.domain.money import unscaled

from tests.fakes.shopify_shop import a_shopify_shop, every_customer, every_variant


async def test_every_variant_is_read_as_it_is() -> None:
    """In each column that a mirror has."""
    async with a_shopify_shop() as shop:
        truth = rows_document(shop.world)["shopify_variants"]
        found = {str(row.variant_id): row for row in await every_variant(shop.client())}
    assert found.keys() == truth.keys()
    for one, row in truth.items():
        told = {name: value for name, value in row.items() if name not in ("gone", "price", "compare_at_price")}
        read = found[one]._asdict()
        read["product_id"], read["inventory_item_id"] = str(read["product_id"]), str(read["inventory_item_id"])
        assert {name: read[name] for name in told} == told
        assert unscaled(found[one].price) == Decimal(row["price"])
        compared = found[one].compare_at_price
        assert (None if compared is None else unscaled(compared)) == (
            None if row["compare_at_price"] is None else Decimal(row["compare_at_price"])
        )


async def test_every_customer_is_read_as_it_is() -> None:
    """In each column that a mirror has."""
    async with a_shopify_shop() as shop:
        truth = rows_document(shop.world)["shopify_customers"]
        found = {str(row.customer_id): row for row in await every_customer(shop.client())}
    assert found.keys() == truth.keys()
    for one, row in truth.items():
        told = {name: value for name, value in row.items() if name not in ("gone", "amount_spent")}
        read = found[one]._asdict()
        assert {name: read[name] for name in told} == told
        assert unscaled(found[one].amount_spent) == Decimal(row["amount_spent"])
