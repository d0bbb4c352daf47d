"""What windows are for: at the latency of a live shop one cursor reaches half of the quota, several nearly all of it."""

import asyncio
from random import Random
from typing import cast

import pytest
from sync_worker.application.ports.nhanh import Nhanh
from sync_worker.application.ports.pages import Page
from sync_worker.application.pull.paged import PagedSource
from sync_worker.application.pull.sources import PullSource
from sync_worker.application.pull.windows import WindowedSource
from sync_worker.domain.customers import NhanhCustomer
from sync_worker.domain.failures import Origin
from sync_worker.domain.pulls import OVERLAP_SECONDS
from sync_worker.domain.requests import NhanhCustomerFilter
from sync_worker.domain.traffic import Traffic

from tests.fakes.changing_customers import ChangingCustomers
from tests.fakes.mirrored_customers import MirroredInMemory
from tests.fakes.nhanh_traffic import a_window
from tests.fakes.quota_ledger import MemoryLedger
from tests.simulation.virtual_loop import VirtualLoop

NOW = 1_780_000_000
DAY = 86_400
LATENCY_SECONDS = 0.38
QUOTA_CALLS, QUOTA_SECONDS = 145, 30.0
PAGES, PAGE_SIZE = 700, 4


class LoopClock:
    """The virtual time of the loop."""

    def now_micros(self) -> int:
        """Unix microseconds."""
        return NOW * 1_000_000 + int(self.monotonic() * 1_000_000)

    def monotonic(self) -> float:
        """Seconds."""
        return asyncio.get_running_loop().time()

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)


class FarShop(ChangingCustomers):
    """Customers behind the latency of a live shop and its quota."""

    def __init__(self, clock: LoopClock) -> None:
        super().__init__(PAGE_SIZE)
        self._window = a_window(MemoryLedger(clock), QUOTA_CALLS, QUOTA_SECONDS)

    async def customer_page(self, wanted: NhanhCustomerFilter, cursor: str | None) -> Page[NhanhCustomer]:
        """Read a page, when the limiter lets it."""
        async with self._window.place(Traffic.BULK) as place:
            place.sent()
            await asyncio.sleep(LATENCY_SECONDS)
            return await super().customer_page(wanted, cursor)


def share_of_quota(times: list[int], *, windowed: bool, bounds_belong: bool = True) -> tuple[float, int]:
    """Pull all customers in virtual time; how near the quota that was, by the fewest calls there could be, and the calls."""
    clock = LoopClock()
    nhanh = FarShop(clock)
    nhanh.from_belongs = nhanh.to_belongs = bounds_belong
    for one, time in enumerate(times, 1):
        nhanh.put(one, time)
    mirror = MirroredInMemory()
    source: PullSource = PagedSource(
        Origin.NHANH, lambda cursor: nhanh.customer_page(NhanhCustomerFilter(), cursor), nhanh.metrics, clock
    )
    if windowed:
        source = WindowedSource(cast("Nhanh", nhanh), NhanhCustomerFilter(), mirror, clock)
    took = 0.0

    async def pull() -> None:
        nonlocal took
        async for step in source.steps(None):
            mirror.store(step)
        took = clock.monotonic()

    VirtualLoop(Random(1)).run(pull())
    assert mirror.seen == set(nhanh.customers)
    fewest = len(times) / PAGE_SIZE + 1
    return fewest * QUOTA_SECONDS / QUOTA_CALLS / took, nhanh.metrics.api_calls


def over_days(days: int, quiet: int = 0) -> list[int]:
    """Customers that were last changed in so many days, which ended `quiet` days ago."""
    rng = Random(3)
    latest = NOW - OVERLAP_SECONDS - quiet * DAY
    return [latest - rng.randint(1, days * DAY) for _ in range(PAGES * PAGE_SIZE)]


def test_one_cursor_reaches_half_of_the_quota() -> None:
    """A call every 380 ms is no more than 52 % of what is allowed."""
    share, _ = share_of_quota(over_days(400), windowed=False)
    assert share == pytest.approx(0.54, abs=0.02)


LIVES = {
    "evenly": over_days(400),
    "long ago": over_days(400, quiet=150),
    "in order of id": sorted(over_days(2_000)),
}


@pytest.mark.parametrize("life", LIVES)
@pytest.mark.parametrize("bounds_belong", [True, False])
def test_windows_reach_nine_tenths_of_the_quota(life: str, bounds_belong: bool) -> None:
    """However the customers lie in time, whatever bounds mean: the limiter is kept busy, at an eighth more calls at most."""
    share, calls = share_of_quota(LIVES[life], windowed=True, bounds_belong=bounds_belong)
    assert share >= 0.9
    assert calls <= PAGES * 1.125
