"""Stock that a pull has read at Shopify is confirmed stock: what agrees is not written, and what differs is compared first."""

from dataclasses import replace

from sync_worker.adapters.catalog.pulls import SqlPullCatalog
from sync_worker.adapters.catalog.tables import sync_log
from sync_worker.application.ports.job import Fence
from sync_worker.application.ports.pull_catalog import PullScope
from sync_worker.domain.mappings import MappingStatus
from sync_worker.domain.money import SCALE
from sync_worker.domain.operations import Operation
from sync_worker.domain.products import NhanhStock, ShopifyLevel
from sync_worker.domain.pulls import OVERLAP_SECONDS
from sync_worker.domain.requests import PullMode

from tests.fakes.push_vendors import STALE
from tests.fakes.push_world import DEPOT, LOCATION, PushWorld

SCOPE = PullScope(
    "hanoi", Operation.PULL_SHOPIFY_PRODUCTS, "open", True, "pull-1", Fence(1, ("hanoi/shopify/products",)), True
)


async def pulled(world: PushWorld, quantities: dict[int, int]) -> None:
    """Let a pull have read what the location has of these products, a second ago."""
    catalog = SqlPullCatalog(world.database, world.clock)
    scope = replace(SCOPE, job_id=f"pull-{world.clock.now_micros()}")
    place = await catalog.open(scope, PullMode.FULL)
    levels = [ShopifyLevel(1000 + number, LOCATION, 0, pieces) for number, pieces in quantities.items()]
    place = await catalog.store_step(scope, place, (), None, read_time=place.began, levels=levels)
    await catalog.finish(scope, place, max_gone_percent=100)
    world.clock.advance(1)


async def test_what_agrees_is_synced_without_a_call(world: PushWorld) -> None:
    """Although it was never pushed."""
    mapping = await world.product(1, 5, at_shopify=5)
    await pulled(world, {1: 5})
    done = await world.sync_products()
    assert (done.progress.skipped, done.progress.metrics["unchanged"]) == (1, 1)
    assert world.vendors.shop.calls_of("set_quantities") == []
    assert (await world.mapping(mapping)).status == MappingStatus.SYNCED


async def test_what_differs_is_written_over_what_was_read(world: PushWorld) -> None:
    """Never pushed, too; the log tells what was there before."""
    await world.product(1, 5, at_shopify=3)
    await pulled(world, {1: 3})
    assert (await world.sync_products()).progress.successful == 1
    assert world.vendors.shop.quantities[1001, LOCATION] == 5
    (line,) = await world.rows(sync_log)
    assert (line.old_value, line.new_value) == (3, 5)


async def test_what_has_changed_since_is_not_overwritten_blindly(world: PushWorld) -> None:
    """Shopify compares, and the value is read back."""
    await world.product(1, 5, at_shopify=9)
    await pulled(world, {1: 3})
    assert (await world.sync_products()).progress.successful == 1
    (line,) = await world.rows(sync_log)
    assert (line.old_value, line.new_value) == (9, 5)


async def test_what_was_changed_back_at_shopify_is_pushed_again(world: PushWorld) -> None:
    """The pull is the later word; a push after it is later still."""
    await world.product(1, 5, at_shopify=3)
    await world.sync_products()
    world.clock.advance(OVERLAP_SECONDS + 1)
    world.vendors.shop.quantities[1001, LOCATION] = 3
    await pulled(world, {1: 3})
    assert (await world.sync_products()).progress.successful == 1
    assert world.vendors.shop.quantities[1001, LOCATION] == 5
    assert (await world.sync_products()).progress.skipped == 1


async def test_a_quantity_that_was_read_long_ago_is_unknown(world: PushWorld) -> None:
    """As a pushed one is."""
    await world.product(1, 5, at_shopify=5)
    await pulled(world, {1: 5})
    world.clock.advance(world.store.max_confirmed_age_seconds + 1)
    assert (await world.sync_products()).progress.successful == 1


async def test_of_an_item_that_is_gone_nothing_stays_known(world: PushWorld) -> None:
    """Else it would count as synced as soon as Nhanh has what was read of it once."""
    mapping = await world.product(1, 5, at_shopify=9)
    await world.product(2, 7, at_shopify=7)
    await pulled(world, {1: 3, 2: 7})
    world.vendors.shop.quantities.pop((1001, LOCATION))
    world.vendors.shop.refusals = {1001: STALE}
    await world.sync_products()
    assert (await world.mapping(mapping)).failure_code == "NOT_FOUND"
    world.vendors.business.stock[1] = NhanhStock(3 * SCALE, {DEPOT: 3 * SCALE})
    done = await world.sync_products()
    assert (await world.mapping(mapping)).status == MappingStatus.FAILED
    assert (done.progress.failed, done.progress.skipped) == (1, 1)
