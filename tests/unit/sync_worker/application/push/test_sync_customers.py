"""Bulk Sync Customers."""

import asyncio

import pytest
from sync_worker.adapters.catalog.tables import confirmed_values, shopify_customers
from sync_worker.application.ports.shopify import ItemRefusal
from sync_worker.domain.failures import GuardTripped, Origin
from sync_worker.domain.requests import Selection

from tests.fakes.push_world import PushWorld

INTERNAL = ItemRefusal("INTERNAL_ERROR", "An internal error occurred.", retryable=True)


async def test_spend_is_pushed_in_whole_dong(world: PushWorld) -> None:
    """The spend comes from the catalog, is rounded half up, and no call goes to Nhanh."""
    mapping = await world.customer(1, 1_000_000.5)
    done = await world.sync_customers()
    assert world.vendors.shop.spends == {4001: 1_000_001}
    assert world.vendors.business.calls == []
    assert (await world.mapping(mapping)).status == "SYNCED"
    (value,) = await world.rows(confirmed_values)
    assert (value.kind, value.owner_id, value.location_id, value.value) == ("total_spent", 4001, 0, 1_000_001)
    assert done.progress.successful == 1


async def test_small_changes_are_left(world: PushWorld) -> None:
    """A spend that differs by less than 1,000 VND is unchanged; from 1,000 on it is pushed."""
    await world.customer(1, 10_999)
    await world.customer(2, 11_000)
    for number in (1, 2):
        await world.confirm("total_spent", 4000 + number, 10_000)
    done = await world.sync_customers()
    assert world.vendors.shop.writes == [("total_spent", 4002, 11_000)]
    assert (done.progress.successful, done.progress.skipped) == (1, 1)


async def test_unknown_spend_is_never_pushed(world: PushWorld) -> None:
    """A customer whose spend nobody knows is skipped and counted; mapping and Shopify stay as they are."""
    mapping = await world.customer(1, None)
    done = await world.sync_customers(repush=True)
    assert (done.progress.skipped, done.progress.metrics["unknown_spend"]) == (1, 1)
    assert world.vendors.shop.calls == []
    assert (await world.mapping(mapping)).status == "PENDING"


async def test_batches_of_25(world: PushWorld) -> None:
    """25 customers go into a call."""
    await asyncio.gather(*(world.customer(number, number * 1_000) for number in range(1, 61)))
    done = await world.sync_customers()
    assert world.vendors.shop.calls_of("set_spends") == [25, 25, 10]
    assert done.result["plan"]["estimated_api_points"] == 90  # type: ignore[index,call-overload]


async def test_bad_owner_is_isolated(world: PushWorld) -> None:
    """One refused customer does not fail the others of its call."""
    await asyncio.gather(*(world.customer(number, number * 1_000) for number in range(1, 26)))
    world.vendors.shop.silent_refusals = {4013: INTERNAL}
    job = world.job()
    done = await world.sync_customers(job=job)
    assert (done.progress.successful, done.progress.failed) == (24, 1)
    assert [n for n in range(1, 26) if world.vendors.shop.spends[4000 + n] is None] == [13]
    (failure,) = job.failures
    assert (failure.item_key, failure.stage, failure.origin) == ("nhanh:13", "total_spent", Origin.SHOPIFY)
    assert failure.retryable


async def test_gone_customer_fails_for_good(world: PushWorld) -> None:
    """A customer whom Shopify does not have any more fails permanently: found out by the call, or by a pull before."""
    found_out = await world.customer(1, 5_000)
    pulled = await world.customer(2, 5_000)
    await world.customer(3, 5_000)
    del world.vendors.shop.spends[4001]
    await world.confirm("total_spent", 4001, 1_000)
    await world.set_rows(shopify_customers, shopify_customers.c.customer_id == 4002, gone_time=1)
    await world.sync_customers()
    for mapping in (found_out, pulled):
        row = await world.mapping(mapping)
        assert (row.failure_code, row.failure_retryable) == ("NOT_FOUND", False)
    assert world.vendors.shop.writes == [("total_spent", 4003, 5_000)]
    assert [row.owner_id for row in await world.rows(confirmed_values)] == [4003]


async def test_mass_zero_guard(world: PushWorld) -> None:
    """A catalog that has lost its spends does not empty the shop's."""
    numbers = range(1, 31)
    await asyncio.gather(*(world.customer(number, 0) for number in numbers))
    await asyncio.gather(*(world.confirm("total_spent", 4000 + number, 5_000) for number in numbers))
    with pytest.raises(GuardTripped, match="30 of 30"):
        await world.sync_customers()
    assert world.vendors.shop.calls == []


async def test_dry_run(world: PushWorld) -> None:
    """A dry run writes nothing anywhere."""
    await world.customer(1, 5_000)
    before = await world.everything()
    done = await world.sync_customers(dry_run=True)
    assert await world.everything() == before
    assert world.vendors.shop.calls == []
    assert done.result["changes"] == [
        {"mapping_id": "customers-00001", "nhanh_id": "1", "stage": "total_spent", "old": None, "new": [5_000]}
    ]


async def test_finished_job_only_repeats_its_result(world: PushWorld) -> None:
    """An attempt of a finished job calls nobody."""
    await world.customer(1, 5_000)
    job = world.job()
    done = await world.sync_customers(job=job)
    again = await world.sync_customers(job=world.job(job.job_id, attempt=2))
    assert again == done
    assert world.vendors.shop.calls_of("set_spends") == [1]


async def test_empty_selection_is_refused(world: PushWorld) -> None:
    """A selection of nothing is refused."""
    with pytest.raises(GuardTripped):
        await world.sync_customers(selection=Selection())


async def test_a_first_push_of_zeros_is_guarded(world: PushWorld) -> None:
    """Where nothing was ever confirmed and 0 would be pushed, Shopify is asked what would be lost."""
    for number in range(1, 31):
        await world.customer(number, 0)
        world.vendors.shop.spends[4000 + number] = 5_000_000
    with pytest.raises(GuardTripped, match="30 of 30") as tripped:
        await world.sync_customers()
    assert tripped.value.code == "MASS_ZERO_GUARD"
    assert world.vendors.shop.writes == []
    done = await world.sync_customers(allow_mass_zero=True)
    assert done.progress.successful == 30


async def test_a_first_push_of_a_zero_that_is_there_writes_nothing(world: PushWorld) -> None:
    """What was read is what it would be set to."""
    await world.customer(1, 0)
    await world.customer(2, 0)
    world.vendors.shop.spends[4001] = 0
    world.vendors.shop.spends[4002] = None
    done = await world.sync_customers()
    assert (done.progress.skipped, done.progress.successful) == (1, 1)
    assert world.vendors.shop.writes == [("total_spent", 4002, 0)]
