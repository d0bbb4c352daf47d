"""What a pull leaves behind it is cleared away in small transactions, whatever breaks between them."""

from dataclasses import replace

import pytest
from chassis.database import Database, DatabaseUnavailableError
from sqlalchemy import Table, select
from sync_worker.adapters.catalog import parts as parts_of_rows
from sync_worker.adapters.catalog.listings import SqlCatalogReader
from sync_worker.adapters.catalog.pulls import SqlPullCatalog
from sync_worker.adapters.catalog.pulls_place import OUTDATED_MICROS
from sync_worker.adapters.catalog.tables import pull_seen, unreadable_rows
from sync_worker.application.ports.job import Fence
from sync_worker.application.ports.pages import RowRefusal
from sync_worker.application.ports.pull_catalog import PullPlace, PullScope
from sync_worker.domain.failures import GuardTripped
from sync_worker.domain.operations import Operation
from sync_worker.domain.requests import PullMode

from tests.fakes.clock import ManualClock
from tests.fakes.counted_writes import CountedWrites
from tests.fakes.mirrored import a_nhanh_product

FULL, INCREMENTAL = PullMode.FULL, PullMode.INCREMENTAL
SCOPE = PullScope("hanoi", Operation.PULL_NHANH_PRODUCTS, "open", True, "job-1", Fence(1, ("hanoi/nhanh/products",)))
PART = 10


class Clearing:
    """A catalog whose pulls have seen some rows and could not read others."""

    def __init__(self, database: Database, table: Table) -> None:
        self.writes = CountedWrites(database, table)
        self.clock = ManualClock()
        self.catalog = SqlPullCatalog(self.writes, self.clock)

    async def left(self) -> int:
        """How many rows there are of what is counted."""
        return len(await self.writes.read(lambda connection: connection.execute(select(self.writes.table)).all()))

    async def read(self, scope: PullScope, *, rows: int = 0, refused: int = 0, cursor: str | None = None) -> PullPlace:
        """Read so many rows, and so many that cannot be read."""
        self.clock.advance(1)
        place = await self.catalog.open(scope, FULL)
        ready = await self.catalog.prepare(scope, list(map(a_nhanh_product, range(rows))))
        told = [RowRefusal(1_000 + number, "cannot be read") for number in range(refused)]
        return await self.catalog.store_step(scope, place, ready, cursor, read_time=1, refused=told)

    async def finish(self, scope: PullScope, place: PullPlace, percent: int = 100) -> PullPlace:
        """End a pull."""
        return await self.catalog.finish(scope, place, max_gone_percent=percent)


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """A few dozen rows are many parts."""
    monkeypatch.setattr(parts_of_rows, "PART", PART)


@pytest.fixture
def seen(database: Database) -> Clearing:
    """An empty catalog; what pulls have seen is counted."""
    return Clearing(database, pull_seen)


@pytest.fixture
def unreadable(database: Database) -> Clearing:
    """An empty catalog; unreadable rows are counted."""
    return Clearing(database, unreadable_rows)


async def a_second_pull(clearing: Clearing) -> tuple[PullScope, PullPlace]:
    """Read rows again that have not changed: all of them are marked as seen."""
    await clearing.finish(SCOPE, await clearing.read(SCOPE, rows=35))
    scope = replace(SCOPE, job_id="job-2")
    place = await clearing.read(scope, rows=35, cursor="1")
    assert await clearing.left() == 35
    return scope, place


async def test_the_end_of_a_pull_clears_in_parts(seen: Clearing) -> None:
    """No transaction deletes more than a part."""
    scope, place = await a_second_pull(seen)
    await seen.finish(scope, place)
    assert (await seen.left(), seen.writes.most) == (0, PART)


async def test_a_pull_that_is_given_up_clears_in_parts(seen: Clearing) -> None:
    """What it has seen is good for nothing."""
    scope, place = await a_second_pull(seen)
    await seen.catalog.give_up(scope, place)
    assert (await seen.left(), seen.writes.most) == (0, PART)


async def test_a_guard_that_trips_clears_in_parts(seen: Clearing) -> None:
    """As every end does."""
    scope, _ = await a_second_pull(seen)
    await seen.catalog.give_up(scope, await seen.catalog.open(scope, FULL))
    await seen.finish(scope, await seen.read(scope, rows=70))
    scope = replace(scope, job_id="job-3")
    with pytest.raises(GuardTripped):
        await seen.finish(scope, await seen.read(scope, rows=35), percent=10)
    assert (await seen.left(), seen.writes.most) == (0, PART)


async def test_a_pull_that_begins_anew_clears_in_parts(seen: Clearing) -> None:
    """What the outdated one had seen does not count for it."""
    scope, _ = await a_second_pull(seen)
    seen.clock.advance(OUTDATED_MICROS / 1_000_000)
    await seen.catalog.open(scope, FULL)
    assert (await seen.left(), seen.writes.most) == (0, PART)


async def test_a_place_that_is_reset_clears_in_parts(seen: Clearing) -> None:
    """By whoever asks for it."""
    await a_second_pull(seen)
    assert await SqlCatalogReader(seen.writes, seen.clock).clear("hanoi", [SCOPE.operation]) == 1
    assert (await seen.left(), seen.writes.most) == (0, PART)


@pytest.mark.parametrize("parts", range(4))
async def test_what_a_crash_leaves_is_cleared_by_the_next_pull(seen: Clearing, parts: int) -> None:
    """Of whatever list: nothing is left for ever, and what an unfinished pull has seen stays."""
    scope, place = await a_second_pull(seen)
    going_on = replace(SCOPE, store_id="danang", fence=Fence(1, ("danang/nhanh/products",)))
    await seen.read(going_on, refused=7, cursor="1")
    seen.writes.dies_after = (
        3 + parts
    )  # the guard, no row gone, none unreadable; then the end, and parts of what was seen
    with pytest.raises(DatabaseUnavailableError):
        await seen.finish(scope, place)
    seen.writes.dies_after = None
    again = await seen.catalog.open(scope, FULL)
    assert again.finished == (parts > 0)
    if not again.finished:
        await seen.finish(scope, again)
    await seen.catalog.open(replace(SCOPE, operation=Operation.PULL_NHANH_CUSTOMERS), FULL)
    assert (await seen.left(), seen.writes.most) == (7, PART)


@pytest.mark.parametrize("parts", range(5))
async def test_unreadable_rows_that_are_gone_go_in_parts(unreadable: Clearing, parts: int) -> None:
    """A whole pull that was not told of them forgets them before it ends, so that a later attempt forgets the rest."""
    await unreadable.finish(SCOPE, await unreadable.read(SCOPE, rows=1, refused=35))
    scope = replace(SCOPE, job_id="job-2")
    place = await unreadable.read(scope, rows=1)
    assert await unreadable.left() == 35
    unreadable.writes.dies_after = 2 + parts  # the guard, no row gone; then the parts
    with pytest.raises(DatabaseUnavailableError):
        await unreadable.finish(scope, place)
    unreadable.writes.dies_after = None
    assert await unreadable.left() == max(0, 35 - parts * PART)
    again = await unreadable.catalog.open(scope, FULL)
    assert (again.finished, again.read_to_end) == (False, True)
    assert (await unreadable.finish(scope, again)).finished
    assert (await unreadable.left(), unreadable.writes.most) == (0, PART)
