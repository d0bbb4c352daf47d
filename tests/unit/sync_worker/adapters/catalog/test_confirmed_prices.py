"""What is known of Shopify's prices: from pulls, which write only what changed, and from pushes; the later word counts."""

from dataclasses import replace
from itertools import count

import pytest
from chassis.database import Database
from sqlalchemy import Connection, insert
from sync_worker.adapters.catalog.pulls import SqlPullCatalog
from sync_worker.adapters.catalog.pushes import SqlPushCatalog
from sync_worker.adapters.catalog.tables import confirmed_values
from sync_worker.application.ports.job import Fence
from sync_worker.application.ports.pages import RowRefusal
from sync_worker.application.ports.pull_catalog import PullPlace, PullScope
from sync_worker.domain.operations import Operation
from sync_worker.domain.products import ShopifyVariant
from sync_worker.domain.pulls import OVERLAP_SECONDS
from sync_worker.domain.push_plan import Confirmed, Lane
from sync_worker.domain.requests import PullMode

from tests.fakes.clock import ManualClock
from tests.fakes.mirrored import a_variant

ALL = PullScope("hanoi", Operation.PULL_SHOPIFY_PRODUCTS, "open", True, "job-0", Fence(1, ("hanoi/shopify/products",)))
ACTIVE = replace(ALL, filter_hash="active", marks_gone=False)
SECOND = 1_000_000


class Prices:
    """A catalog whose clock stands still unless a test moves it."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.clock = ManualClock()
        self.pulls = SqlPullCatalog(database, self.clock)
        self.pushes = SqlPushCatalog(database, self.clock)
        self._jobs = count(1)

    async def begin(self, scope: PullScope = ALL, mode: PullMode = PullMode.FULL) -> tuple[PullScope, PullPlace]:
        """Begin a pull of a job of its own, well after whatever was before."""
        self.clock.advance(1_000)
        scope = replace(scope, job_id=f"job-{next(self._jobs)}")
        return scope, await self.pulls.open(scope, mode)

    async def end(
        self,
        begun: tuple[PullScope, PullPlace],
        *rows: ShopifyVariant,
        read_time: int | None = None,
        refused: tuple[int, ...] = (),
    ) -> int:
        """Store the one page of a pull and finish it; when the pull had begun."""
        scope, place = begun
        refusals = [RowRefusal(one, "cannot be read") for one in refused]
        read_time = self.clock.now_micros() if read_time is None else read_time
        ready = await self.pulls.prepare(scope, rows)
        place = await self.pulls.store_step(scope, place, ready, None, read_time=read_time, refused=refusals)
        await self.pulls.finish(scope, place, max_gone_percent=100)
        return place.began

    async def pushed(self, price: int, compare_at: int | None) -> int:
        """Note what Shopify confirmed to a push, a second after whatever was before; when."""
        self.clock.advance(1)
        now = self.clock.now_micros()
        rows = [
            {"store_id": "hanoi", "kind": kind, "owner_id": 5, "location_id": 0, "value": value, "confirm_time": now}
            for kind, value in (("price", price), ("compare_at", compare_at))
        ]

        def unit(connection: Connection) -> None:
            connection.execute(confirmed_values.delete())
            connection.execute(insert(confirmed_values), rows)

        await self.database.write(unit)
        return now

    async def known(self) -> Confirmed | None:
        """Read what is known of variant 5."""
        return (await self.pushes.confirmed("hanoi", Lane.PRICE, [5])).get((5, 0))


@pytest.fixture
def prices(database: Database) -> Prices:
    """An empty catalog."""
    return Prices(database)


async def test_a_price_is_known_as_of_when_it_was_read(prices: Prices) -> None:
    """With its compare-at price, an absent one as not set; before any pull nothing is known."""
    assert await prices.known() is None
    await prices.end(await prices.begin(), a_variant(5, price=10, compare_at_price=None))
    assert await prices.known() == Confirmed((10, None), prices.clock.now_micros())


@pytest.mark.parametrize("mode", [PullMode.FULL, PullMode.INCREMENTAL])
async def test_a_later_pull_of_everything_confirms_what_it_did_not_write(prices: Prices, mode: PullMode) -> None:
    """An unchanged row, and to an incremental pull one that is not told of, is as it was when the pull began."""
    await prices.end(await prices.begin(), a_variant(5, price=10))
    rows = (a_variant(5, price=10),) if mode is PullMode.FULL else ()
    began = await prices.end(await prices.begin(mode=mode), *rows)
    known = await prices.known()
    assert known is not None
    assert (known.values[0], known.time) == (10, (began // SECOND - OVERLAP_SECONDS) * SECOND)


async def test_a_filtered_pull_confirms_only_what_it_writes(prices: Prices) -> None:
    """Of rows that its filter holds back it says nothing."""
    await prices.end(await prices.begin(), a_variant(5, price=10), a_variant(6, price=1))
    first = await prices.known()
    await prices.end(await prices.begin(ACTIVE), a_variant(6, price=2))
    assert await prices.known() == first


async def test_an_unreadable_row_is_not_confirmed(prices: Prices) -> None:
    """What is stored of it is known as of when it was read last; once it is readable again it is known anew."""
    await prices.end(await prices.begin(), a_variant(5, price=10))
    first = await prices.known()
    await prices.end(await prices.begin(), refused=(5,))
    assert await prices.known() == first
    began = await prices.end(await prices.begin(), a_variant(5, price=10))
    known = await prices.known()
    assert known is not None
    assert known.time == (began // SECOND - OVERLAP_SECONDS) * SECOND


async def test_a_push_between_asking_and_storing_is_the_later_word(prices: Prices) -> None:
    """A page that was asked for before the push does not undo it, whether it changes the row or not."""
    await prices.end(await prices.begin(), a_variant(5, price=10))
    for stale in (10, 11):
        begun = await prices.begin()
        read_time = prices.clock.now_micros()
        when = await prices.pushed(99, None)
        await prices.end(begun, a_variant(5, price=stale), read_time=read_time)
        assert await prices.known() == Confirmed((99, None), when)


async def test_a_pull_after_a_push_is_the_later_word(prices: Prices) -> None:
    """Somebody may have set the price back at Shopify to what it was before the push: then the row has not changed at all."""
    await prices.end(await prices.begin(), a_variant(5, price=10))
    await prices.pushed(99, None)
    await prices.end(await prices.begin(), a_variant(5, price=10))
    known = await prices.known()
    assert known is not None
    assert known.values[0] == 10


async def test_a_filtered_pull_after_a_push_is_the_later_word_on_what_it_was_told_of(prices: Prices) -> None:
    """A price that was set back is known again although its row has not changed; of other rows the push stays the last word."""
    await prices.end(await prices.begin(), a_variant(5, price=10), a_variant(6, price=1))
    when = await prices.pushed(99, None)
    await prices.end(await prices.begin(ACTIVE), a_variant(6, price=1))
    assert await prices.known() == Confirmed((99, None), when)
    await prices.end(await prices.begin(ACTIVE), a_variant(5, price=10))
    known = await prices.known()
    assert known is not None
    assert known.values[0] == 10


async def test_a_push_shortly_before_a_pull_stays_the_later_word(prices: Prices) -> None:
    """An incremental pull may not be told of it yet: Shopify finds changed rows by an index that lags behind."""
    await prices.end(await prices.begin(), a_variant(5, price=10))
    prices.clock.advance(900)
    when = await prices.pushed(99, None)
    scope = replace(ALL, job_id="job-9")
    await prices.end((scope, await prices.pulls.open(scope, PullMode.INCREMENTAL)))
    assert await prices.known() == Confirmed((99, None), when)


async def test_an_unfinished_pull_confirms_only_what_it_wrote(prices: Prices) -> None:
    """Its unchanged rows count when it has come to its end."""
    await prices.end(await prices.begin(), a_variant(5, price=10))
    first = await prices.known()
    scope, place = await prices.begin()
    ready = await prices.pulls.prepare(scope, [a_variant(5, price=10)])
    await prices.pulls.store_step(scope, place, ready, "1", read_time=prices.clock.now_micros())
    assert await prices.known() == first


async def test_a_gone_variant_is_not_known(prices: Prices) -> None:
    """Nothing is confirmed of what Shopify no longer has."""
    await prices.end(await prices.begin(), a_variant(5, price=10))
    await prices.end(await prices.begin())
    assert await prices.known() is None
