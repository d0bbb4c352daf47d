"""Transactions that meet on PostgreSQL, where several write at once: each test holds one up where another can slip in between."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import asyncpg
import pytest
from chassis.database import Database, open_database
from sqlalchemy import Connection, Table, insert, select
from sync_worker.adapters.catalog.fencing import raise_fence
from sync_worker.adapters.catalog.listings import SqlCatalogReader
from sync_worker.adapters.catalog.pulls import SqlPullCatalog
from sync_worker.adapters.catalog.pulls_pages import take_back_older_prices
from sync_worker.adapters.catalog.tables import confirmed_values as confirmed
from sync_worker.adapters.catalog.tables import pull_runs as runs
from sync_worker.adapters.catalog.tables import pull_seen as seen
from sync_worker.adapters.catalog.tables import push_items
from sync_worker.application.ports.job import Fence
from sync_worker.application.ports.pages import RowRefusal
from sync_worker.application.ports.pull_catalog import PullScope
from sync_worker.domain.failures import LeaseLost
from sync_worker.domain.operations import Operation
from sync_worker.domain.requests import PullMode

from tests.fakes.catalog_database import MIGRATIONS
from tests.fakes.clock import ManualClock
from tests.fakes.postgres import fresh_database

KEYS = ("hanoi/mappings/products", "hanoi/nhanh/products")
EARLIER, LATER = Fence(1, KEYS), Fence(2, KEYS)
PULL = PullScope("hanoi", Operation.PULL_NHANH_PRODUCTS, "open", True, "job", EARLIER)
WAITING = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"


class Meeting:
    """A catalog, and a connection beside it that holds rows up."""

    def __init__(self, database: Database, outside: "asyncpg.Connection[asyncpg.Record]") -> None:
        self.database = database
        self.outside = outside
        self.pulls = SqlPullCatalog(database, ManualClock())

    @asynccontextmanager
    async def holding(self, statement: str) -> AsyncIterator[None]:
        """Run a statement, and commit at the end of the context."""
        async with self.outside.transaction():
            await self.outside.execute(statement)
            yield

    async def until_waiting(self, transactions: int) -> None:
        """Wait until so many transactions wait for rows."""
        async with asyncio.timeout(10):
            while await self.outside.fetchval(WAITING) < transactions:
                await self.outside.execute(
                    "SELECT pg_stat_clear_snapshot()"
                )  # else a transaction sees what it saw first
                await asyncio.sleep(0.01)

    async def count(self, table: Table) -> int:
        """Count a table's rows."""
        return len(await self.database.read(lambda c: c.execute(select(table)).all()))


@pytest.fixture
async def meeting(tmp_path: Path) -> AsyncIterator[Meeting]:
    """An empty catalog."""
    with fresh_database("postgresql", tmp_path, MIGRATIONS) as url:
        database = await open_database(url, migrations=MIGRATIONS)
        outside = await asyncpg.connect(url)
        try:
            yield Meeting(database, outside)
        finally:
            await outside.close()
            await database.close()


def done_item(fence: Fence, number: int) -> Callable[[Connection], int]:
    """A unit of an attempt that writes what only one may write, after it has counted what is there."""

    def unit(connection: Connection) -> int:
        raise_fence(connection, fence)
        there = len(connection.execute(select(push_items)).all())
        row = {"job_id": "job", "mapping_id": f"m-{number}", "outcome": "ok"}
        connection.execute(insert(push_items).values(row))
        return there

    return unit


@pytest.mark.parametrize(("first", "second"), [(EARLIER, LATER), (LATER, EARLIER)])
async def test_rival_attempts_pass_one_after_the_other(meeting: Meeting, first: Fence, second: Fence) -> None:
    """The later attempt sees what the earlier has stored; the earlier, coming second, aborts."""
    await meeting.database.write(lambda c: raise_fence(c, replace(EARLIER, token=0)))
    async with meeting.holding(f"SELECT * FROM fences WHERE lock_key = '{KEYS[0]}' FOR UPDATE"):
        one = asyncio.create_task(meeting.database.write(done_item(first, 1)))
        await meeting.until_waiting(1)
        other = asyncio.create_task(meeting.database.write(done_item(second, 2)))
        await meeting.until_waiting(2)
    assert await one == 0
    if second is LATER:
        assert await other == 1
    else:
        with pytest.raises(LeaseLost):
            await other
    assert await meeting.count(push_items) == (2 if second is LATER else 1)


async def test_rivals_without_a_fence_yet(meeting: Meeting) -> None:
    """Two attempts that both write the first row of their keys: one waits for the other all the same."""
    async with meeting.holding(f"INSERT INTO fences (lock_key, fence) VALUES ('{KEYS[0]}', 2)"):
        earlier = asyncio.create_task(meeting.database.write(done_item(EARLIER, 1)))
        await meeting.until_waiting(1)
    with pytest.raises(LeaseLost):
        await earlier
    assert await meeting.count(push_items) == 0


async def test_a_place_cleared_while_a_page_is_stored(meeting: Meeting) -> None:
    """What the page had seen goes with the place, although it was stored after clearing began."""
    place = await meeting.pulls.open(PULL, PullMode.FULL)
    reader = SqlCatalogReader(meeting.database, ManualClock())
    async with meeting.holding("SELECT * FROM pull_runs FOR UPDATE"):
        page = asyncio.create_task(
            meeting.pulls.store_step(PULL, place, [], "1", read_time=1, refused=[RowRefusal(1, "cannot be read")])
        )
        await meeting.until_waiting(1)
        clearing = asyncio.create_task(reader.clear("hanoi", [PULL.operation]))
        await meeting.until_waiting(2)
    await page
    assert await clearing == 1
    assert (await meeting.count(runs), await meeting.count(seen)) == (0, 0)


async def test_a_price_that_a_push_confirms_meanwhile_is_taken_back_if_it_was_read_later(meeting: Meeting) -> None:
    """The row changes while the pull waits for it; what the pull read is still the later word."""
    row = {"store_id": "hanoi", "kind": "price", "owner_id": 5, "location_id": 0, "value": 1, "confirm_time": 10}
    await meeting.database.write(lambda c: c.execute(insert(confirmed), [row]).rowcount)
    async with meeting.holding("UPDATE confirmed_values SET value = 2, confirm_time = 20"):
        taking = asyncio.create_task(
            meeting.database.write(lambda c: take_back_older_prices(c, "hanoi", [5], read_time=30))
        )
        await meeting.until_waiting(1)
    await taking
    assert await meeting.count(confirmed) == 0
