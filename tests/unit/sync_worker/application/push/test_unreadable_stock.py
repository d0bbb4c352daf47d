"""Bulk Sync Products where Nhanh's stock of single products cannot be read."""

import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from sync_worker.adapters.catalog.tables import confirmed_values, push_intents
from sync_worker.domain.failures import Origin

from tests.fakes.push_world import LOCATION, PushWorld, push_world

WHY = "the stock of product 2 is 'không rõ', which is no amount"


async def test_one_unreadable_stock_fails_its_product_alone(world: PushWorld) -> None:
    """With its reason, for good, and nothing of it is written; its neighbours are pushed."""
    mappings = [await world.product(number, 5, at_shopify=9) for number in (1, 2, 3)]
    world.vendors.business.unreadable_stock[2] = WHY
    job = world.job()
    done = await world.sync_products(job=job)
    assert world.vendors.shop.quantities == {(1001, LOCATION): 5, (1002, LOCATION): 9, (1003, LOCATION): 5}
    (failure,) = job.failures
    assert (failure.item_key, failure.stage, failure.origin) == ("nhanh:2", "inventory", Origin.NHANH)
    assert (failure.code, failure.retryable) == ("UNREADABLE_STOCK", False)
    assert failure.message == f"{WHY}; its stock at Shopify was left as it is."
    assert (done.progress.successful, done.progress.failed) == (2, 1)
    assert [(await world.mapping(m)).status for m in mappings] == ["SYNCED", "FAILED", "SYNCED"]
    assert {row.owner_id for row in await world.rows(confirmed_values)} == {1001, 1003}


async def test_it_is_not_looked_for_elsewhere(world: PushWorld) -> None:
    """Nhanh knows the product: what product/list would say of its stock is not asked, so it cannot be taken for none."""
    await world.product(1, 5, at_shopify=9)
    world.vendors.business.unreadable_stock[1] = WHY
    await world.sync_products()
    assert [name for name, _ in world.vendors.business.calls if name == "products_by_id"] == []
    assert await world.rows(push_intents) == []


async def test_an_unreadable_product_is_not_unknown(world: PushWorld) -> None:
    """Its stock is missing, and the product itself cannot be read: neither is NOT_FOUND nor zero."""
    await world.product(1, None, at_shopify=9)
    await world.product(2, None, at_shopify=9)
    world.vendors.business.unreadable_products[1] = "the status of product 1 is 'x', which is no whole number"
    job = world.job()
    await world.sync_products(job=job)
    assert {(f.item_key, f.code) for f in job.failures} == {("nhanh:1", "UNREADABLE_STOCK"), ("nhanh:2", "NOT_FOUND")}
    assert world.vendors.shop.writes == []
    assert set(world.vendors.shop.quantities.values()) == {9}


@settings(max_examples=15, deadline=None)
@given(st.dictionaries(st.integers(1, 9), st.sampled_from(["stock", "unreadable", "no record", "unreadable row"])))
async def test_whatever_cannot_be_read_is_left_and_told(products: dict[int, str]) -> None:
    """Every readable product is pushed, every other fails once, and of those nothing is written."""
    with tempfile.TemporaryDirectory() as folder:
        async with push_world(Path(folder)) as world:
            business = world.vendors.business
            for number, what in products.items():
                await world.product(number, 5 if what in ("stock", "unreadable") else None, at_shopify=9)
                if what == "unreadable":
                    business.unreadable_stock[number] = WHY
                if what == "unreadable row":
                    business.unreadable_products[number] = WHY
            job = world.job()
            done = await world.sync_products(job=job)
            unreadable = {number for number, what in products.items() if what.startswith("unreadable")}
            told = {number for number, what in products.items() if what == "stock"}
            codes = {failure.item_key: failure.code for failure in job.failures}
            assert {key for key, code in codes.items() if code == "UNREADABLE_STOCK"} == {
                f"nhanh:{n}" for n in unreadable
            }
            assert len(job.failures) == done.progress.failed == len(products) - len(told)
            quantities = world.vendors.shop.quantities
            assert {item - 1000 for (item, _), quantity in quantities.items() if quantity == 5} == told
            assert all(quantity in (5, 9) for quantity in quantities.values())
