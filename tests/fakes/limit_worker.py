"""A worker process that does nothing but call vendors, as fast as the limits that it shares with others let it.

It says `ready`, begins when it is told to, calls until its time is up, and says how many calls of each kind it has made.
"""

import asyncio
import json
import os
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import structlog
import sync_worker
from chassis.database import open_database
from sync_worker.adapters.clock import SystemClock
from sync_worker.adapters.quotas.ledger import SqlLedger
from sync_worker.adapters.vendors import VendorClients
from sync_worker.domain.requests import NhanhCustomerFilter, ShopifyCustomerFilter
from sync_worker.domain.stores import NhanhAccount, ShopifyAccount, Store
from sync_worker.domain.traffic import Traffic

from tests.fakes.open_gate import OpenGate

ROOT = Path(__file__).resolve().parents[2]
MIGRATIONS = Path(sync_worker.__file__).parent / "migrations"


@dataclass(frozen=True)
class Orders:
    """What a worker does: `callers` of each traffic call one vendor side by side for so many seconds."""

    database_url: str
    nhanh: dict[str, Any]
    shopify: dict[str, Any]
    vendor: str
    seconds: float
    callers: dict[str, int]

    def store(self) -> Store:
        """The store that is called."""
        return Store("hanoi", "Hanoi", NhanhAccount(**self.nhanh), ShopifyAccount(**self.shopify), ())


class Worker:
    """A worker process, as the test sees it."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process

    @classmethod
    @asynccontextmanager
    async def started(cls, orders: Orders) -> AsyncIterator["Worker"]:
        """Start it, and wait until it is ready; at the end it is no more."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "tests.fakes.limit_worker",
            json.dumps(asdict(orders)),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path])},
            cwd=ROOT,
        )
        worker = cls(process)
        try:
            assert await worker._line() == "ready"
            yield worker
        finally:
            if process.returncode is None:
                await worker.kill()

    def begin(self) -> None:
        """Let it call."""
        assert self.process.stdin is not None
        self.process.stdin.write(b"\n")

    async def report(self) -> dict[str, float]:
        """Wait until its time is up; calls by traffic, and what the limiter itself cost."""
        report: dict[str, float] = json.loads(await self._line())
        await self.process.communicate()
        assert self.process.returncode == 0
        return report

    async def kill(self) -> None:
        """Kill it in the middle."""
        self.process.kill()
        await self.process.communicate()

    async def _line(self) -> str:
        assert self.process.stdout is not None
        return (await self.process.stdout.readline()).decode().strip()


async def _work(orders: Orders) -> None:
    clock = SystemClock()
    database = await open_database(orders.database_url, migrations=MIGRATIONS)
    made: Counter[str] = Counter()
    async with VendorClients(clock, SqlLedger(database, clock)) as clients:
        _say("ready")
        await asyncio.to_thread(sys.stdin.readline)
        began, used = time.monotonic(), time.process_time()

        async def call_on(traffic: str) -> None:
            vendors = clients.carrying(Traffic(traffic))
            nhanh, shopify = vendors.nhanh(orders.store(), OpenGate()), vendors.shopify(orders.store(), OpenGate())
            while True:
                if orders.vendor == "nhanh":
                    await nhanh.customer_page(NhanhCustomerFilter(), None)
                else:
                    await shopify.customer_page(ShopifyCustomerFilter(), None)
                made[traffic] += 1

        callers = [
            asyncio.create_task(call_on(traffic)) for traffic, count in orders.callers.items() for _ in range(count)
        ]
        await asyncio.wait(callers, timeout=orders.seconds, return_when=asyncio.FIRST_EXCEPTION)
        for caller in callers:
            caller.cancel()
        ended = await asyncio.gather(*callers, return_exceptions=True)
        failures = [error for error in ended if not isinstance(error, asyncio.CancelledError)]
        if failures:
            raise failures[0]  # type: ignore[misc]  # a caller never returns
        seconds = time.monotonic() - began
        cpu = time.process_time() - used
    await database.close()
    _say(json.dumps({**made, "seconds": seconds, "cpu": cpu}))


def _say(line: str) -> None:
    print(line, flush=True)  # noqa: T201 - for whoever started the process


if __name__ == "__main__":
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))  # what is said to the test is no log
    asyncio.run(_work(Orders(**json.loads(sys.argv[1]))))
