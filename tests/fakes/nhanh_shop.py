"""A store of the sandbox, over HTTP, with one clock for both sides."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, cast

import sandbox
from sandbox.faults import FaultKind, Rule
from sandbox.nhanh.habits import NhanhHabits
from sandbox.world import DEPOT_TO_LOCATION, StoreWorld
from sync_worker.adapters.vendors import VendorClients
from sync_worker.application.ports.job import JobContext, OperationResult
from sync_worker.application.ports.nhanh import Nhanh
from sync_worker.application.ports.pull_catalog import PullCatalog
from sync_worker.application.pull.run_pull import run_pull
from sync_worker.domain.customers import NhanhCustomer
from sync_worker.domain.operations import Operation
from sync_worker.domain.products import NhanhProduct
from sync_worker.domain.requests import NhanhCustomerFilter, NhanhProductFilter, PullFilter, PullMode, PullRequest
from sync_worker.domain.stores import LocationMapping, NhanhAccount, ShopifyAccount, Store

from tests.fakes.clock import SandboxClock
from tests.fakes.job_context import RecordingJobContext
from tests.fakes.open_gate import OpenGate
from tests.fakes.pages import rows_of
from tests.fakes.quota_ledger import MemoryLedger

ALL_PRODUCTS = NhanhProductFilter()
ALL_CUSTOMERS = NhanhCustomerFilter()


@dataclass
class Shop:
    """A store of the sandbox, and what opens clients of it."""

    world: StoreWorld
    store: Store
    plan: Callable[[list[Rule]], None]
    vendors: VendorClients
    clock: SandboxClock
    gate: OpenGate = field(default_factory=OpenGate)

    def nhanh(self) -> Nhanh:
        """Open a client, as a job does."""
        return self.vendors.nhanh(self.store, self.gate)

    def fault(self, kind: FaultKind, operation: str, **more: Any) -> None:
        """Make calls of an operation go wrong."""
        self.plan([Rule("nhanh", operation, kind, **more)])

    async def pull(
        self, catalog: PullCatalog, operation: Operation, wanted: PullFilter, job: RecordingJobContext
    ) -> OperationResult:
        """Run an attempt of a full pull."""
        return await run_pull(
            cast("JobContext", job),
            PullRequest(PullMode.FULL, wanted),
            operation=operation,
            vendors=self.vendors,
            catalog=catalog,
            clock=self.clock,
        )

    @property
    def sellable(self) -> dict[int, dict[str, Any]]:
        """Nhanh's rows that are no parents."""
        return self.world.business.sellable()


@asynccontextmanager
async def a_shop(
    *,
    quota: int = 0,
    limits: float | None = None,
    customers: int = 250,
    habits: NhanhHabits = NhanhHabits(),  # noqa: B008 - it cannot be changed
    **account: Any,
) -> AsyncIterator[Shop]:
    """Run a sandbox with one store."""
    clock = SandboxClock()
    options = sandbox.SandboxOptions(
        products=120, customers=customers, stores=("hanoi",), limits_scale=limits, nhanh=habits
    )
    async with (
        sandbox.running(options, clock=clock) as handle,
        VendorClients(clock, MemoryLedger(clock), lambda _low, high: high) as vendors,
    ):
        world = handle.world.stores["hanoi"]
        business = world.business
        facts: dict[str, Any] = {
            "base_url": f"{handle.url}/nhanh",
            "app_id": business.app_id,
            "business_id": business.business_id,
            "access_token": business.access_token,
            "secret_key": business.secret_key,
            "quota_calls": quota,
            "quota_window_seconds": 30.0,
        }
        store = Store(
            "hanoi",
            "Hanoi",
            NhanhAccount(**{**facts, **account}),
            ShopifyAccount(f"{handle.url}/shopify/hanoi", "hanoi", "2026-07", "unused"),
            tuple(LocationMapping(depot, location) for depot, location in DEPOT_TO_LOCATION.items()),
        )
        yield Shop(world, store, handle.world.plan.replace, vendors, clock)


async def every_product(nhanh: Nhanh) -> list[NhanhProduct]:
    """Read all products."""
    return await rows_of(lambda cursor: nhanh.product_page(ALL_PRODUCTS, cursor))


async def every_customer(nhanh: Nhanh) -> list[NhanhCustomer]:
    """Read all customers."""
    return await rows_of(lambda cursor: nhanh.customer_page(ALL_CUSTOMERS, cursor))
