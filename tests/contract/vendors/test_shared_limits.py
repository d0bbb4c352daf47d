"""Worker processes that share one PostgreSQL, and one account at vendors who refuse every call too many."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import sandbox
from sandbox.clock import MachineClock
from sandbox.faults import FaultKind, FaultPlan, Rule
from sandbox.world import StoreWorld

from tests.fakes.catalog_database import MIGRATIONS
from tests.fakes.limit_worker import Orders, Worker
from tests.fakes.postgres import fresh_database

QUICK = 10.0
"""Nhanh's seconds pass so many times as fast, and its window of 30 seconds takes three."""

REACHED = 0.95
"""What workers have to reach together of what the vendor lets them."""

DOOMED = 2
"""Callers of a worker that is killed."""

SHOPIFYS_SIZE, SHOPIFYS_RATE = 2_000.0, 100.0


@dataclass
class QuickClock(MachineClock):
    """The vendors' clock where their windows would take too long for a test."""

    speed: float = QUICK

    def monotonic(self) -> float:
        """Seconds that never go backwards."""
        return time.monotonic() * self.speed

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds / self.speed)


@dataclass
class Account:
    """An account at both vendors, and the catalog of the workers that share it."""

    database_url: str
    sandbox_url: str
    world: StoreWorld
    plan: FaultPlan
    quota: int
    window_seconds: float

    def worker(self, vendor: str, seconds: float, callers: dict[str, int]) -> AbstractAsyncContextManager[Worker]:
        """Start a worker process."""
        business = self.world.business
        nhanh = {
            "base_url": f"{self.sandbox_url}/nhanh",
            "app_id": business.app_id,
            "business_id": business.business_id,
            "access_token": business.access_token,
            "secret_key": business.secret_key,
            "quota_calls": self.quota,
            "quota_window_seconds": self.window_seconds,
        }
        shopify = {
            "base_url": f"{self.sandbox_url}/shopify/hanoi",
            "shop": "hanoi",
            "api_version": "2026-07",
            "credentials": self.world.shop.access_token,
        }
        return Worker.started(Orders(self.database_url, nhanh, shopify, vendor, seconds, callers))

    async def work(
        self, vendor: str, seconds: float, callers: Sequence[dict[str, int]], beside: Sequence[Worker] = ()
    ) -> Counter[str]:
        """Let worker processes call side by side for so long; how many calls of each kind were answered in time.

        Those `beside` begin with them.
        """
        async with AsyncExitStack() as stack:
            starting = [stack.enter_async_context(self.worker(vendor, seconds, each)) for each in callers]
            workers = await asyncio.gather(*starting)
            for worker in (*beside, *workers):
                worker.begin()
            reports = [await worker.report() for worker in workers]
        return Counter({kind: sum(int(each.get(kind, 0)) for each in reports) for kind in ("MANUAL", "BULK")})

    async def work_beside_a_doomed_one(self, vendor: str, seconds: float, after: int) -> Counter[str]:
        """Let two worker processes call for so long beside a third, which is killed when so many calls were answered."""
        async with self.worker(vendor, 60.0, {"BULK": DOOMED}) as doomed:
            callers = [{"MANUAL": 4, "BULK": 4}, {"BULK": 4}]
            calling = asyncio.create_task(self.work(vendor, seconds, callers, [doomed]))
            while self.answered < after:  # noqa: ASYNC110 - the sandbox counts, and tells nobody
                await asyncio.sleep(0.01)
            await doomed.kill()
            return await calling

    @property
    def answered(self) -> int:
        """Calls that the vendors answered."""
        return sum(self.world.calls.answered.values())


@asynccontextmanager
async def an_account(
    folder: Path, *, quota: int = 29, scale: float = 0.2, clock: MachineClock | None = None, quick: float = QUICK
) -> AsyncIterator[Account]:
    """Run a sandbox whose Nhanh allows one call a window more than the quota, beside an empty catalog."""
    options = sandbox.SandboxOptions(products=20, customers=50, stores=("hanoi",), limits_scale=scale)
    with fresh_database("postgresql", folder, MIGRATIONS) as url:
        async with sandbox.running(options, clock=clock or QuickClock(quick)) as handle:
            yield Account(url, handle.url, handle.world.stores["hanoi"], handle.world.plan, quota, 30.0 / quick)


async def test_three_workers_keep_to_nhanhs_window_together(tmp_path: Path) -> None:
    """None is refused, two whole windows are used up, and one that is killed in the middle changes neither.

    In the time no third one begins. The calls that died with their worker count, and were perhaps never sent.
    """
    quota = 89
    async with an_account(tmp_path, quota=quota, scale=0.6, quick=7.5) as account:
        made = await account.work_beside_a_doomed_one("nhanh", 7.5, after=20)
        assert made.total() > 0
        assert not account.world.calls.refused
        assert account.answered >= REACHED * 2 * quota


async def test_a_worker_that_starts_anew_finds_the_window_as_it_was(tmp_path: Path) -> None:
    """The first uses the window up; the second, a second later, is let through only when it frees up, and is not refused."""
    async with an_account(tmp_path) as account:
        first = await account.work("nhanh", 1.0, [{"BULK": 8}])
        assert first["BULK"] <= 29
        await account.work("nhanh", 4.0, [{"BULK": 8}])
        assert account.answered > 29
        assert not account.world.calls.refused


async def test_manual_work_goes_first_and_bulk_keeps_a_fifth_across_processes(tmp_path: Path) -> None:
    """Ten callers of each kind want more than there is; the first window may go to whoever was there first."""
    async with an_account(tmp_path, quota=10, scale=11 / 150) as account:
        made = await account.work("nhanh", 10.0, [{"BULK": 10}, {"MANUAL": 5}, {"MANUAL": 5}])
        after = made.total() - 10
        assert after > 0
        assert made["BULK"] >= 0.2 * after - 1
        assert made["MANUAL"] >= 0.8 * after - 2
        assert not account.world.calls.refused


async def test_a_lock_that_one_worker_is_answered_holds_all(tmp_path: Path) -> None:
    """Not one call of any worker reaches Nhanh while it lasts, or it would be refused and lengthen the lock."""
    async with an_account(tmp_path, quota=20, scale=1_000.0, clock=MachineClock()) as account:
        account.plan.replace([Rule("nhanh", "customer/list", FaultKind.LOCK, seconds=4.0)])
        locked = asyncio.create_task(account.work("nhanh", 6.0, [{"BULK": 1}]))
        while not account.world.calls.faulted:  # noqa: ASYNC110 - the sandbox counts, and tells nobody
            await asyncio.sleep(0.01)
        await asyncio.gather(locked, account.work("nhanh", 5.0, [{"MANUAL": 4}, {"BULK": 4}]))
        assert account.answered > 0
        assert account.world.calls.faulted.total() == 1
        assert not account.world.calls.refused


async def test_three_workers_keep_to_shopifys_bucket_together(tmp_path: Path) -> None:
    """They empty it and live on what comes back, and Shopify refuses none of their calls.

    One is killed when it is nearly empty: what is lent to it then is lost.
    """
    async with an_account(tmp_path, scale=1.0, clock=MachineClock()) as account:
        began, seconds = time.monotonic(), 8.0
        made = await account.work_beside_a_doomed_one("shopify", seconds, after=88)
        assert made.total() > 0
        assert not account.world.calls.refused
        points = account.world.calls.points
        assert REACHED * (SHOPIFYS_SIZE + SHOPIFYS_RATE * seconds) <= points
        assert points <= SHOPIFYS_SIZE + SHOPIFYS_RATE * (time.monotonic() - began)
