"""Workers of one catalog agree on the time, whatever their machines say."""

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any

import pytest
from chassis.database import Database, DatabaseUnavailableError
from structlog.testing import capture_logs
from sync_worker.adapters.catalog_clock import ServerClock, catalog_clock
from sync_worker.adapters.clock import SystemClock

from tests.fakes.clock import ManualClock

HOUR = 3_600_000_000


class FastMachine(SystemClock):
    """A machine whose wall clock is an hour ahead."""

    def now_micros(self) -> int:
        """Unix time in microseconds."""
        return super().now_micros() + HOUR


async def test_machines_an_hour_apart_agree(database: Database) -> None:
    """On PostgreSQL the database's clock counts; on SQLite all workers are on one machine, whose clock it is."""
    slow, fast = SystemClock(), FastMachine()
    async with catalog_clock(database, slow) as one, catalog_clock(database, fast) as other:
        apart = other.now_micros() - one.now_micros()
        if database.dialect == "sqlite":
            assert (one, other) == (slow, fast)
        else:
            assert abs(apart) < HOUR // 100
            assert abs(one.now_micros() - slow.now_micros()) < HOUR // 100


class ServerWithAClock:
    """As much of a database as tells the time; each look takes as long as it is told."""

    dialect = "postgresql"

    def __init__(self, machine: ManualClock) -> None:
        self.machine = machine
        self.ahead = 5_000_000
        self.round_trips = [0.4, 0.002, 0.1]
        self.away = False

    async def read(self, _unit: Callable[..., Any]) -> int:
        """Tell the time half-way through a look."""
        if self.away:
            raise DatabaseUnavailableError("away")
        took = self.round_trips[0]
        self.round_trips = [*self.round_trips[1:], took]
        asked = self.machine.now_micros()
        self.machine.advance(took)
        return asked + self.ahead + round(took / 2 * 1_000_000)


async def turns(number: int) -> None:
    """Let others run; each time, whoever sleeps on the manual clock has slept."""
    for _ in range(number):
        await asyncio.sleep(0)


async def test_it_goes_by_the_quickest_look_and_looks_again() -> None:
    """A slow round trip does not shift the time, a server that was set is followed, one that is away is put up with."""
    machine = ManualClock()
    server = ServerWithAClock(machine)
    clock = ServerClock(server, machine)  # type: ignore[arg-type]  # all of a database that it asks for
    await clock.set()
    assert clock.now_micros() == machine.now_micros() + 5_000_000
    machine.advance(30)
    assert clock.now_micros() == machine.now_micros() + 5_000_000
    server.ahead, server.away = -7_000_000, True
    with pytest.raises(DatabaseUnavailableError):
        await clock.set()
    with capture_logs() as logs:
        keeping = asyncio.create_task(clock.keep_right())
        await turns(3)
        assert [each["event"] for each in logs][:1] == ["clock_not_set"]
        assert clock.now_micros() == machine.now_micros() + 5_000_000
        server.away = False
        await turns(3)
        keeping.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await keeping
    assert clock.now_micros() == machine.now_micros() - 7_000_000
