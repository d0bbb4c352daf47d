"""The Shopify client against the sandbox's Shopify, over HTTP: pages, read-backs, writes and limits."""

import asyncio
from pathlib import Path

import pytest
import sandbox
from graphql import build_schema, parse, validate
from sync_worker.adapters.shopify.documents import Document, all_documents
from sync_worker.application.ports.shopify import (
    BatchOutcome,
    PriceChange,
    QuantityChange,
    SpendChange,
    VariantPrice,
)
from sync_worker.domain.failures import AccessRefused
from sync_worker.domain.money import scaled
from sync_worker.domain.products import ShopifyLocation
from sync_worker.domain.requests import ShopifyCustomerFilter, ShopifyProductFilter

from tests.fakes.shopify_shop import a_shopify_shop, every_customer, every_variant

SCHEMA = build_schema((Path(sandbox.__file__).parent / "shopify" / "schema.graphql").read_text())
KEY = "00000000-0000-5000-8000-000000000001"


@pytest.mark.parametrize("document", all_documents())
def test_every_document_is_valid(document: Document) -> None:
    """Each asks only for what the schema has."""
    assert validate(SCHEMA, parse(document.text)) == []


async def test_all_variants_are_read() -> None:
    """Every variant of the shop comes once, with its own ids, codes, price and state."""
    async with a_shopify_shop() as shop:
        found = await every_variant(shop.client())
        known = shop.world.shop
        assert len(found) > 250
        assert [row.variant_id for row in found] == sorted(known.variants)
        for row in found:
            variant = known.variants[row.variant_id]
            product = known.products[row.product_id]
            assert row.product_id == variant.product_id
            assert row.inventory_item_id == variant.inventory_item_id
            assert (row.sku, row.barcode, row.updated_at) == (variant.sku, variant.barcode, variant.updated_at)
            assert row.price == scaled(variant.price)
            assert row.product_status == product.status.lower()
            assert row.title.startswith(product.title)
            assert row.inventory_quantity == sum(variant.quantities.values())


async def test_variants_are_filtered() -> None:
    """By their product's state, and by when they were changed."""
    async with a_shopify_shop() as shop:
        known = shop.world.shop
        times = sorted(variant.updated_at for variant in known.variants.values())
        since = times[len(times) // 2]
        wanted = ShopifyProductFilter(("active", "draft"), since)
        expected = {
            number
            for number, variant in known.variants.items()
            if variant.updated_at >= since and known.products[variant.product_id].status in ("ACTIVE", "DRAFT")
        }
        assert 0 < len(expected) < len(known.variants)
        assert {row.variant_id for row in await every_variant(shop.client(), wanted)} == expected


async def test_all_customers_are_read() -> None:
    """Every customer of the shop comes once, as the shop has it."""
    async with a_shopify_shop() as shop:
        found = await every_customer(shop.client())
        known = shop.world.shop.customers
        assert len(found) > 250
        assert [row.customer_id for row in found] == sorted(known)
        for row in found:
            customer = known[row.customer_id]
            assert (row.first_name, row.last_name, row.note) == (customer.first_name, customer.last_name, customer.note)
            assert (row.email, row.phone, row.address_phone) == (customer.email, customer.phone, customer.address_phone)
            assert row.amount_spent == scaled(customer.amount_spent)
            assert (row.currency, row.orders, row.updated_at) == ("VND", customer.orders, customer.updated_at)


async def test_changed_customers_are_read() -> None:
    """In order of their change, and a search of the user's narrows them."""
    async with a_shopify_shop() as shop:
        known = shop.world.shop.customers
        times = sorted(customer.updated_at for customer in known.values())
        since = times[len(times) // 2]
        found = await every_customer(shop.client(), ShopifyCustomerFilter(updated_since=since))
        assert [row.updated_at for row in found] == [time for time in times if time >= since]
        one = found[0]
        searched = await every_customer(shop.client(), ShopifyCustomerFilter(f"id:{one.customer_id}", since))
        assert searched == [one]


async def test_locations_are_read() -> None:
    """All of them, the inactive ones too."""
    async with a_shopify_shop() as shop:
        first = next(iter(shop.world.shop.locations.values()))
        first.active = False
        found = {each.location_id: each for each in await shop.client().locations()}
        assert found.keys() == shop.world.shop.locations.keys()
        assert found[first.location_id] == ShopifyLocation(first.location_id, first.name, False)


async def test_quantities_are_written_and_read_back() -> None:
    """What is set is there; what is not stocked is None; what is gone is missing."""
    async with a_shopify_shop() as shop:
        client, known = shop.client(), shop.world.shop
        places = sorted(known.locations)
        variants = list(known.variants.values())[:250]
        items = [variant.inventory_item_id for variant in variants[:-1]] + [999]
        before = await client.quantities_of(items, places)
        assert before == {
            (variant.inventory_item_id, place): variant.quantities.get(place)
            for variant in variants[:-1]
            for place in places
        }
        assert None in before.values()
        changes = [
            QuantityChange(item, place, quantity + 3, quantity)
            for (item, place), quantity in before.items()
            if quantity is not None
        ][:250]
        assert await client.set_quantities(changes, KEY) == BatchOutcome(True, {})
        after = await client.quantities_of(items, places)
        assert after == {**before, **{(each.inventory_item_id, each.location_id): each.quantity for each in changes}}
        assert {write.idempotency_key for write in shop.world.history.writes} == {KEY}


async def test_a_key_applies_once() -> None:
    """The same call again is answered from what Shopify kept; with other values it is refused."""
    async with a_shopify_shop() as shop:
        client = shop.client()
        variant = next(iter(shop.world.shop.variants.values()))
        place, quantity = next(iter(variant.quantities.items()))
        change = QuantityChange(variant.inventory_item_id, place, quantity + 1, quantity)
        assert (await client.set_quantities([change], KEY)).applied
        assert (await client.set_quantities([change], KEY)).applied
        assert len(shop.written()) == 1
        other = QuantityChange(variant.inventory_item_id, place, quantity + 2, None)
        outcome = await client.set_quantities([other], KEY)
        assert not outcome.applied
        assert outcome.batch_refusal is not None
        assert outcome.batch_refusal.code == "IDEMPOTENCY_KEY_PARAMETER_MISMATCH"
        assert len(shop.written()) == 1


async def test_refused_quantities_name_their_entries() -> None:
    """Nothing of the batch is written; a stale one may heal, an unknown one may not."""
    async with a_shopify_shop() as shop:
        first, second, *_ = shop.world.shop.variants.values()
        place = next(iter(first.quantities.keys() & second.quantities.keys()))
        stale = first.quantities[place] + 1
        changes = [
            QuantityChange(second.inventory_item_id, place, 5, None),
            QuantityChange(first.inventory_item_id, place, 5, stale),
            QuantityChange(999, place, 5, None),
        ]
        outcome = await shop.client().set_quantities(changes, KEY)
        assert not outcome.applied
        found = {index: (refusal.code, refusal.retryable) for index, refusal in outcome.refusals.items()}
        assert found == {1: ("CHANGE_FROM_QUANTITY_STALE", True), 2: ("INVALID_INVENTORY_ITEM", False)}
        assert shop.written() == []


async def test_spends_are_written_and_read_back() -> None:
    """A customer without one has None, one that is gone is missing, and fails its batch by name."""
    async with a_shopify_shop() as shop:
        client = shop.client()
        customers = sorted(shop.world.shop.customers)[:25]
        assert await client.spends_of([*customers, 999]) == dict.fromkeys(customers)
        changes = [SpendChange(customer, 1_000 * index) for index, customer in enumerate(customers)]
        assert await client.set_spends(changes) == BatchOutcome(True, {})
        assert await client.spends_of(customers) == {each.customer_id: each.total_spent for each in changes}
        outcome = await client.set_spends([changes[0], SpendChange(999, 1)])
        assert (outcome.applied, sorted(outcome.refusals)) == (False, [1])
        assert outcome.refusals[1].code == "INVALID"


async def test_prices_are_written_and_read_back() -> None:
    """All variants of a product at once; a compare-at price can be set and cleared."""
    async with a_shopify_shop() as shop:
        client = shop.client()
        product = max(shop.world.shop.products.values(), key=lambda each: len(each.variant_ids))
        variants = product.variant_ids
        assert len(variants) > 1
        for compare_at in (2_500_005_000, None):
            changes = [PriceChange(variant, 1_990_005_000, compare_at) for variant in variants]
            assert await client.set_prices(product.product_id, changes) == BatchOutcome(True, {})
            wanted = dict.fromkeys(variants, VariantPrice(1_990_005_000, compare_at))
            assert await client.prices_of([*variants, 999]) == wanted
        outcome = await client.set_prices(product.product_id, [changes[0], PriceChange(999, 10_000, None)])
        assert (outcome.applied, outcome.refusals[1].code) == (False, "PRODUCT_VARIANT_DOES_NOT_EXIST")
        gone = await client.set_prices(999, changes)
        assert gone.batch_refusal is not None
        assert gone.batch_refusal.code == "PRODUCT_DOES_NOT_EXIST"


async def test_a_wrong_token_is_told() -> None:
    """With what to do about it, and without the token."""
    wrong = "shpat_wrong_0123456789"
    async with a_shopify_shop(token=wrong) as shop:
        with pytest.raises(AccessRefused, match="check it") as raised:
            await shop.client().locations()
        assert wrong not in str(raised.value)


async def test_nothing_is_refused_for_its_cost() -> None:
    """Two jobs that read far more than the bucket holds wait for it, and Shopify refuses neither a single call."""
    async with a_shopify_shop(limits=0.1) as shop:
        first, second = shop.client(), shop.client()
        for _ in range(4):
            await asyncio.gather(every_variant(first), every_customer(second), first.locations())
        calls = shop.world.calls
        assert not calls.refused
        assert calls.points == first.metrics.api_points + second.metrics.api_points
        assert calls.points > 200
        assert first.metrics.rate_limit_wait_seconds + second.metrics.rate_limit_wait_seconds > 0
        assert first.metrics.retries == second.metrics.retries == 0
