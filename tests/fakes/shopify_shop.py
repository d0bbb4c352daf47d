"""A Shopify shop of the sandbox, over HTTP, with one clock for both sides."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import sandbox
from sandbox.faults import FaultKind, Rule
from sandbox.world import StoreWorld
from sync_worker.adapters.http.connections import Connections
from sync_worker.adapters.shopify.client import ShopifyClient
from sync_worker.adapters.shopify.session import open_session
from sync_worker.adapters.shopify.transport import CALL_SECONDS
from sync_worker.domain.customers import ShopifyCustomer
from sync_worker.domain.products import ShopifyVariant
from sync_worker.domain.requests import ShopifyCustomerFilter, ShopifyProductFilter
from sync_worker.domain.stores import ShopifyAccount

from tests.fakes.clock import SandboxClock
from tests.fakes.open_gate import OpenGate
from tests.fakes.pages import rows_of
from tests.fakes.shopify_traffic import a_bucket


@dataclass
class SandboxShop:
    """A shop of the sandbox, whose version of the API is known, and what opens clients of it, as jobs do."""

    world: StoreWorld
    account: ShopifyAccount
    plan: Callable[[list[Rule]], None]
    http: Connections
    clock: SandboxClock
    gate: OpenGate = field(default_factory=OpenGate)

    def __post_init__(self) -> None:
        self.bucket = a_bucket(self.clock)
        self.session = open_session(self.account, self.http, self.clock, CALL_SECONDS)
        self.session.versions.heard = True

    def client(self) -> ShopifyClient:
        """Open a client on the shop's one bucket."""
        return ShopifyClient(
            self.account,
            self.http,
            self.bucket,
            self.gate,
            self.clock,
            lambda _low, high: high,
            session=self.session,
        )

    def fault(self, kind: FaultKind, operation: str, **more: Any) -> None:
        """Make calls of an operation go wrong."""
        self.plan([Rule("shopify", operation, kind, **more)])

    def written(self) -> list[tuple[str, str | None]]:
        """What was written so far, in order: target and new value."""
        return [(write.target, write.new) for write in self.world.history.writes]


@asynccontextmanager
async def a_shopify_shop(
    *, limits: float | None = None, token: str | None = None, bulk_seconds: float = 0.0
) -> AsyncIterator[SandboxShop]:
    """Run a sandbox with one shop of more than a page of variants and of customers."""
    clock = SandboxClock()
    options = sandbox.SandboxOptions(
        products=300, customers=600, stores=("hanoi",), limits_scale=limits, bulk_seconds=bulk_seconds
    )
    async with sandbox.running(options, clock=clock) as handle, Connections() as http:
        world = handle.world.stores["hanoi"]
        account = ShopifyAccount(f"{handle.url}/shopify/hanoi", "hanoi", "2026-07", token or world.shop.access_token)
        yield SandboxShop(world, account, handle.world.plan.replace, http, clock)


async def every_variant(client: ShopifyClient, wanted: ShopifyProductFilter | None = None) -> list[ShopifyVariant]:
    """Read all variants that are wanted."""
    return await rows_of(lambda cursor: client.variant_page(wanted or ShopifyProductFilter(), cursor))


async def every_customer(client: ShopifyClient, wanted: ShopifyCustomerFilter | None = None) -> list[ShopifyCustomer]:
    """Read all customers that are wanted."""
    return await rows_of(lambda cursor: client.customer_page(wanted or ShopifyCustomerFilter(), cursor))
