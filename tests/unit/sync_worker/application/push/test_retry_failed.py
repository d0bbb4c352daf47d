"""Retry Failed."""

import asyncio

import pytest
from sync_worker.application.ports.shopify import ItemRefusal
from sync_worker.domain.failures import GuardTripped, VendorUnavailable
from sync_worker.domain.mappings import Entity
from sync_worker.domain.products import NhanhStock
from sync_worker.domain.push_plan import Lane
from sync_worker.domain.retry_rule import MAX_ATTEMPTS

from tests.fakes.push_vendors import down, lost_before
from tests.fakes.push_world import LOCATION, PushWorld, left_failed

BUSY = ItemRefusal("INTERNAL_ERROR", "An internal error occurred.", retryable=True)


async def failed_product(
    world: PushWorld, number: int, *, attempts: int = 1, retryable: bool = True, at: int = 0
) -> str:
    """A product whose last push failed `at` microseconds after the epoch."""
    return await world.product(
        number, number, **left_failed(Lane.INVENTORY, attempts=attempts, retryable=retryable, at=at)
    )


async def test_retry_heals_what_failed(world: PushWorld) -> None:
    """What Shopify refused for a passing cause is pushed by a retry right after, products and customers alike."""
    product = await world.product(1, 5)
    customer = await world.customer(2, 7_000)
    world.vendors.shop.refusals = {1001: BUSY, 4002: BUSY}
    await world.sync_products()
    await world.sync_customers()
    assert (await world.mapping(product)).failure_attempts == 1
    world.vendors.shop.refusals = {}
    done = await world.retry()
    assert (done.progress.total, done.progress.successful) == (2, 2)
    assert world.vendors.shop.quantities[1001, LOCATION] == 5
    assert world.vendors.shop.spends[4002] == 7_000
    for mapping in (product, customer):
        row = await world.mapping(mapping)
        assert (row.status, row.failure_attempts) == ("SYNCED", 0)
    assert (await world.retry()).progress.total == 0


async def test_only_the_asked_entity(world: PushWorld) -> None:
    """A retry of customers leaves products alone."""
    await failed_product(world, 1)
    done = await world.retry(entities=[Entity.CUSTOMERS])
    assert done.progress.total == 0
    assert world.vendors.shop.calls == []


async def test_only_failures_are_retried(world: PushWorld) -> None:
    """Neither what was never pushed nor what waits for a person is retried."""
    await world.product(1, 5)
    await world.product(2, 5, status="PENDING_APPROVAL")
    await world.product(3, 5, status="SYNCED")
    assert (await world.retry()).progress.total == 0


async def test_oldest_first_within_the_limit(world: PushWorld) -> None:
    """The oldest failures go first, over both entities, and no more than the limit."""
    await failed_product(world, 1, at=30)
    await failed_product(world, 2, at=10)
    await world.customer(3, 9_000, **left_failed(Lane.TOTAL_SPENT, at=20))
    done = await world.retry(limit=2)
    assert done.progress.total == 2
    assert [write[1] for write in world.vendors.shop.writes] == [1002, 4003]


async def test_permanent_and_exhausted_need_a_person(world: PushWorld) -> None:
    """A permanent cause, and an item that failed ten times in a row, are left out and counted, unless asked for."""
    await failed_product(world, 1, retryable=False)
    await failed_product(world, 2, attempts=MAX_ATTEMPTS)
    done = await world.retry()
    assert done.progress.total == 0
    assert (done.result["permanent"], done.result["need_a_person"]) == (1, 1)
    done = await world.retry(include_permanent=True)
    assert done.progress.successful == 2


async def test_items_rest_between_retries(world: PushWorld) -> None:
    """An item that failed again rests before it is tried again; the rest grows with each failure."""
    mapping = await world.product(1, 5)
    world.vendors.shop.refusals = {1001: BUSY}
    await world.sync_products()
    await world.retry()
    assert (await world.mapping(mapping)).failure_attempts == 2
    resting = await world.retry()
    assert (resting.progress.total, resting.result["resting"]) == (0, 1)
    world.clock.advance(60)
    assert (await world.retry()).progress.failed == 1
    world.clock.advance(60)
    assert (await world.retry()).progress.total == 0
    world.clock.advance(60)
    assert (await world.retry()).progress.failed == 1


@pytest.mark.parametrize("trouble", [down, lost_before])
async def test_outage_burns_no_attempt(world: PushWorld, trouble: object) -> None:
    """A failure that all share ends the job and is nobody's attempt."""
    mapping = await failed_product(world, 1)
    world.vendors.shop.troubles = [trouble]  # type: ignore[list-item]
    with pytest.raises(VendorUnavailable):
        await world.retry()
    row = await world.mapping(mapping)
    assert (row.status, row.failure_attempts, row.failure_code) == ("FAILED", 1, "X")


async def test_retry_never_lifts_the_guard(world: PushWorld) -> None:
    """A retry that would empty the shop stops like a bulk sync."""
    numbers = range(1, 21)
    await asyncio.gather(*(failed_product(world, number) for number in numbers))
    await asyncio.gather(*(world.confirm("quantity", 1000 + n, 3, location=LOCATION) for n in numbers))
    for number in numbers:
        world.vendors.business.stock[number] = NhanhStock(0, {})
    with pytest.raises(GuardTripped, match="20 of 20"):
        await world.retry()
    assert world.vendors.shop.writes == []


async def test_retry_pushes_what_failed(world: PushWorld) -> None:
    """A retry pushes the price when the price failed, and leaves the stock that went well."""
    await world.product(1, 5)
    await world.catalog_product(1, 100)
    world.vendors.shop.refusals = {2001: BUSY}
    await world.sync_products(prices=True)
    world.vendors.shop.refusals = {}
    done = await world.retry()
    assert done.progress.successful == 1
    assert [write[0] for write in world.vendors.shop.writes] == ["quantity", "price"]


async def test_second_attempt_keeps_the_limit(world: PushWorld) -> None:
    """Later attempts of a retry count what earlier ones did against the limit, and take nothing twice."""
    for number in (1, 2, 3):
        await failed_product(world, number, at=number)
    world.vendors.shop.refusals = {1001: BUSY}
    job = world.job()
    world.vendors.shop.troubles = [lambda apply: apply(), down]
    with pytest.raises(VendorUnavailable):
        await world.retry(job=job, limit=2)
    done = await world.retry(job=world.job(job.job_id, attempt=2), limit=2)
    assert (done.progress.total, done.progress.successful, done.progress.failed) == (2, 1, 1)
    assert [write[1] for write in world.vendors.shop.writes] == [1002]


async def test_dry_run(world: PushWorld) -> None:
    """A dry run says what would be pushed, and writes nothing."""
    await failed_product(world, 1)
    before = await world.everything()
    done = await world.retry(dry_run=True)
    assert await world.everything() == before
    assert world.vendors.shop.writes == []
    assert done.progress.successful == 1
    assert len(done.result["changes"]) == 1  # type: ignore[arg-type]


async def test_a_permanent_failure_does_not_hide_a_passing_one(world: PushWorld) -> None:
    """What failed of each kind of write is kept apart: a retry heals the stock although the price is refused for good."""
    mapping = await world.product(1, 5)
    await world.catalog_product(1, 100)
    world.vendors.shop.refusals = {1001: BUSY}
    await world.sync_products()
    world.vendors.shop.refusals = {2001: ItemRefusal("INVALID_INPUT", "No such price.", retryable=False)}
    await world.sync_products(prices=True, inventory=False)
    row = await world.mapping(mapping)
    assert (row.status, row.failure_retryable, row.failure_attempts) == ("FAILED", True, 2)
    world.clock.advance(120)
    world.vendors.shop.refusals = {}
    done = await world.retry()
    assert done.progress.successful == 1
    assert world.vendors.shop.quantities[1001, LOCATION] == 5
    row = await world.mapping(mapping)
    assert (row.status, row.failure_code, row.failure_retryable) == ("FAILED", "INVALID_INPUT", False)
    assert (await world.retry()).progress.total == 0
    await world.sync_products(prices=True, inventory=False)
    assert (await world.mapping(mapping)).status == "SYNCED"


async def test_stock_that_failed_is_not_forgotten_over_a_price(world: PushWorld) -> None:
    """A mapping is SYNCED only when its stock is, whatever became of its price since."""
    mapping = await world.product(1, 5)
    await world.catalog_product(1, 100)
    world.vendors.shop.refusals = {1001: BUSY}
    await world.sync_products()
    world.vendors.shop.refusals = {2001: BUSY}
    await world.sync_products(prices=True, inventory=False)
    world.vendors.shop.refusals = {}
    await world.sync_products(prices=True, inventory=False)
    row = await world.mapping(mapping)
    assert (row.status, row.failure_code) == ("FAILED", BUSY.code)
    await world.sync_products()
    assert (await world.mapping(mapping)).status == "SYNCED"
    assert world.vendors.shop.quantities[1001, LOCATION] == 5
