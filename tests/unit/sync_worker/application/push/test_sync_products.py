"""Bulk Sync Products: stock."""

import asyncio
from dataclasses import replace

import pytest
from sync_worker.adapters.catalog.tables import confirmed_values, mappings, push_items, sync_log
from sync_worker.application.ports.shopify import ItemRefusal
from sync_worker.domain.failures import GuardTripped, JobCancelled, Origin, VendorUnavailable
from sync_worker.domain.mappings import MappingStatus
from sync_worker.domain.money import SCALE
from sync_worker.domain.products import NhanhProduct, NhanhStock, ShopifyLocation
from sync_worker.domain.push_plan import Lane
from sync_worker.domain.requests import Selection
from sync_worker.domain.stores import LocationMapping

from tests.fakes.push_vendors import STALE, UNKNOWN_ITEM, down, refused_whole
from tests.fakes.push_world import DEPOT, LOCATION, OTHER_DEPOT, OTHER_LOCATION, PushWorld, left_failed

BUSY = ItemRefusal("IDEMPOTENCY_CONCURRENT_REQUEST", "Try again.", retryable=True)


def nhanh_product(number: int, stock: NhanhStock | None = None) -> NhanhProduct:
    """A product that Nhanh knows."""
    return NhanhProduct(number, None, None, None, "Áo", 2, None, None, None, None, None, None, stock, None)


async def test_first_push(world: PushWorld) -> None:
    """What was never pushed is pushed, confirmed, logged with old and new value, and marked SYNCED."""
    mapping = await world.product(1, 5)
    job = world.job()
    done = await world.sync_products(job=job)
    assert (done.progress.successful, done.progress.total) == (1, 1)
    assert world.vendors.shop.quantities == {(1001, LOCATION): 5}
    row = await world.mapping(mapping)
    assert (row.status, row.push_time) == (MappingStatus.SYNCED, world.clock.now_micros())
    (value,) = await world.rows(confirmed_values)
    assert (value.kind, value.owner_id, value.location_id, value.value) == ("quantity", 1001, LOCATION, 5)
    (line,) = await world.rows(sync_log)
    assert (line.old_value, line.new_value, line.location_id, line.outcome) == (None, 5, LOCATION, "ok")
    assert done.progress.metrics["pushed"] == 1
    assert done.progress.metrics["api_calls"] == 4  # access, stock, access once more, one batch
    assert done.progress.metrics["api_points"] == 10
    assert done.result["plan"]["batches"] == {"inventory": 1}  # type: ignore[index,call-overload]
    assert job.reports[-1].processed == 1


async def test_unchanged_is_skipped(world: PushWorld) -> None:
    """What Shopify confirmed already costs no call, unless it is to be pushed anyway."""
    await world.product(1, 5)
    await world.sync_products()
    again = await world.sync_products()
    assert (again.progress.skipped, again.progress.metrics["unchanged"]) == (1, 1)
    assert world.vendors.shop.calls_of("set_quantities") == [1]
    forced = await world.sync_products(repush=True)
    assert forced.progress.successful == 1
    assert world.vendors.shop.calls_of("set_quantities") == [1, 1]


async def test_old_confirmation_counts_as_unknown(world: PushWorld) -> None:
    """A value that was confirmed too long ago is pushed again, and not compared with."""
    await world.product(1, 5, at_shopify=2)
    await world.confirm("quantity", 1001, 5, location=LOCATION, age=world.store.max_confirmed_age_seconds + 1)
    await world.sync_products()
    assert world.vendors.shop.quantities[1001, LOCATION] == 5
    ((changes, _),) = world.vendors.shop.keys.values()
    assert changes[0].change_from is None


async def test_unchanged_heals_a_failed_mapping(world: PushWorld) -> None:
    """A mapping whose every value is confirmed is SYNCED, though nothing had to be pushed."""
    mapping = await world.product(1, 5, **left_failed(Lane.INVENTORY, attempts=3, at=1))
    await world.confirm("quantity", 1001, 5, location=LOCATION)
    await world.sync_products()
    row = await world.mapping(mapping)
    assert (row.status, row.failure_code, row.failure_attempts, row.push_time) == ("SYNCED", None, 0, None)


async def test_batches_of_250(world: PushWorld) -> None:
    """Stock is asked for 100 ids a call, and quantities are set 250 a call."""
    await asyncio.gather(*(world.product(number, number) for number in range(1, 302)))
    done = await world.sync_products()
    assert done.progress.successful == 301
    assert world.vendors.business.calls == [
        ("check_access", 0),
        *[("stock_of", 100)] * 3,
        ("stock_of", 1),
        ("check_access", 0),
    ]
    assert world.vendors.shop.calls_of("set_quantities") == [250, 51]
    assert all(world.vendors.shop.quantities[1000 + n, LOCATION] == n for n in range(1, 302))


async def test_depots_of_a_location_add_up(world: PushWorld) -> None:
    """A location gets the sum over its depots, each location its own."""
    world.store = replace(
        world.store,
        locations=(
            LocationMapping(DEPOT, LOCATION),
            LocationMapping(OTHER_DEPOT, LOCATION),
            LocationMapping(9, OTHER_LOCATION),
        ),
    )
    await world.product(1, 5, other_stock=2.5)
    done = await world.sync_products()
    assert world.vendors.shop.quantities == {(1001, LOCATION): 7, (1001, OTHER_LOCATION): 0}
    assert done.progress.metrics["floored"] == 1


async def test_negative_stock_is_none(world: PushWorld) -> None:
    """Stock below zero is told as zero, and counted."""
    await world.product(1, -3, at_shopify=4)
    done = await world.sync_products()
    assert world.vendors.shop.quantities[1001, LOCATION] == 0
    assert done.progress.metrics["clamped"] == 1


async def test_missing_is_not_zero(world: PushWorld) -> None:
    """A product missing from the answer is asked for by id: without stock it is zero, unknown it fails untouched."""
    none_left = await world.product(1, None, at_shopify=4)
    unknown = await world.product(2, None, at_shopify=9)
    listed = await world.product(3, None, at_shopify=1)
    world.vendors.business.products[1] = nhanh_product(1)
    world.vendors.business.products[3] = nhanh_product(3, NhanhStock(6 * SCALE, {DEPOT: 6 * SCALE}))
    job = world.job()
    done = await world.sync_products(job=job)
    assert world.vendors.shop.quantities == {(1001, LOCATION): 0, (1002, LOCATION): 9, (1003, LOCATION): 6}
    assert ("products_by_id", 3) in world.vendors.business.calls
    (failure,) = job.failures
    assert (failure.item_key, failure.stage, failure.origin) == ("nhanh:2", "inventory", Origin.NHANH)
    assert (failure.code, failure.retryable) == ("NOT_FOUND", False)
    assert (done.progress.successful, done.progress.failed) == (2, 1)
    assert [(await world.mapping(m)).status for m in (none_left, unknown, listed)] == ["SYNCED", "FAILED", "SYNCED"]


async def test_ungranted_depot_stops_the_run(world: PushWorld) -> None:
    """A mapped depot that the token does not grant stops the run before any write."""
    await world.product(1, 5)
    world.vendors.business.depot_ids = frozenset({OTHER_DEPOT})
    with pytest.raises(GuardTripped, match=str(DEPOT)) as refusal:
        await world.sync_products()
    assert refusal.value.code == "DEPOT_NOT_GRANTED"
    assert not refusal.value.retryable
    assert world.vendors.shop.writes == []


async def test_single_location_gets_the_total(world: PushWorld) -> None:
    """Without mapped locations the one active location gets the product's total."""
    world.store = replace(world.store, locations=())
    world.vendors.shop.shop_locations = [
        ShopifyLocation(LOCATION, "Shop", True),
        ShopifyLocation(OTHER_LOCATION, "Closed", False),
    ]
    await world.product(1, 5, other_stock=3)
    await world.sync_products()
    assert world.vendors.shop.quantities == {(1001, LOCATION): 8}


async def test_unmapped_locations_are_refused(world: PushWorld) -> None:
    """Several active locations without mappings are refused with what to do."""
    world.store = replace(world.store, locations=())
    world.vendors.shop.shop_locations = [
        ShopifyLocation(LOCATION, "Shop", True),
        ShopifyLocation(OTHER_LOCATION, "Store", True),
    ]
    await world.product(1, 5)
    with pytest.raises(GuardTripped, match="map depots to locations") as refusal:
        await world.sync_products()
    assert refusal.value.code == "LOCATIONS_NOT_MAPPED"
    assert world.vendors.shop.writes == []


async def test_stale_value_is_decided_once(world: PushWorld) -> None:
    """A quantity that changed at Shopify is read back: written over if it differs, left if it is right already."""
    await world.product(1, 5, at_shopify=9)
    await world.product(2, 6, at_shopify=6)
    await world.product(3, 7, at_shopify=1)
    for number in (1, 2, 3):
        await world.confirm("quantity", 1000 + number, 1, location=LOCATION)
    done = await world.sync_products()
    assert done.progress.successful == 3
    assert [world.vendors.shop.quantities[1000 + n, LOCATION] for n in (1, 2, 3)] == [5, 6, 7]
    assert [write[1] for write in world.vendors.shop.writes] == [1003, 1001]
    old = {line.mapping_id: line.old_value for line in await world.rows(sync_log)}
    assert old == {"products-00001": 9, "products-00002": 6, "products-00003": 1}


async def test_value_that_keeps_changing_fails(world: PushWorld) -> None:
    """A quantity that is stale again after it was read is left alone and may be tried again."""
    mapping = await world.product(1, 5, at_shopify=9)
    await world.confirm("quantity", 1001, 1, location=LOCATION)

    def sell() -> None:
        quantity = world.vendors.shop.quantities[1001, LOCATION]
        world.vendors.shop.quantities[1001, LOCATION] = (quantity or 0) - 1

    world.vendors.shop.before_write = sell
    done = await world.sync_products()
    assert done.progress.failed == 1
    row = await world.mapping(mapping)
    assert (row.failure_code, row.failure_retryable) == ("CHANGE_FROM_QUANTITY_STALE", True)
    assert world.vendors.shop.writes == []


async def test_bad_entries_do_not_fail_the_others(world: PushWorld) -> None:
    """Whether Shopify names the bad entries or not, exactly the others are written."""
    await asyncio.gather(*(world.product(number, number) for number in range(1, 21)))
    world.vendors.shop.refusals = {1003: BUSY, 1011: UNKNOWN_ITEM}
    world.vendors.shop.silent_refusals = {1007: ItemRefusal("INVALID", "Something is wrong.", retryable=False)}
    job = world.job()
    done = await world.sync_products(job=job)
    assert (done.progress.successful, done.progress.failed) == (17, 3)
    bad = {3, 7, 11}
    for number in range(1, 21):
        expected = 0 if number in bad else number
        assert world.vendors.shop.quantities[1000 + number, LOCATION] == expected
    by_key = {failure.item_key: failure for failure in job.failures}
    assert {key: failure.retryable for key, failure in by_key.items()} == {
        "nhanh:3": True,
        "nhanh:7": False,
        "nhanh:11": False,
    }
    assert by_key["nhanh:3"].stage == f"inventory:gid://shopify/Location/{LOCATION}"
    assert str(LOCATION) in by_key["nhanh:3"].message


async def test_refused_request_is_cut_in_halves(world: PushWorld) -> None:
    """A request that Shopify refuses as such is cut in halves, so that one bad entry cannot end the job."""
    await world.product(1, 1)
    await world.product(2, 2)
    world.vendors.shop.troubles = [refused_whole, refused_whole]
    done = await world.sync_products()
    assert (done.progress.successful, done.progress.failed) == (1, 1)
    assert world.vendors.shop.quantities == {(1001, LOCATION): 0, (1002, LOCATION): 2}


async def test_synced_only_when_every_location_is(world: PushWorld) -> None:
    """One refused location fails the mapping, which names it; the other location keeps what it was given."""
    world.store = replace(
        world.store,
        locations=(LocationMapping(DEPOT, LOCATION), LocationMapping(OTHER_DEPOT, OTHER_LOCATION)),
    )
    mapping = await world.product(1, 5, other_stock=4)
    await world.confirm("quantity", 1001, 99, location=OTHER_LOCATION)

    def change() -> None:
        world.vendors.shop.quantities[1001, OTHER_LOCATION] = len(world.vendors.shop.calls)

    world.vendors.shop.before_write = change
    await world.sync_products()
    row = await world.mapping(mapping)
    assert row.status == MappingStatus.FAILED
    assert str(OTHER_LOCATION) in row.failure_message
    assert world.vendors.shop.quantities[1001, LOCATION] == 5
    assert {(line.location_id, line.outcome) for line in await world.rows(sync_log)} == {
        (LOCATION, "ok"),
        (OTHER_LOCATION, "failed"),
    }


async def test_ids_that_cannot_be_pushed_fail_by_name(world: PushWorld) -> None:
    """An id without a mapping, and a link that waits for a person, fail as items and change nothing."""
    good = await world.product(1, 5)
    waiting = await world.product(2, 5, status="PENDING_APPROVAL")
    job = world.job()
    done = await world.sync_products(good, "nobody", waiting, good, job=job)
    assert (done.progress.total, done.progress.successful, done.progress.failed) == (3, 1, 2)
    assert {(f.item_key, f.code) for f in job.failures} == {
        ("mapping:nobody", "MAPPING_NOT_FOUND"),
        ("nhanh:2", "MAPPING_NOT_PUSHABLE"),
    }
    assert (await world.mapping(waiting)).status == MappingStatus.PENDING_APPROVAL


async def test_selection_by_status(world: PushWorld) -> None:
    """A selection by status takes those alone; another store's mappings are never taken."""
    await world.product(1, 5, status="SYNCED")
    await world.product(2, 6)
    others = await world.product(3, 7, store_id="danang")
    done = await world.sync_products(selection=Selection(statuses=(MappingStatus.PENDING,)))
    assert done.progress.total == 1
    named = world.job()
    await world.sync_products(others, job=named)
    assert [failure.code for failure in named.failures] == ["MAPPING_NOT_FOUND"]
    assert [write[1] for write in world.vendors.shop.writes] == [1002]


@pytest.mark.parametrize(
    ("selection", "code"),
    [
        (Selection(), "EMPTY_SELECTION"),
        (Selection(statuses=(MappingStatus.PENDING_APPROVAL,)), "STATUS_NOT_PUSHABLE"),
    ],
)
async def test_useless_selection_is_refused(world: PushWorld, selection: Selection, code: str) -> None:
    """A selection of nothing, or of what is never pushed, is refused."""
    with pytest.raises(GuardTripped) as refusal:
        await world.sync_products(selection=selection)
    assert refusal.value.code == code


async def test_gone_variant_and_incomplete_mapping_fail(world: PushWorld) -> None:
    """A variant that Shopify no longer has, and a mapping without an inventory item, fail for good without a call."""
    await world.product(1, 5)
    await world.catalog_variant(1, 0, gone_time=1)
    await world.product(2, 5, shopify_inventory_item_id=None)
    job = world.job()
    await world.sync_products(job=job)
    assert {(f.item_key, f.code, f.retryable) for f in job.failures} == {
        ("nhanh:1", "NOT_FOUND", False),
        ("nhanh:2", "MAPPING_INCOMPLETE", False),
    }
    assert world.vendors.shop.calls == []


async def test_dry_run_writes_nothing(world: PushWorld) -> None:
    """A dry run tells what would change, the first 50 of it, and writes neither at Shopify nor in the catalog."""
    await asyncio.gather(*(world.product(number, number) for number in range(1, 61)))
    await world.confirm("quantity", 1001, 1, location=LOCATION)
    before = await world.everything()
    done = await world.sync_products(dry_run=True)
    assert await world.everything() == before
    assert world.vendors.shop.writes == []
    assert (done.progress.successful, done.progress.skipped) == (59, 1)
    assert done.progress.metrics["would_push"] == 59
    changes = done.result["changes"]
    assert isinstance(changes, list)
    assert len(changes) == 50
    assert changes[0] == {
        "mapping_id": "products-00002",
        "nhanh_id": "2",
        "stage": f"inventory:gid://shopify/Location/{LOCATION}",
        "old": None,
        "new": [2],
    }


async def test_outage_ends_the_attempt_retryably(world: PushWorld) -> None:
    """An outage fails no item: the attempt ends, and the next one goes on."""
    mapping = await world.product(1, 5)
    job = world.job()
    world.vendors.shop.troubles = [down]
    with pytest.raises(VendorUnavailable) as failure:
        await world.sync_products(job=job)
    assert failure.value.retryable
    row = await world.mapping(mapping)
    assert (row.status, row.failure_attempts) == ("PENDING", 0)
    assert await world.open_intents() == 0
    done = await world.sync_products(job=world.job(job.job_id, attempt=2))
    assert (done.progress.successful, done.progress.total) == (1, 1)


async def test_nhanh_outage_plans_nothing(world: PushWorld) -> None:
    """While Nhanh is away nothing is written: no stock is not zero stock."""
    await world.product(1, 5, at_shopify=3)
    world.vendors.business.failures = [VendorUnavailable("nhanh", "HTTP_503", "Nhanh is not available")]
    with pytest.raises(VendorUnavailable):
        await world.sync_products()
    assert world.vendors.shop.quantities == {(1001, LOCATION): 3}


async def test_attempts_go_on_where_they_stopped(world: PushWorld) -> None:
    """A later attempt repeats nothing that is done, counts on, and reports earlier failures again."""
    await asyncio.gather(*(world.product(number, number) for number in range(1, 252)))
    world.vendors.shop.refusals = {1001: BUSY}
    first = world.job()
    first.stop, first.stop_after = JobCancelled(), 5
    with pytest.raises(JobCancelled):
        await world.sync_products(job=first)
    assert len(world.vendors.shop.writes) == 249
    second = world.job(first.job_id, attempt=2)
    done = await world.sync_products(job=second)
    assert (done.progress.successful, done.progress.failed, done.progress.total) == (250, 1, 251)
    assert len(world.vendors.shop.writes) == 250
    assert [failure.item_key for failure in second.failures] == ["nhanh:1"]
    assert done.progress.metrics["pushed"] == 250
    calls = len(world.vendors.shop.calls) + len(world.vendors.business.calls)
    assert done.progress.metrics["api_calls"] == calls


async def test_finished_job_only_repeats_its_result(world: PushWorld) -> None:
    """An attempt of a job that is finished calls nobody and gives the same result."""
    await world.product(1, 5)
    await world.product(2, None)
    job = world.job()
    done = await world.sync_products(job=job)
    calls = list(world.vendors.shop.calls)
    again = await world.sync_products(job=world.job(job.job_id, attempt=2))
    assert world.vendors.shop.calls == calls
    assert (again.progress, again.result, again.message) == (done.progress, done.result, done.message)
    assert [failure.item_key for failure in again.failures] == ["nhanh:2"]
    assert [row.outcome for row in await world.rows(push_items)] == ["failed"]


async def test_prices(world: PushWorld) -> None:
    """Prices go product by product: retail to price, a higher old price to compare-at; an unknown price never goes."""
    for number, (retail, old) in enumerate([(100, 150), (200, 150), (None, 5), (0, 9), (300, 0)], start=1):
        await world.product(number, 1, shopify_product_id=3000 + number % 2)
        await world.catalog_product(number, retail, old)
    await world.confirm("price", 2005, 300 * SCALE)
    await world.confirm("compare_at", 2005, None)
    job = world.job()
    done = await world.sync_products(job=job, prices=True)
    prices = {v: (p.price // SCALE, p.compare_at_price) for v, p in world.vendors.shop.prices.items()}
    assert prices == {
        2001: (100, 150 * SCALE),
        2002: (200, None),
        2003: (0, None),
        2004: (0, None),
        2005: (0, None),
    }
    assert [name for name, _ in world.vendors.shop.calls if name.startswith("set_prices")] == [
        "set_prices 3001",
        "set_prices 3000",
    ]
    assert {(f.item_key, f.stage, f.code) for f in job.failures} == {
        (f"nhanh:{n}", stage, "PRICE_UNKNOWN") for n in (3, 4) for stage in ("inventory", "price")
    }
    assert done.progress.successful == 3


async def test_other_failure_outlives_a_push(world: PushWorld) -> None:
    """A mapping whose price failed is not SYNCED by a push of its stock."""
    mapping = await world.product(1, 1)
    await world.catalog_product(1, 100)
    world.vendors.shop.refusals = {2001: BUSY}
    await world.sync_products(prices=True)
    assert (await world.mapping(mapping)).failure_code == BUSY.code
    done = await world.sync_products(repush=True)
    assert done.progress.successful == 1
    assert (await world.mapping(mapping)).status == MappingStatus.FAILED
    world.vendors.shop.refusals = {}
    await world.sync_products(prices=True)
    assert (await world.mapping(mapping)).status == MappingStatus.SYNCED


async def test_gone_item_is_forgotten(world: PushWorld) -> None:
    """A stale item that turns out to be gone fails for good, and nothing of it stays confirmed."""
    mapping = await world.product(1, 5, at_shopify=9)
    await world.confirm("quantity", 1001, 1, location=LOCATION)
    world.vendors.shop.quantities.clear()
    world.vendors.shop.refusals = {1001: STALE}
    await world.sync_products()
    row = await world.mapping(mapping)
    assert (row.failure_code, row.failure_retryable) == ("NOT_FOUND", False)
    assert await world.rows(confirmed_values) == []
    assert (await world.rows(mappings))[0].push_time is None
