"""Customers in windows of time: nothing is lost, whatever changes and breaks meanwhile."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from typing import cast

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sync_worker.application.ports.nhanh import Nhanh
from sync_worker.application.pull import time_windows
from sync_worker.application.pull.sources import PlaceUseless, Step
from sync_worker.application.pull.windows import LOOK_PAGES, WindowedSource, is_window_place
from sync_worker.domain.customers import NhanhCustomer
from sync_worker.domain.failures import VendorRefusal, VendorUnavailable
from sync_worker.domain.pulls import OVERLAP_SECONDS
from sync_worker.domain.requests import NhanhCustomerFilter

from tests.fakes.changing_customers import ChangingCustomers
from tests.fakes.clock import ManualClock
from tests.fakes.mirrored import a_nhanh_customer
from tests.fakes.mirrored_customers import MirroredInMemory

DAY = 86_400


@dataclass
class World:
    """Customers, a catalog, and attempts to pull the one into the other."""

    nhanh: ChangingCustomers
    mirror: MirroredInMemory = field(default_factory=MirroredInMemory)
    clock: ManualClock = field(default_factory=ManualClock)

    @property
    def now(self) -> int:
        """Unix seconds."""
        return self.clock.now_micros() // 1_000_000

    async def attempt(self, *, steps: int = 1_000_000) -> list[Step]:
        """Pull until the end, or until so many steps are stored; what is under way then is lost, as by a crash."""
        source = WindowedSource(cast("Nhanh", self.nhanh), NhanhCustomerFilter(), self.mirror, self.clock)
        stored: list[Step] = []
        going = source.steps(self.mirror.place)
        try:
            async for step in going:
                if len(stored) == steps:
                    break
                self.mirror.store(step)
                stored.append(step)
        finally:
            await going.aclose()
        return stored


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Windows of a few pages, so that small lists show what long ones do."""
    monkeypatch.setattr(time_windows, "FEWEST_PAGES", 3)
    monkeypatch.setattr(time_windows, "PIECES", 4)
    monkeypatch.setattr(time_windows, "TOO_LARGE", 2)


def a_world(times: Sequence[int | None], *, page_size: int = 1) -> World:
    """A world with a customer for each time."""
    world = World(ChangingCustomers(page_size))
    for one, time in enumerate(times, 1):
        world.nhanh.put(one, time)
    return world


def spread(count: int, world_now: int) -> list[int]:
    """Times over the last years."""
    rng = Random(7)
    return [world_now - OVERLAP_SECONDS - 1 - rng.randint(0, 900 * DAY) for _ in range(count)]


NOW = ManualClock().now_micros() // 1_000_000


async def test_all_customers_come_through_several_cursors_at_once() -> None:
    """Every customer is stored, four lists are read at a time, and the last list is of what changed meanwhile."""
    world = a_world(spread(300, NOW))
    world.nhanh.turns = lambda: 3
    await world.attempt()
    assert world.mirror.ended
    assert world.mirror.seen == set(world.nhanh.customers)
    assert world.nhanh.most_under_way == time_windows.CURSORS
    assert world.nhanh.asked[0] == NhanhCustomerFilter()
    assert world.nhanh.asked[-1] == NhanhCustomerFilter(updated_since=NOW - OVERLAP_SECONDS)
    assert not world.nhanh.asked_ids


@pytest.mark.parametrize("customers", [0, 1, LOOK_PAGES - 1])
async def test_a_short_list_is_read_as_it_is(customers: int) -> None:
    """An empty shop costs one call, and one of a few pages no window."""
    world = a_world(spread(customers, NOW))
    await world.attempt()
    assert world.mirror.ended
    assert len(world.mirror.seen) == customers
    assert len(world.nhanh.asked) == customers + 1
    assert set(world.nhanh.asked) == {NhanhCustomerFilter()}


BOUNDS = pytest.mark.parametrize(
    ("from_belongs", "to_belongs"),
    [(True, True), (False, False), (True, False), (False, True)],
    ids=["both belong", "none belongs", "the first belongs", "the last belongs"],
)
"""Whether Nhanh counts a filter's bounds in: its documentation does not say."""


@BOUNDS
async def test_customers_on_the_edges_of_windows_come(from_belongs: bool, to_belongs: bool) -> None:
    """A customer in every second: whatever the windows' edges are, somebody was changed there."""
    world = a_world(range(NOW - OVERLAP_SECONDS - 200, NOW - OVERLAP_SECONDS + 50), page_size=2)
    world.nhanh.from_belongs, world.nhanh.to_belongs = from_belongs, to_belongs
    await world.attempt()
    assert world.mirror.seen == set(world.nhanh.customers)


@pytest.mark.parametrize("belong", [True, False])
async def test_one_second_of_a_mass_import_is_read_by_one_cursor(belong: bool) -> None:
    """Customers that were all changed in one second cannot be split, and all come, once; windows beside it do not read it too."""
    world = a_world([*[NOW - 30 * DAY] * 200, *spread(40, NOW)])
    world.nhanh.from_belongs = world.nhanh.to_belongs = belong
    await world.attempt()
    assert world.mirror.seen == set(world.nhanh.customers)
    assert len(world.nhanh.asked) < 240 * 1.25


@BOUNDS
async def test_a_mass_import_is_no_end_of_cutting_where_bounds_are_not_known(
    from_belongs: bool, to_belongs: bool
) -> None:
    """Nothing is learnt of bounds, so a window beside the one second may show all of it: that makes the window no larger."""
    world = a_world([*[NOW - 30 * DAY] * 200, *spread(40, NOW)])
    world.nhanh.from_belongs, world.nhanh.to_belongs = from_belongs, to_belongs

    def refuse_one_second(wanted: NhanhCustomerFilter) -> None:
        if wanted.updated_since is not None and wanted.updated_since == wanted.updated_until:
            raise VendorRefusal("nhanh", "ERR_INVALID_FORM_FIELDS", "updatedAtTo")

    world.nhanh.between = refuse_one_second
    await world.attempt()
    assert world.mirror.seen == set(world.nhanh.customers)
    assert len(world.nhanh.asked) < 3 * 240


@pytest.mark.parametrize("belong", [True, False])
async def test_what_bounds_mean_is_asked_behind_the_look_and_kept(belong: bool) -> None:
    """It is part of the place: windows go on as they were begun, whatever breaks."""
    world = a_world(spread(100, NOW))
    world.nhanh.from_belongs = world.nhanh.to_belongs = belong
    await world.attempt(steps=LOOK_PAGES + 1)
    for _ in range(20):
        await world.attempt(steps=1)
        assert world.mirror.place is not None
        assert orjson.loads(world.mirror.place)["bounds_belong"] == belong
    second = world.nhanh.asked[LOOK_PAGES].updated_since
    assert second in {row.updated_at for row in world.nhanh.customers.values()}
    for_it = NhanhCustomerFilter(updated_since=second, updated_until=second)
    assert [place for place, wanted in enumerate(world.nhanh.asked) if wanted == for_it] == [LOOK_PAGES]


async def test_a_customer_that_moves_out_of_an_unread_window_comes_with_the_catch_up() -> None:
    """One that was changed before its window was read is in no window, and is stored as it is then."""
    world = a_world(spread(100, NOW))
    moved: list[int] = []

    def change(wanted: NhanhCustomerFilter) -> None:
        if not moved and wanted.updated_until is not None:
            moved.extend(one for one in world.nhanh.customers if one > 50)
            for one in moved:
                world.nhanh.put(one, NOW + 5)

    world.nhanh.between = change
    await world.attempt()
    assert moved
    assert world.mirror.seen == set(world.nhanh.customers)
    assert world.mirror.rows == world.nhanh.customers


async def test_customers_without_a_time_among_the_first_have_the_list_read_as_a_whole() -> None:
    """Where windows might hide somebody there are none."""
    world = a_world([*spread(20, NOW), None, 0, None])
    world.nhanh.put(2, None)
    await world.attempt()
    assert world.mirror.seen == set(world.nhanh.customers)
    assert set(world.nhanh.asked) == {NhanhCustomerFilter()}
    assert len(world.nhanh.asked) == len(world.nhanh.customers) + 1


@pytest.mark.parametrize("undated", [None, 0])
async def test_customers_without_a_time_in_the_mirror_have_the_list_read_as_a_whole(undated: int | None) -> None:
    """What an earlier pull has found decides from the first call on, and finds those that came since."""
    world = a_world([*spread(20, NOW), undated, None])
    world.mirror.rows[21] = world.nhanh.customers[21]
    await world.attempt()
    assert world.mirror.seen == set(world.nhanh.customers)
    assert set(world.nhanh.asked) == {NhanhCustomerFilter()}


async def test_a_shops_first_pull_reads_the_list_as_a_whole() -> None:
    """Nobody knows yet of customers without a time: they may stand behind all pages that a look would show."""
    world = a_world([*spread(40, NOW), None, None])
    world.mirror.read_before = False
    await world.attempt(steps=20)
    await world.attempt()
    assert world.mirror.seen == set(world.nhanh.customers)
    assert set(world.nhanh.asked) == {NhanhCustomerFilter()}


async def test_how_a_list_was_read_is_said() -> None:
    """Whoever looks at the job sees whether there were windows."""
    for read_before, way in ((True, "in windows of time, 4 cursors at once"), (False, "page by page")):
        world = a_world(spread(40, NOW))
        world.mirror.read_before = read_before
        source = WindowedSource(cast("Nhanh", world.nhanh), NhanhCustomerFilter(), world.mirror, world.clock)
        async for step in source.steps(None):
            world.mirror.store(step)
        assert source.way == way


async def test_a_customer_that_lost_its_time_is_asked_for_by_id_and_the_rest_is_read_again() -> None:
    """What no window shows and Nhanh still knows is proof that windows hide customers, new ones too."""
    world = a_world([*spread(30, NOW), None, None])
    world.mirror.rows[31] = world.nhanh.customers[30]
    world.mirror.rows[99] = world.nhanh.customers[30]
    await world.attempt()
    assert world.nhanh.asked_ids == [[31, 99]]
    assert world.mirror.seen == set(world.nhanh.customers)
    assert world.nhanh.asked[-1] == NhanhCustomerFilter()


async def test_unseen_customers_are_asked_for_a_hundred_at_a_time() -> None:
    """Those that Nhanh no longer knows stay unseen, and each is asked for once."""
    world = a_world(spread(30, NOW))
    for one in range(1_000, 1_250):
        world.mirror.rows[one] = world.nhanh.customers[1]
    await world.attempt()
    assert [len(asked) for asked in world.nhanh.asked_ids] == [100, 100, 50]
    assert world.mirror.ended
    assert world.mirror.seen == set(world.nhanh.customers)


async def test_one_cursors_failure_ends_the_attempt_and_the_next_goes_on() -> None:
    """What the others brought stays, and the next attempt repeats no more than what was under way."""
    world = a_world(spread(120, NOW))
    broken = VendorUnavailable("Nhanh", "TIMEOUT", "silent")
    calls = 0

    def breaking(_wanted: NhanhCustomerFilter) -> None:
        nonlocal calls
        calls += 1
        if calls == 60:
            raise broken

    world.nhanh.between = breaking
    with pytest.raises(VendorUnavailable):
        await world.attempt()
    assert world.mirror.steps >= 60 - time_windows.CURSORS
    assert world.nhanh.under_way == 0
    before = world.mirror.steps
    world.nhanh.asked.clear()
    await world.attempt()
    assert world.mirror.ended
    assert world.mirror.seen == set(world.nhanh.customers)
    assert len(world.nhanh.asked) == world.mirror.steps - before - 1


async def test_a_place_that_nhanh_refuses_is_useless() -> None:
    """Its cursors are Nhanh's own; a refusal behind a page that came is of something else."""
    world = a_world(spread(120, NOW))
    await world.attempt(steps=30)

    def refusing(_wanted: NhanhCustomerFilter) -> None:
        raise VendorRefusal("nhanh", "ERR_INVALID_FORM_FIELDS", "paginator.next is not a cursor")

    world.nhanh.between = refusing
    with pytest.raises(PlaceUseless) as useless:
        await world.attempt()
    assert (useless.value.failure.code, useless.value.failure.retryable) == ("ERR_INVALID_FORM_FIELDS", True)
    world.nhanh.between = lambda _wanted: None
    await world.attempt(steps=1)
    asked = len(world.nhanh.asked)

    def refusing_later(wanted: NhanhCustomerFilter) -> None:
        if len(world.nhanh.asked) > asked + 2 * time_windows.CURSORS:
            refusing(wanted)

    world.nhanh.between = refusing_later
    with pytest.raises(VendorRefusal):
        await world.attempt()


async def test_no_more_pages_are_held_than_there_are_cursors() -> None:
    """While a step is worked on, nothing but one page a cursor is fetched, however long it takes."""
    world = a_world(spread(100, NOW))
    source = WindowedSource(cast("Nhanh", world.nhanh), NhanhCustomerFilter(), world.mirror, world.clock)
    going = source.steps(None)
    yielded = 0
    async for step in going:
        world.mirror.store(step)
        yielded += 1
        for _ in range(20):
            await asyncio.sleep(0)
        assert len(world.nhanh.asked) <= yielded + time_windows.CURSORS
    await going.aclose()


async def test_a_vendors_cursor_is_no_place_of_windows() -> None:
    """Each way of reading knows its own places."""
    world = a_world(spread(40, NOW))
    await world.attempt(steps=10)
    assert world.mirror.place is not None
    assert is_window_place(world.mirror.place)
    for cursor in ('{"id":7}', "[1742545330,6478]", '"92220"', "7", "no json"):
        assert not is_window_place(cursor)


@pytest.mark.parametrize("place", ['{"phase":"resting"}', '{"phase":"windows","plan":{},"after":0}'])
async def test_a_place_of_another_release_is_useless(place: str) -> None:
    """What this release cannot read says where nothing is: the pull begins anew."""
    world = a_world(spread(40, NOW))
    world.mirror.place = place
    with pytest.raises(PlaceUseless) as useless:
        await world.attempt()
    assert useless.value.failure.code == "PULL_PLACE_UNREADABLE"


@BOUNDS
@settings(max_examples=80, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    customers=st.integers(0, 150),
    page_size=st.integers(1, 4),
    busy=st.floats(0, 0.6),
    crashes=st.lists(st.integers(0, 40), max_size=6),
    clustered=st.booleans(),
    clocks_differ=st.integers(-OVERLAP_SECONDS + 1, OVERLAP_SECONDS),
)
async def test_nothing_is_lost_whatever_changes_and_breaks(
    from_belongs: bool,
    to_belongs: bool,
    seed: int,
    customers: int,
    page_size: int,
    busy: float,
    crashes: list[int],
    clustered: bool,
    clocks_differ: int,
) -> None:
    """Who was there from beginning to end is stored, no older than at the catch-up's beginning; who is not, is unseen."""
    rng = Random(seed)
    centre = NOW - rng.randint(1, 2_000) * DAY
    times = [
        centre + rng.randint(0, 50) if clustered and rng.random() < 0.7 else NOW - rng.randint(0, 2_000 * DAY)
        for _ in range(customers)
    ]
    world = a_world(times, page_size=page_size)
    world.nhanh.from_belongs, world.nhanh.to_belongs = from_belongs, to_belongs
    world.nhanh.turns = lambda: rng.randint(0, 5)
    ids = sorted(world.nhanh.customers)
    for one in rng.sample(ids, len(ids) // 3):
        world.mirror.rows[one] = world.nhanh.customers[one]
    gone = set(range(10_000, 10_000 + rng.randint(0, 5)))
    for one in gone:
        world.mirror.rows[one] = a_nhanh_customer(one)
    caught_up: dict[int, NhanhCustomer] = {}

    edits = 200  # with more than a page of new customers a call no list would ever end

    def people_at_work(wanted: NhanhCustomerFilter) -> None:
        nonlocal edits
        if wanted.updated_until is None and wanted.updated_since is not None and not caught_up:
            caught_up.update(world.nhanh.customers)
        world.clock.advance(rng.choice((0.1, 1.0, 60.0)))
        while edits and rng.random() < busy:
            edits -= 1
            one = rng.choice(ids) if ids and rng.random() < 0.8 else max(world.nhanh.customers, default=0) + 1
            if one in world.nhanh.customers and rng.random() < 0.1:
                del world.nhanh.customers[one]
            elif one in world.nhanh.customers or one not in ids:
                world.nhanh.put(one, world.now + clocks_differ)

    world.nhanh.between = people_at_work
    for steps in crashes:
        if not world.mirror.ended:
            await world.attempt(steps=steps)
    if not world.mirror.ended:
        await world.attempt()
    throughout = set(ids) & set(world.nhanh.customers)
    assert throughout <= world.mirror.seen
    assert not gone & world.mirror.seen
    for one in throughout & set(caught_up):
        assert (world.mirror.rows[one].points or 0) >= (caught_up[one].points or 0)
