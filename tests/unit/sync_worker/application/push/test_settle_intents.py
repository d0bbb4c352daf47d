"""Writes whose answer never came."""

import pytest
from sync_worker.adapters.catalog.tables import confirmed_values, push_intents, sync_log
from sync_worker.application.ports.shopify import BatchOutcome, ItemRefusal
from sync_worker.application.push.settle_intents import REPEAT_WITHIN_SECONDS
from sync_worker.domain.failures import VendorUnavailable

from tests.fakes.push_vendors import (
    Killed,
    Trouble,
    killed_after,
    killed_before,
    lost_after,
    lost_before,
    refused_whole,
)
from tests.fakes.push_world import LOCATION, PushWorld


@pytest.mark.parametrize("trouble", [killed_after, killed_before, lost_after, lost_before])
async def test_same_job_goes_on_without_a_second_write(world: PushWorld, trouble: Trouble) -> None:
    """Whether or not the write had arrived, the next attempt settles it, and it is applied exactly once."""
    mapping = await world.product(1, 5)
    job = world.job()
    world.vendors.shop.troubles = [trouble]
    with pytest.raises((Killed, VendorUnavailable)):
        await world.sync_products(job=job, repush=True)
    assert await world.open_intents() == 1
    done = await world.sync_products(job=world.job(job.job_id, attempt=2), repush=True)
    assert (done.progress.successful, done.progress.total) == (1, 1)
    assert world.vendors.shop.writes == [("quantity", 1001, 5)]
    assert await world.open_intents() == 0
    assert (await world.mapping(mapping)).status == "SYNCED"
    assert [line.job_id for line in await world.rows(sync_log)] == [job.job_id]


@pytest.mark.parametrize("trouble", [killed_after, killed_before])
async def test_any_later_job_settles_first(world: PushWorld, trouble: Trouble) -> None:
    """An intent outlives its job: the next job of the entity settles it before it plans."""
    await world.product(1, 5)
    world.vendors.shop.troubles = [trouble]
    with pytest.raises(Killed):
        await world.sync_products()
    done = await world.sync_products()
    assert world.vendors.shop.writes == [("quantity", 1001, 5)]
    assert done.progress.metrics["intents_settled"] == 1
    assert done.progress.skipped == 1


async def test_old_quantities_are_not_sent_again(world: PushWorld) -> None:
    """A write of hours ago that never arrived is read back: its stock is not today's."""
    await world.product(1, 5, at_shopify=3)
    await world.product(2, 2)
    world.vendors.shop.troubles = [killed_before]
    with pytest.raises(Killed):
        await world.sync_products("products-00001")
    world.clock.advance(REPEAT_WITHIN_SECONDS + 1)
    await world.sync_products("products-00002")
    assert world.vendors.shop.quantities == {(1001, LOCATION): 3, (1002, LOCATION): 2}
    assert {row.owner_id: row.value for row in await world.rows(confirmed_values)} == {1001: 3, 1002: 2}
    assert [row.outcome for row in await world.rows(push_intents)] == ["read_back", "applied"]


async def test_refused_repeat_is_read_back(world: PushWorld) -> None:
    """A repeat that Shopify refuses has written nothing: what is there is read."""
    await world.product(1, 5, at_shopify=3)
    world.vendors.shop.troubles = [killed_before]
    with pytest.raises(Killed):
        await world.sync_products()
    world.vendors.shop.troubles = [refused_whole]
    done = await world.sync_products()
    assert done.progress.successful == 1
    assert world.vendors.shop.quantities[1001, LOCATION] == 5


async def test_write_still_in_progress_is_waited_for(world: PushWorld) -> None:
    """While Shopify still works on a write, nothing new is planned: the job fails retryably."""
    await world.product(1, 5)
    world.vendors.shop.troubles = [killed_before]
    with pytest.raises(Killed):
        await world.sync_products()
    busy = ItemRefusal("IDEMPOTENCY_CONCURRENT_REQUEST", "In progress.", retryable=True)
    world.vendors.shop.troubles = [lambda _apply: BatchOutcome(False, {}, busy)]
    with pytest.raises(VendorUnavailable) as failure:
        await world.sync_products()
    assert failure.value.retryable
    assert await world.open_intents() == 1


@pytest.mark.parametrize("trouble", [killed_after, killed_before, lost_after, lost_before])
async def test_prices_and_spends_are_read_back(world: PushWorld, trouble: Trouble) -> None:
    """What has no key is settled by reading back, and written again only if it did not arrive."""
    await world.customer(1, 5_000)
    await world.product(2, 0)
    await world.catalog_product(2, 100)
    await world.confirm("quantity", 1002, 0, location=LOCATION)
    for sync, expected in (
        (world.sync_customers, [("total_spent", 4001, 5_000)]),
        (lambda **options: world.sync_products(prices=True, **options), [("price", 2002, 1_000_000)]),
    ):
        world.vendors.shop.writes.clear()
        job = world.job()
        world.vendors.shop.troubles = [trouble]
        with pytest.raises((Killed, VendorUnavailable)):
            await sync(job=job)
        done = await sync(job=world.job(job.job_id, attempt=2))
        assert world.vendors.shop.writes == expected
        assert (done.progress.successful, done.progress.skipped) == (1, 0)
        assert await world.open_intents() == 0


async def test_gone_owner_is_forgotten(world: PushWorld) -> None:
    """An owner that is gone when a write is read back has nothing confirmed any more."""
    await world.customer(1, 5_000)
    await world.confirm("total_spent", 4001, 1_000)
    world.vendors.shop.troubles = [killed_before]
    with pytest.raises(Killed):
        await world.sync_customers()
    del world.vendors.shop.spends[4001]
    done = await world.sync_customers()
    assert done.progress.failed == 1
    assert await world.rows(confirmed_values) == []


async def test_dry_run_leaves_intents_open(world: PushWorld) -> None:
    """A dry run settles nothing, since that may write."""
    await world.product(1, 5)
    world.vendors.shop.troubles = [killed_before]
    with pytest.raises(Killed):
        await world.sync_products()
    await world.sync_products(dry_run=True)
    assert await world.open_intents() == 1
    assert world.vendors.shop.writes == []
