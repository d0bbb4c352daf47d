"""How much a match asks of the database, in steps of its virtual machine: a count that does not depend on the machine."""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, event
from sync_worker.application.ports.job import OperationResult
from sync_worker.domain.mappings import Rule, Side
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
