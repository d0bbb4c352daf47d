"""One time for all workers of a catalog: where they may be on several machines, that of its database.

Times are compared across workers: what Shopify confirmed later wins, and a full pull leaves alone what another stored after it
began. Machines whose clocks differ by seconds would get that wrong. See decision 10.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import structlog
from chassis.database import Database, DatabaseUnavailableError
from chassis.database.server_time import server_micros

from sync_worker.application.ports.clock import Clock

LOOKS = 3
"""The first look waits for a connection; the quickest of them tells the time best."""

EVERY_SECONDS = 60.0
"""A machine's monotonic clock strays by milliseconds in this time."""

log = structlog.get_logger(__name__)


class ServerClock:
    """A machine's monotonic clock, whose wall time is that of a PostgreSQL server, to within a round trip."""

    def __init__(self, database: Database, machine: Clock) -> None:
        self._database = database
        self._machine = machine
        self._micros = machine.now_micros()
        self._at = machine.monotonic()

    def now_micros(self) -> int:
        """Unix time in microseconds."""
        return self._micros + round((self._machine.monotonic() - self._at) * 1_000_000)

    def monotonic(self) -> float:
        """Seconds that never go backwards."""
        return self._machine.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await self._machine.sleep(seconds)

    async def set(self) -> None:
        """Look at the server's clock.

        Raises:
            DatabaseUnavailableError: It cannot be asked; the clock goes on as it was.
        """
        looks = []
        for _ in range(LOOKS):
            before = self._machine.monotonic()
            micros = await self._database.read(server_micros)
            after = self._machine.monotonic()
            looks.append((after - before, micros, (before + after) / 2))
        _, self._micros, self._at = min(looks)

    async def keep_right(self) -> None:
        """Look again and again, until cancelled."""
        while True:
            await self._machine.sleep(EVERY_SECONDS)
            try:
                await self.set()
            except DatabaseUnavailableError as error:
                log.warning("clock_not_set", reason=str(error))


@contextlib.asynccontextmanager
async def catalog_clock(database: Database, machine: Clock) -> AsyncIterator[Clock]:
    """Give the time that the workers of a catalog share, kept right for as long as the context lasts.

    Raises:
        DatabaseUnavailableError: The database cannot be asked.
    """
    if database.dialect == "sqlite":  # all of them are on one machine
        yield machine
        return
    clock = ServerClock(database, machine)
    await clock.set()
    keeping = asyncio.create_task(clock.keep_right())
    try:
        yield clock
    finally:
        keeping.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await keeping
