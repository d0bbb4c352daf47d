"""How much a match asks of the database: steps of SQLite, rows that PostgreSQL reads. No count depends on the machine."""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, event, text
from sync_worker.adapters.catalog.matching_in_sql import judge_in_sql, store_left_alone
from sync_worker.adapters.catalog.matching_storing import store_judged_links
from sync_worker.application.ports.job import Fence, OperationResult
from sync_worker.application.ports.match_catalog import MatchScope
from sync_worker.domain.mappings import Entity, Rule, Side
from sync_worker.domain.matching.parties import Party, StrongKey
from sync_worker.domain.operations import Strategy

from tests.fakes.catalog_database import catalog_database
from tests.fakes.match_world import MatchWorld, Someone

SMALL = 600
GRANULARITY = 100
"""SQLite tells of every hundredth step."""

LINEAR = 2.3
"""Twice the objects may take so many times the steps; a join without an index would take nearly four times as many."""

SHARED_PHONE = StrongKey("+84999999999", Rule.NOTE_PHONE, 0.6)


class StepCounter:
    """Counts the steps of every connection that is opened while it watches, those that read too."""

    def __init__(self) -> None:
        self.steps = 0

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Watch connections as they are opened."""
        event.listen(Engine, "connect", self._watch)
        try:
            yield
        finally:
            event.remove(Engine, "connect", self._watch)

    def _watch(self, driver: Any, _record: object) -> None:
        driver.set_progress_handler(self._tick, GRANULARITY)

    def _tick(self) -> int:
        self.steps += GRANULARITY
        return 0


def customers(count: int) -> list[Someone]:
    """Customers with a phone each; every second has an e-mail address, every tenth a phone that all tenths share."""
    return [
        Someone(
            Party(
                number,
                (StrongKey(f"+849{number:08}", Rule.PHONE, 1.0), *([] if number % 10 else [SHARED_PHONE])),
                None if number % 2 else f"{number}@x.vn",
            )
        )
        for number in range(1, count + 1)
    ]


def products(count: int) -> list[Someone]:
    """Products with a SKU each, save every tenth: those have a barcode that they all share."""
    return [
        Someone(
            Party(
                number,
                (StrongKey(f"s-{number}", Rule.SKU, 1.0),) if number % 10 else (),
                None if number % 10 else "8934",
            )
        )
        for number in range(1, count + 1)
    ]


async def steps_of(folder: Path, count: int, match: Callable[[MatchWorld, int], Awaitable[OperationResult]]) -> int:
    """Match in a new world of so many objects a side, and say how many steps that took."""
    counter = StepCounter()
    with counter.watching():
        async with catalog_database(folder / str(count)) as database:
            world = MatchWorld(database)
            for side in Side:
                await world.add_customers(side, customers(count))
                await world.add_products(side, products(count))
            before = counter.steps
            done = await match(world, count)
            after = counter.steps
            assert done.progress.successful == len(await world.links()) == count - count // 10
            return after - before


@pytest.mark.parametrize("strategy", [Strategy.SQL, Strategy.BATCH])
async def test_twice_the_customers_take_twice_the_steps(tmp_path: Path, strategy: Strategy) -> None:
    """No customer is compared with every other one, not even those who share a phone with hundreds."""

    def match(world: MatchWorld, count: int) -> Awaitable[OperationResult]:
        return world.match_customers(strategy, batch_size=count + 1)

    small = await steps_of(tmp_path, SMALL, match)
    large = await steps_of(tmp_path, 2 * SMALL, match)
    assert SMALL < small < large < LINEAR * small


async def test_more_batches_take_as_many_steps_more(tmp_path: Path) -> None:
    """A batch asks about its own customers alone: twice the customers in batches of one size take twice the steps."""

    def match(world: MatchWorld, _count: int) -> Awaitable[OperationResult]:
        return world.match_customers(Strategy.BATCH, batch_size=SMALL // 3)

    small = await steps_of(tmp_path, SMALL, match)
    large = await steps_of(tmp_path, 2 * SMALL, match)
    assert SMALL < small < large < LINEAR * small


async def test_twice_the_products_take_twice_the_steps(tmp_path: Path) -> None:
    """Nor is a product, not even among those that share a barcode with hundreds."""

    def match(world: MatchWorld, _count: int) -> Awaitable[OperationResult]:
        return world.match_products()

    small = await steps_of(tmp_path, SMALL, match)
    large = await steps_of(tmp_path, 2 * SMALL, match)
    assert SMALL < small < large < LINEAR * small


ROWS_READ = text(
    "SELECT CAST(sum(coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0)) AS bigint) FROM pg_stat_xact_all_tables"
    " WHERE schemaname = 'public' OR schemaname LIKE 'pg_temp%'"
)
"""How many rows this transaction has looked at, those of scratch tables too."""


async def rows_read(folder: Path, entity: Entity, count: int) -> int:
    """Judge and store a stretch of so many objects in a new catalog on PostgreSQL; how many rows were looked at."""
    scope = MatchScope("hanoi", entity, "job", Fence(1, ()), 0.9)

    def unit(connection: Connection) -> int:
        judge_in_sql(connection, scope, Side.NHANH, 0, count + 1)
        store_left_alone(connection, scope, Side.NHANH)
        ids = iter(range(count))
        assert store_judged_links(connection, scope, now=1, new_id=lambda: str(next(ids))) == count - count // 10
        read: int = connection.execute(ROWS_READ).scalar_one()
        return read

    async with catalog_database(folder, "postgresql") as database:
        world = MatchWorld(database)
        for side in Side:
            await world.add_customers(side, customers(count))
            await world.add_products(side, products(count))
        assert await world.catalog.count_unmapped(scope) == count
        return await database.write(unit)


@pytest.mark.parametrize("entity", list(Entity))
async def test_twice_the_objects_are_twice_the_rows_for_postgresql(tmp_path: Path, entity: Entity) -> None:
    """It plans by what it has just been told of the tables, although nobody has looked at them before."""
    small = await rows_read(tmp_path, entity, SMALL)
    large = await rows_read(tmp_path, entity, 2 * SMALL)
    assert SMALL < small < large < LINEAR * small
