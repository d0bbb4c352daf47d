"""CheckStore: both vendors at once, outside of any job, each bounded in time."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

from sync_worker.application.ports.clock import Clock
from sync_worker.application.ports.store_check import CheckedVendors
from sync_worker.application.refusals import StoreNotFound
from sync_worker.application.store_check.findings import Finding, fault
from sync_worker.application.store_check.nhanh import NhanhCheck, check_nhanh
from sync_worker.application.store_check.shopify import ShopifyCheck, check_shopify
from sync_worker.domain.stores import Store

CHECK_SECONDS = 20.0
"""A vendor that has not answered by then counts as one that does not answer; waits for a rate limit are included."""

Check = TypeVar("Check", NhanhCheck, ShopifyCheck)


class OpenGate:
    """The gate of a call that belongs to no job: no lease can run out, and the whole test is bounded instead."""

    async def pass_through(self, timeout_seconds: float) -> None:
        """Pass."""


@dataclass(frozen=True)
class Checker:
    """What tests of connections need of the world."""

    stores: Mapping[str, Store]
    vendors: CheckedVendors
    clock: Clock
    longest_seconds: float = CHECK_SECONDS


@dataclass(frozen=True, slots=True)
class StoreCheck:
    """How a test went, and when (Unix microseconds)."""

    store_id: str
    time: int
    nhanh: NhanhCheck
    shopify: ShopifyCheck


async def check_store(checker: Checker, store_id: str) -> StoreCheck:
    """Test a store's connections; what a vendor refuses is a finding.

    Raises:
        StoreNotFound: The store is not in the stores file.
    """
    if store_id not in checker.stores:
        raise StoreNotFound(store_id)
    store = checker.stores[store_id]
    now = checker.clock.now_micros()
    gate = OpenGate()
    nhanh, shopify = await asyncio.gather(
        _bounded(
            checker,
            lambda: check_nhanh(store, checker.vendors.nhanh(store, gate), now),
            lambda finding: NhanhCheck([finding], 0.0),
        ),
        _bounded(
            checker,
            lambda: check_shopify(store, checker.vendors.shopify(store, gate)),
            lambda finding: ShopifyCheck([finding], 0.0),
        ),
    )
    return StoreCheck(store_id, now, nhanh, shopify)


async def _bounded(checker: Checker, test: Callable[[], Awaitable[Check]], failed: Callable[[Finding], Check]) -> Check:
    """Run a test no longer than it may take, and measure it."""
    began = checker.clock.monotonic()
    try:
        async with asyncio.timeout(checker.longest_seconds):
            check = await test()
    except TimeoutError:
        message = (
            f"no answer came within {checker.longest_seconds:g} s: the vendor is slow or cannot be reached, or its rate limit "
            "is used up; try again later"
        )
        check = failed(fault("TIMEOUT", message))
    return replace(check, seconds=checker.clock.monotonic() - began)
