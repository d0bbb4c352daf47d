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


class QuickClock(MachineClock):
    """The vendors' clock where their windows would take too long for a test."""

    def monotonic(self) -> float:
        """Seconds that never go backwards."""
        return time.monotonic() * QUICK

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds / QUICK)


@dataclass
class Account:
    """An account at both vendors, and the catalog of the workers that share it."""

    database_url: str
    sandbox_url: str
    world: StoreWorld
    plan: FaultPlan
    quota: int

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
            "quota_window_seconds": 30.0 / QUICK,
        }
        shopify = {
            "base_url": f"{self.sandbox_url}/shopify/hanoi",
            "shop": "hanoi",
            "api_version": "2026-07",
            "credentials": self.world.shop.access_token,
        }
        return Worker.started(Orders(self.database_url, nhanh, shopify, vendor, seconds, callers))

    async def work(self, vendor: str, seconds: float, callers: Sequence[dict[str, int]]) -> Counter[str]:
        """Let worker processes call side by side for so long; how many calls of each kind were answered in time."""
        async with AsyncExitStack() as stack:
            starting = [stack.enter_async_context(self.worker(vendor, seconds, each)) for each in callers]
            workers = await asyncio.gather(*starting)
            for worker in workers:
                worker.begin()
            reports = [await worker.report() for worker in workers]
        return Counter({kind: sum(int(each.get(kind, 0)) for each in reports) for kind in ("MANUAL", "BULK")})

    async def work_beside_a_doomed_one(self, vendor: str, seconds: float) -> Counter[str]:
        """Let two worker processes call for so long beside a third, which is killed in the middle."""
        async with self.worker(vendor, 60.0, {"BULK": 4}) as doomed:
            doomed.begin()
            calling = asyncio.create_task(self.work(vendor, seconds, [{"MANUAL": 4, "BULK": 4}, {"BULK": 4}]))
            while self.answered < 12:  # noqa: ASYNC110 - the sandbox counts, and tells nobody
                await asyncio.sleep(0.01)
            await doomed.kill()
            return await calling

    @property
    def answered(self) -> int:
        """Calls that the vendors answered."""
        return sum(self.world.calls.answered.values())


@asynccontextmanager
async def an_account(
    folder: Path, *, quota: int = 29, scale: float = 0.2, clock: MachineClock | None = None
) -> AsyncIterator[Account]:
    """Run a sandbox whose Nhanh allows one call a window more than the quota, beside an empty catalog."""
    options = sandbox.SandboxOptions(products=20, customers=50, stores=("hanoi",), limits_scale=scale)
    with fresh_database("postgresql", folder, MIGRATIONS) as url:
        async with sandbox.running(options, clock=clock or QuickClock()) as handle:
            yield Account(url, handle.url, handle.world.stores["hanoi"], handle.world.plan, quota)


async def test_three_workers_keep_to_nhanhs_window_together(tmp_path: Path) -> None:
    """None is refused, two whole windows are used up, and one that is killed in the middle changes neither."""
    async with an_account(tmp_path) as account:
        made = await account.work_beside_a_doomed_one("nhanh", 6.5)
        assert made.total() > 0
        assert not account.world.calls.refused
        assert account.answered >= 2 * 29 - 4


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
    """They empty it and live on what comes back, and Shopify refuses none of their calls."""
    async with an_account(tmp_path, scale=1.0, clock=MachineClock()) as account:
        began = time.monotonic()
        made = await account.work_beside_a_doomed_one("shopify", 6.0)
        assert made.total() > 0
        assert not account.world.calls.refused
        assert 1_500.0 < account.world.calls.points <= 2_000.0 + 100.0 * (time.monotonic() - began)
