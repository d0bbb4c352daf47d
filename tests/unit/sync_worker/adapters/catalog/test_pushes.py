"""`SqlPushCatalog`: fences, intents and confirmed values."""

from collections.abc import Awaitable, Callable

import pytest
from chassis.database import Database
from sync_worker.adapters.catalog.tables import confirmed_values
from sync_worker.application.ports.job import Fence
from sync_worker.application.ports.push_catalog import (
    ConfirmedValue,
    DoneItem,
    Intent,
    IntentOutcome,
    ItemOutcome,
    PushScope,
    Settlement,
)
from sync_worker.application.ports.shopify import ItemRefusal
from sync_worker.domain.failures import CatalogUnavailable, LeaseLost
from sync_worker.domain.mappings import Entity, MappingStatus
from sync_worker.domain.push_plan import Confirmed, Entry, Lane, ValueKind
from sync_worker.domain.requests import Selection

from tests.fakes.push_world import LOCATION, PushWorld

KEY = "hanoi/push/products"
STALE, LATER = Fence(5, (KEY,)), Fence(6, (KEY,))
ENTRY = Entry(Lane.PRICE, "m", 1, 2, 0, 3, (5, None), (4, 9), fresh=True)
INTENT = Intent("intent", Lane.PRICE, "key", (ENTRY,), "job", 7)


@pytest.fixture
def world(database: Database) -> PushWorld:
    """A store without links."""
    return PushWorld(database)


def scope(fence: Fence = LATER, job_id: str = "job") -> PushScope:
    """A push of the store's products."""
    return PushScope("hanoi", Entity.PRODUCTS, job_id, fence)


@pytest.mark.parametrize(
    "write",
    [
        lambda world, fence: world.catalog.store_intent(scope(fence), INTENT),
        lambda world, fence: world.catalog.settle(
            scope(fence),
            Settlement(
                confirmed=[ConfirmedValue(ValueKind.QUANTITY, 1, LOCATION, 3, 1)],
                items=[DoneItem("products-00001", ItemOutcome.OK, frozenset({Lane.INVENTORY}), pushed=True)],
            ),
        ),
        lambda world, fence: world.catalog.finish("job", fence, {}, {}),
    ],
    ids=["store_intent", "settle", "finish"],
)
async def test_stale_fence_is_refused(world: PushWorld, write: Callable[[PushWorld, Fence], Awaitable[None]]) -> None:
    """Once a later attempt has written, every write of an earlier one is refused and stores nothing."""
    await world.product(1, 5)
    await world.catalog.settle(scope(LATER, "later"), Settlement())
    before = await world.everything()
    with pytest.raises(LeaseLost):
        await write(world, STALE)
    assert await world.everything() == before
    assert await world.catalog.load("job") is None
    await write(world, LATER)


async def test_intents_survive(world: PushWorld) -> None:
    """An intent is read as it was stored, by any job, until it is settled; other stores and entities have their own."""
    await world.catalog.store_intent(scope(), INTENT)
    assert await world.catalog.open_intents("hanoi", Entity.PRODUCTS) == [INTENT]
    assert await world.catalog.open_intents("hanoi", Entity.CUSTOMERS) == []
    assert await world.catalog.open_intents("danang", Entity.PRODUCTS) == []
    await world.catalog.settle(scope(), Settlement(intent=("intent", IntentOutcome.APPLIED)))
    assert await world.catalog.open_intents("hanoi", Entity.PRODUCTS) == []


async def test_later_confirmation_wins(world: PushWorld) -> None:
    """Of two confirmations the later one stays, whichever is stored last."""
    for value, time in ((1, 10), (2, 30), (3, 20)):
        confirmed = [ConfirmedValue(ValueKind.QUANTITY, 1, LOCATION, value, time)]
        await world.catalog.settle(scope(), Settlement(confirmed=confirmed))
    found = await world.catalog.confirmed("hanoi", Lane.INVENTORY, [1])
    assert found == {(1, LOCATION): Confirmed((2,), 30)}


async def test_half_confirmed_is_not_confirmed(world: PushWorld) -> None:
    """A price is confirmed only together with its compare-at price, and as old as the older of the two."""
    await world.confirm("price", 1, 100, age=5)
    assert await world.catalog.confirmed("hanoi", Lane.PRICE, [1]) == {}
    await world.confirm("compare_at", 1, None, age=9)
    found = await world.catalog.confirmed("hanoi", Lane.PRICE, [1])
    assert found == {(1, 0): Confirmed((100, None), world.clock.now_micros() - 9_000_000)}


async def test_gone_owners_are_forgotten(world: PushWorld) -> None:
    """Nothing stays confirmed of an owner that is gone, at any location; others are not touched."""
    await world.confirm("quantity", 1, 5, location=LOCATION)
    await world.confirm("quantity", 1, 5, location=99)
    await world.confirm("quantity", 2, 5, location=LOCATION)
    await world.catalog.settle(scope(), Settlement(forgotten=[(Lane.INVENTORY, 1)]))
    assert [row.owner_id for row in await world.rows(confirmed_values)] == [2]


async def test_selection_pages(world: PushWorld) -> None:
    """Pages of a selection hold each mapping once, without those that the job is done with."""
    for number in range(1, 8):
        await world.product(number, 1)
    done = DoneItem("products-00003", ItemOutcome.OK, frozenset({Lane.INVENTORY}))
    await world.catalog.settle(scope(), Settlement(items=[done]))
    selections = (
        Selection(statuses=(MappingStatus.PENDING, MappingStatus.SYNCED)),
        Selection(mapping_ids=tuple(f"products-{n:05}" for n in range(1, 8))),
    )
    for selection in selections:
        assert await world.catalog.count_selected(scope(), selection) == 6
        seen: list[int] = []
        place: str | None = None
        while True:
            chunk = await world.catalog.selected(scope(), selection, place, 3)
            seen.extend(row.nhanh_id for row in chunk.rows)
            place = chunk.next_place
            if place is None:
                break
        assert seen == [1, 2, 4, 5, 6, 7]


async def test_closed_database(world: PushWorld) -> None:
    """A catalog that cannot be reached ends the attempt retryably."""
    await world.database.close()
    with pytest.raises(CatalogUnavailable) as failure:
        await world.catalog.load("job")
    assert failure.value.retryable


async def test_words_that_postgresql_does_not_take(world: PushWorld) -> None:
    """A NUL in what Shopify says is stored as a reader would show it, and the other items are none the worse."""
    mapping = await world.product(1, 5, at_shopify=9)
    other = await world.product(2, 5, at_shopify=9)
    world.vendors.shop.refusals[1001] = ItemRefusal("BAD\x00", "It\x00is bad.", retryable=False)
    done = await world.sync_products()
    row = await world.mapping(mapping)
    assert row.failure_code == "BAD\ufffd"
    assert row.failure_message.endswith("It\ufffdis bad.")
    assert (await world.mapping(other)).status == MappingStatus.SYNCED
    assert (done.progress.failed, done.progress.successful) == (1, 1)
