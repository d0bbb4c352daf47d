"""What is known of Shopify's stock: from pulls that read whole lists of levels, and from pushes; the later word counts."""

from dataclasses import replace
from itertools import count

import pytest
from chassis.database import Database
from sqlalchemy import Connection, Table, func, insert, select
from sync_worker.adapters.catalog import parts as parts_of_rows
from sync_worker.adapters.catalog.listings import SqlCatalogReader
from sync_worker.adapters.catalog.pulls import SqlPullCatalog
from sync_worker.adapters.catalog.pulls_levels import levels_without_rows
from sync_worker.adapters.catalog.pushes import SqlPushCatalog
from sync_worker.adapters.catalog.tables import confirmed_values, pull_levels, pull_seen
from sync_worker.application.ports.job import Fence
from sync_worker.application.ports.pages import RowRefusal
from sync_worker.application.ports.pull_catalog import PullPlace, PullScope
from sync_worker.application.ports.push_catalog import PushScope, Settlement
from sync_worker.domain.failures import OperationFailure
from sync_worker.domain.mappings import Entity
from sync_worker.domain.operations import Operation
from sync_worker.domain.products import ShopifyLevel, ShopifyVariant
from sync_worker.domain.pulls import OVERLAP_SECONDS, LevelCounts
from sync_worker.domain.push_plan import Confirmed, Lane
from sync_worker.domain.requests import PullMode

from tests.fakes.clock import ManualClock
from tests.fakes.counted_writes import CountedWrites
from tests.fakes.mirrored import a_variant

ALL = PullScope(
    "hanoi", Operation.PULL_SHOPIFY_PRODUCTS, "open", True, "job-0", Fence(1, ("hanoi/shopify/products",)), True
)
WITHOUT = replace(ALL, reads_levels=False)
ITEM, OTHER, HERE, THERE = 500, 600, 7, 8
VARIANTS = (a_variant(5), a_variant(6))


def level(available: int | None, location: int = HERE, variant: int = 5) -> ShopifyLevel:
    """What a location has of the variant's item."""
    return ShopifyLevel(variant * 100, location, variant, available)


class Stock:
    """A catalog whose clock stands still unless a test moves it."""

    def __init__(self, database: Database) -> None:
        self.writes = CountedWrites(database, pull_levels)
        self.clock = ManualClock()
        self.pulls = SqlPullCatalog(self.writes, self.clock)
        self.pushes = SqlPushCatalog(database, self.clock)
        self._jobs = count(1)

    async def begin(self, scope: PullScope = ALL, mode: PullMode = PullMode.FULL) -> tuple[PullScope, PullPlace]:
        """Begin a pull of a job of its own, well after whatever was before."""
        self.clock.advance(1_000)
        scope = replace(scope, job_id=f"job-{next(self._jobs)}")
        return scope, await self.pulls.open(scope, mode)

    async def read(
        self,
        begun: tuple[PullScope, PullPlace],
        *levels: ShopifyLevel,
        variants: tuple[ShopifyVariant, ...] = VARIANTS,
        refused: tuple[int, ...] = (),
        cursor: str | None = None,
    ) -> tuple[PullScope, PullPlace]:
        """Store a step."""
        scope, place = begun
        refusals = [RowRefusal(one, "cannot be read") for one in refused]
        ready = await self.pulls.prepare(scope, variants)
        place = await self.pulls.store_step(
            scope, place, ready, cursor, read_time=place.began, refused=refusals, levels=levels
        )
        return scope, place

    async def end(self, begun: tuple[PullScope, PullPlace]) -> int:
        """Finish a pull; as of when its levels count."""
        scope, place = begun
        await self.pulls.finish(scope, place, max_gone_percent=100)
        return place.began - OVERLAP_SECONDS * 1_000_000

    async def pull(self, *levels: ShopifyLevel, scope: PullScope = ALL) -> int:
        """Pull everything; as of when its levels count."""
        return await self.end(await self.read(await self.begin(scope), *levels))

    async def pushed(self, pieces: int, location: int = HERE) -> int:
        """Note what Shopify confirmed to a push, a second after whatever was before; when."""
        self.clock.advance(1)
        now = self.clock.now_micros()
        row = {"store_id": "hanoi", "kind": "quantity", "owner_id": ITEM, "location_id": location}

        def unit(connection: Connection) -> None:
            connection.execute(confirmed_values.delete().where(confirmed_values.c.location_id == location))
            connection.execute(insert(confirmed_values).values(**row, value=pieces, confirm_time=now))

        await self.writes.write(unit)
        return now

    async def known(self, *items: int, store: str = "hanoi") -> dict[tuple[int, int], Confirmed]:
        """Read what is known of items, ours unless others are named."""
        return dict(await self.pushes.confirmed(store, Lane.INVENTORY, items or (ITEM,)))

    async def kept(self, table: Table = pull_levels) -> int:
        """How many levels are stored, of whatever pull."""
        statement = select(func.count()).select_from(table)
        return await self.writes.read(lambda connection: connection.scalar(statement) or 0)


@pytest.fixture
def stock(database: Database) -> Stock:
    """An empty catalog."""
    return Stock(database)


async def test_what_a_pull_has_read_is_known_as_of_its_beginning(stock: Stock) -> None:
    """Of each item at each of its locations, and of nobody else's."""
    assert await stock.known() == {}
    as_of = await stock.pull(level(3), level(0, THERE), level(9, variant=6))
    assert await stock.known() == {(ITEM, HERE): Confirmed((3,), as_of), (ITEM, THERE): Confirmed((0,), as_of)}
    assert await stock.known(OTHER, 12_345) == {(OTHER, HERE): Confirmed((9,), as_of)}
    assert await stock.known(store="danang") == {}


async def test_the_later_word_counts(stock: Stock) -> None:
    """A push behind the beginning of a pull has the last word, and a pull behind a push."""
    as_of = await stock.pull(level(3), level(4, THERE))
    when = await stock.pushed(8)
    assert await stock.known() == {(ITEM, HERE): Confirmed((8,), when), (ITEM, THERE): Confirmed((4,), as_of)}
    as_of = await stock.pull(level(8), level(5, THERE))
    assert await stock.known() == {(ITEM, HERE): Confirmed((8,), as_of), (ITEM, THERE): Confirmed((5,), as_of)}


@pytest.mark.parametrize(("seconds", "known"), [(OVERLAP_SECONDS - 1, 8), (OVERLAP_SECONDS + 1, 3)])
async def test_a_push_shortly_before_a_pull_stays(stock: Stock, seconds: int, known: int) -> None:
    """What it wrote may not have been told of yet, and another worker's clock may differ."""
    await stock.pushed(8)
    stock.clock.advance(seconds)
    await stock.end(await stock.read((ALL, await stock.pulls.open(ALL, PullMode.FULL)), level(3)))
    assert (await stock.known())[ITEM, HERE].values == (known,)


async def test_a_push_during_a_pull_stays(stock: Stock) -> None:
    """Its level may have been gathered before."""
    begun = await stock.begin()
    when = await stock.pushed(8)
    await stock.end(await stock.read(begun, level(3)))
    assert await stock.known() == {(ITEM, HERE): Confirmed((8,), when)}


async def test_where_a_pull_was_told_of_no_level_nothing_is_known(stock: Stock) -> None:
    """Neither what an earlier pull has read, nor what an earlier push has written."""
    await stock.pull(level(3))
    await stock.pushed(8, THERE)
    as_of = await stock.pull(level(9, variant=6))
    assert await stock.known(ITEM, OTHER) == {(OTHER, HERE): Confirmed((9,), as_of)}


@pytest.mark.parametrize("given_up", [False, True])
async def test_an_unfinished_pull_confirms_nothing(stock: Stock, given_up: bool) -> None:
    """What was known before stays, and what a useless pull has gathered is cleared away."""
    as_of = await stock.pull(level(3))
    scope, place = await stock.read(await stock.begin(), level(4), level(5, THERE), cursor="1")
    if given_up:
        await stock.pulls.give_up(scope, place)
    assert await stock.known() == {(ITEM, HERE): Confirmed((3,), as_of)}
    assert await stock.kept() == (1 if given_up else 3)


async def test_levels_of_several_steps_are_one_list(stock: Stock) -> None:
    """One that is told twice counts once; they need not come with their rows; an attempt that goes on has them."""
    scope, place = await stock.read(await stock.begin(), level(3), level(9, variant=6), variants=(), cursor="1")
    assert place.levels == LevelCounts(2)
    again = await stock.pulls.open(scope, PullMode.FULL)
    assert again.levels == LevelCounts(2)
    scope, place = await stock.read((scope, again), level(3), level(None, THERE), level(None, THERE))
    assert place.levels == LevelCounts(3, 1)
    as_of = await stock.end((scope, place))
    assert await stock.known() == {(ITEM, HERE): Confirmed((3,), as_of)}


async def test_an_unreadable_level_is_not_known(stock: Stock) -> None:
    """Not even as what it was."""
    await stock.pull(level(3))
    await stock.pull(level(None))
    assert await stock.known() == {}


@pytest.mark.parametrize(("under_the_other", "known"), [(3, 3), (4, None), (None, None)])
async def test_an_item_of_two_variants_is_known_where_both_say_the_same(
    stock: Stock, under_the_other: int | None, known: int | None
) -> None:
    """Shopify lists its levels under each of them."""
    begun = await stock.begin()
    sharing = ShopifyLevel(ITEM, HERE, 6, under_the_other)
    variants = (a_variant(5), a_variant(6, inventory_item_id=ITEM))
    scope, place = await stock.read(begun, level(3), sharing, variants=variants)
    assert place.levels == LevelCounts(2, int(under_the_other is None))
    as_of = await stock.end((scope, place))
    assert await stock.known() == ({} if known is None else {(ITEM, HERE): Confirmed((known,), as_of)})


async def test_nothing_is_known_of_an_item_that_is_gone(stock: Stock) -> None:
    """Or a push that wants what it once had would say that all is well. Other items and other stores keep what they have."""
    other = replace(ALL, store_id="danang", fence=Fence(1, ("danang/shopify/products",)))
    for scope in (other, ALL):
        as_of = await stock.pull(level(3), level(4, THERE), level(9, variant=6), scope=scope)
    under_way = await stock.read(await stock.begin(), level(3), level(9, variant=6), cursor="1")
    pushing = PushScope("hanoi", Entity.PRODUCTS, "push", Fence(1, ("hanoi/push/products",)))
    await stock.pushes.settle(pushing, Settlement(forgotten=[(Lane.INVENTORY, ITEM), (Lane.PRICE, OTHER)]))
    assert await stock.known(ITEM, OTHER) == {(OTHER, HERE): Confirmed((9,), as_of)}
    assert len(await stock.known(ITEM, store="danang")) == 2
    as_of = await stock.end(await stock.read(under_way))
    assert await stock.known(ITEM, OTHER) == {(OTHER, HERE): Confirmed((9,), as_of)}


async def test_the_last_of_several_lists_counts(stock: Stock) -> None:
    """The list without a filter may have had another name in an earlier release: then both have been read."""
    for name, pieces in (("open", 3), ("as it was", 5), ("open", 4)):
        as_of = await stock.pull(level(pieces), scope=replace(ALL, filter_hash=name))
        assert await stock.known() == {(ITEM, HERE): Confirmed((pieces,), as_of)}


@pytest.mark.parametrize("mode", [PullMode.FULL, PullMode.INCREMENTAL])
async def test_a_pull_that_reads_no_levels_leaves_what_is_known(stock: Stock, mode: PullMode) -> None:
    """By pages, and where only changes are read, which tell nothing of stock."""
    as_of = await stock.pull(level(3))
    begun = await stock.begin(WITHOUT if mode is PullMode.FULL else ALL, mode)
    assert begun[1].levels is None
    await stock.end(await stock.read(begun))
    assert await stock.known() == {(ITEM, HERE): Confirmed((3,), as_of)}


@pytest.mark.parametrize(("scope", "counts"), [(ALL, LevelCounts()), (WITHOUT, None)])
async def test_a_pull_goes_on_as_it_has_begun(stock: Stock, scope: PullScope, counts: LevelCounts | None) -> None:
    """Whether or not it would read levels if it began now."""
    begun, _ = await stock.read(await stock.begin(scope), variants=(), cursor="1")
    other = replace(begun, reads_levels=not scope.reads_levels)
    place = await stock.pulls.open(other, PullMode.FULL)
    assert place.levels == counts
    assert (await stock.read((other, place)))[1].levels == counts


@pytest.mark.parametrize("stray", [level(3, variant=9), ShopifyLevel(OTHER, HERE, 5, 3)], ids=["no row", "other item"])
async def test_levels_that_are_not_those_of_the_rows_are_not_believed(stock: Stock, stray: ShopifyLevel) -> None:
    """Nothing of such a pull counts, and the next begins anew."""
    as_of = await stock.pull(level(3))
    begun = await stock.read(await stock.begin(), level(4), stray, variants=VARIANTS[:1])
    with pytest.raises(OperationFailure, match="1 of Shopify's stock levels") as failed:
        await stock.end(begun)
    assert (failed.value.code, failed.value.retryable) == ("LEVELS_WITHOUT_ROWS", True)
    assert await stock.known() == {(ITEM, HERE): Confirmed((3,), as_of)}
    scope, place = await stock.begin()
    assert (place.pull_id != begun[1].pull_id, place.cursor) == (True, None)
    living = await stock.pulls.unseen(scope, place.pull_id, after=0, limit=10)
    assert living == [5, 6]


async def test_levels_of_a_row_that_cannot_be_read_are_believed(stock: Stock) -> None:
    """They name their item themselves; and one that is listed under its item is nobody else's."""
    begun = await stock.read(await stock.begin(), level(3, variant=9), variants=(), refused=(9,))
    as_of = await stock.end(await stock.read(begun, ShopifyLevel(ITEM, HERE, 0, 4)))
    assert await stock.known(900, ITEM) == {
        (900, HERE): Confirmed((3,), as_of),
        (ITEM, HERE): Confirmed((4,), as_of),
    }


async def test_many_rows_that_cannot_be_read_hold_nobody_up(stock: Stock) -> None:
    """A database that has not counted them yet must not compare each level with each of them."""
    numbers = range(1, 10_001)
    levels = [level(1, location, variant=one) for one in numbers for location in (HERE, THERE)]
    scope, place = await stock.read(await stock.begin(), *levels, variants=(), refused=tuple(numbers))

    def in_time(connection: Connection) -> int:
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql("SET LOCAL statement_timeout = '1s'")
        return levels_without_rows(connection, scope, place.pull_id)

    assert await stock.writes.read(in_time) == 0


async def test_levels_that_are_replaced_go_in_parts(stock: Stock, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of the last finished pull stay, whatever pulls of other stores, or a reset, come behind it."""
    monkeypatch.setattr(parts_of_rows, "PART", 10)
    variants = tuple(a_variant(one) for one in range(1, 36))
    levels = [level(one, variant=one) for one in range(1, 36)]
    for _ in range(2):
        as_of = await stock.end(await stock.read(await stock.begin(), *levels, variants=variants))
        assert await stock.kept() == 35
        assert await stock.kept(pull_seen) == 0
    assert stock.writes.most == 10
    other = replace(ALL, store_id="danang", fence=Fence(1, ("danang/shopify/products",)))
    await stock.end(await stock.read(await stock.begin(other), level(1)))
    await stock.read(await stock.begin(), level(4), cursor="1")
    assert await stock.kept() == 37
    assert await SqlCatalogReader(stock.writes, stock.clock).clear("hanoi", [ALL.operation]) == 1
    assert await stock.kept() == 36
    assert await stock.known() == {(ITEM, HERE): Confirmed((5,), as_of)}
