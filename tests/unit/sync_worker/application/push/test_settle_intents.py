"""Writes whose answer never came."""

import pytest
from sync_worker.adapters.catalog.tables import confirmed_values, push_intents, sync_log
from sync_worker.application.push.settle_intents import QUIET_SECONDS
from sync_worker.domain.failures import VendorUnavailable

from tests.fakes.push_vendors import (
    Killed,
    Trouble,
    killed_after,
    killed_before,
    lost_after,
    lost_before,
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
    arrived = trouble is killed_after
    assert (done.progress.skipped, done.progress.successful) == (int(arrived), int(not arrived))


async def test_what_never_arrived_is_not_sent_again(world: PushWorld) -> None:
    """It would be a write that nobody checked: a later job pushes what it was asked for, with the stock of today."""
    await world.product(1, 5, at_shopify=3)
    await world.product(2, 2)
    world.vendors.shop.troubles = [killed_before]
    with pytest.raises(Killed):
        await world.sync_products("products-00001")
    del world.vendors.business.stock[1]
    done = await world.sync_products()
    assert [failure.code for failure in done.failures] == []
    assert world.vendors.shop.quantities == {(1001, LOCATION): 3, (1002, LOCATION): 2}
    assert {row.owner_id: row.value for row in await world.rows(confirmed_values)} == {1001: 3, 1002: 2}
    assert [row.outcome for row in await world.rows(push_intents)] == ["read_back", "applied"]


async def test_nothing_is_read_while_an_earlier_write_may_be_on_its_way(world: PushWorld) -> None:
    """What Shopify has is read only once it must have given up on whatever was sent before."""
    await world.product(1, 5)
    world.vendors.shop.troubles = [killed_before]
    with pytest.raises(Killed):
        await world.sync_products()
    began = world.clock.monotonic()
    await world.sync_products()
    assert world.clock.monotonic() - began == QUIET_SECONDS
    began = world.clock.monotonic()
    await world.sync_products()
    assert world.clock.monotonic() == began


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
