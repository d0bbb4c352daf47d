"""Whatever goes wrong on the way: what is called good is right at Shopify, and what failed was not touched."""

import asyncio
import tempfile
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from sync_worker.adapters.catalog.tables import confirmed_values, mappings, sync_log
from sync_worker.application.ports.job import OperationResult
from sync_worker.application.ports.shopify import ItemRefusal
from sync_worker.domain.failures import VendorUnavailable
from sync_worker.domain.mappings import Entity
from sync_worker.domain.stores import LocationMapping

from tests.fakes.postgres import KINDS
from tests.fakes.push_vendors import (
    Killed,
    Trouble,
    down,
    killed_after,
    killed_before,
    lost_after,
    lost_before,
    normal,
    refused_whole,
)
from tests.fakes.push_world import (
    DEPOT,
    LOCATION,
    OTHER_DEPOT,
    OTHER_LOCATION,
    PushWorld,
    mapping_id,
    push_world,
)

NAMED = ItemRefusal("SOMETHING", "Something is wrong.", retryable=True)
SILENT = ItemRefusal("INVALID", "Something is wrong somewhere.", retryable=False)
WRONG = 77
"""What nobody's stock is."""


@dataclass(frozen=True)
class Item:
    """A linked item: what it shall have (None: Nhanh does not know it), has, and was last confirmed to have."""

    wanted: int | None
    other_wanted: int
    at_shopify: int
    confirmed: str
    refusal: str


items = st.builds(
    Item,
    wanted=st.one_of(st.none(), st.integers(0, 5)),
    other_wanted=st.integers(0, 5),
    at_shopify=st.integers(0, 5),
    confirmed=st.sampled_from(["never", "rightly", "wrongly", "long ago"]),
    refusal=st.sampled_from(["", "", "", "named", "silent"]),
)
troubles = st.lists(
    st.sampled_from([normal, lost_after, lost_before, down, killed_after, killed_before, refused_whole]), max_size=6
)

kinds = st.sampled_from(KINDS)


@settings(max_examples=30, deadline=None)
@given(kinds, st.lists(items, min_size=1, max_size=8), troubles, st.sampled_from([30, 1_000]), st.booleans())
def test_stock(kind: str, drawn: list[Item], happening: list[Trouble], pause: int, repush: bool) -> None:
    """Attempts of one job, until it ends: right where ok, untouched where failed, never written twice."""

    async def check(world: PushWorld) -> None:
        world.store = replace(
            world.store,
            locations=(LocationMapping(DEPOT, LOCATION), LocationMapping(OTHER_DEPOT, OTHER_LOCATION)),
        )
        for number, item in enumerate(drawn):
            refuse(world, item, 1000 + number)
        await asyncio.gather(*(stock(world, number, item) for number, item in enumerate(drawn)))
        await until_done(world, happening, products=True, pause=pause, repush=repush)
        confirmed = {(r.owner_id, r.location_id): r.value for r in await world.rows(confirmed_values)}
        written = {(r.mapping_id, r.location_id) for r in await world.rows(sync_log) if r.outcome == "ok"}
        for row in await world.rows(mappings):
            item = drawn[row.nhanh_id]
            for location, wanted in ((LOCATION, item.wanted), (OTHER_LOCATION, item.other_wanted)):
                held = world.vendors.shop.quantities[1000 + row.nhanh_id, location]
                if row.status == "SYNCED":
                    assert held == confirmed[1000 + row.nhanh_id, location] == wanted
                else:
                    assert held == (wanted if (row.mapping_id, location) in written else item.at_shopify)
            assert row.status == "SYNCED" or item.wanted is None or item.refusal or refused_whole in happening
        items_written = Counter(item for _, item, _ in world.vendors.shop.writes)
        assert all(times <= 2 for times in items_written.values()), "an item has two locations"

    asyncio.run(in_a_world(kind, check))


@settings(max_examples=20, deadline=None)
@given(kinds, st.lists(items, min_size=1, max_size=8), troubles)
def test_spend(kind: str, drawn: list[Item], happening: list[Trouble]) -> None:
    """The same for spends: unknown ones are left alone."""

    async def check(world: PushWorld) -> None:
        for number, item in enumerate(drawn):
            refuse(world, item, 4000 + number)
        await asyncio.gather(*(spend(world, number, item) for number, item in enumerate(drawn)))
        await until_done(world, happening, products=False, pause=30, repush=True)
        for number, item in enumerate(drawn):
            row = await world.mapping(mapping_id(Entity.CUSTOMERS, number))
            held = world.vendors.shop.spends[4000 + number]
            if row.status == "SYNCED" and item.wanted is not None:
                assert held == item.wanted * 10_000
            else:
                assert held == item.at_shopify
                assert item.wanted is None or item.refusal or refused_whole in happening

    asyncio.run(in_a_world(kind, check))


async def stock(world: PushWorld, number: int, item: Item) -> None:
    """Link a product and give it stock at both locations."""
    await world.product(number, item.wanted, at_shopify=item.at_shopify, other_stock=item.other_wanted)
    world.vendors.shop.quantities[1000 + number, OTHER_LOCATION] = item.at_shopify
    for location in (LOCATION, OTHER_LOCATION):
        await confirm(world, item, "quantity", 1000 + number, location)


async def spend(world: PushWorld, number: int, item: Item) -> None:
    """Link a customer and give it a spend."""
    await world.customer(number, None if item.wanted is None else item.wanted * 10_000)
    world.vendors.shop.spends[4000 + number] = item.at_shopify
    await confirm(world, item, "total_spent", 4000 + number, 0)


async def confirm(world: PushWorld, item: Item, kind: str, owner: int, location: int) -> None:
    """Let Shopify have confirmed a value."""
    if item.confirmed == "never":
        return
    value = WRONG if item.confirmed == "wrongly" else item.at_shopify
    age = 8 * 24 * 3600 if item.confirmed == "long ago" else 0
    await world.confirm(kind, owner, value, location=location, age=age)


def refuse(world: PushWorld, item: Item, owner: int) -> None:
    """Let Shopify refuse an owner, naming it or not."""
    if item.refusal == "named":
        world.vendors.shop.refusals[owner] = NAMED
    if item.refusal == "silent":
        world.vendors.shop.silent_refusals[owner] = SILENT


async def until_done(
    world: PushWorld, happening: list[Trouble], *, products: bool, pause: int, repush: bool
) -> OperationResult:
    """Run attempts of one job until one ends well; each trouble happens once."""
    world.vendors.shop.troubles = list(happening)
    sync = world.sync_products if products else world.sync_customers
    for attempt in range(1, len(happening) + 2):
        try:
            done = await sync(job=world.job("the-job", attempt=attempt), repush=repush)
        except (Killed, VendorUnavailable):
            world.clock.advance(pause)
            continue
        assert done.progress.processed == done.progress.total
        assert await world.open_intents() == 0
        return done
    raise AssertionError("the job does not end")


async def in_a_world(kind: str, check: Callable[[PushWorld], Awaitable[None]]) -> None:
    """Run a check in a world of its own."""
    with tempfile.TemporaryDirectory() as folder:
        async with push_world(Path(folder), kind) as world:
            await check(world)
