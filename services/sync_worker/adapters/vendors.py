"""Both vendors, for all jobs of a process: connections are kept, and limiters are shared by all workers of an account."""

import random
import uuid
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial
from types import TracebackType

from sync_worker.adapters.http.connections import Connections
from sync_worker.adapters.nhanh.client import NhanhClient
from sync_worker.adapters.nhanh.limiter import SlidingWindows
from sync_worker.adapters.quotas.ledger import Ledger
from sync_worker.adapters.shopify.client import ShopifyClient
from sync_worker.adapters.shopify.limiter import CostBuckets
from sync_worker.adapters.shopify.session import ShopSession, open_session
from sync_worker.application.ports.call_gate import CallGate
from sync_worker.application.ports.clock import Clock
from sync_worker.domain.stores import ShopifyAccount, Store
from sync_worker.domain.traffic import Traffic

LONGEST_CALL_SECONDS = 15.0
"""Both vendors give up on a call of their own sooner."""


class VendorClients:
    """`Vendors` and `CheckedVendors` over HTTP, for as long as the context lasts.

    `ledger` keeps the limits that all workers share.
    No call takes longer than `call_seconds`. `uniform` draws a number between its two arguments; the machine's own
    randomness unless another is given.
    """

    def __init__(
        self,
        clock: Clock,
        ledger: Ledger,
        uniform: Callable[[float, float], float] | None = None,
        *,
        call_seconds: float = LONGEST_CALL_SECONDS,
    ) -> None:
        self._call_seconds = call_seconds
        self._clock = clock
        self._uniform = uniform or random.SystemRandom().uniform
        self._stack = AsyncExitStack()
        self._nhanh_http, self._shopify_http = Connections(), Connections()
        process = uuid.uuid4().hex
        self._windows = SlidingWindows(ledger, clock, process=process, call_seconds=call_seconds)
        self._buckets = CostBuckets(ledger, clock, process=process, call_seconds=call_seconds)
        self._sessions: dict[ShopifyAccount, ShopSession] = {}

    async def __aenter__(self) -> "VendorClients":
        await self._stack.enter_async_context(self._nhanh_http)
        await self._stack.enter_async_context(self._shopify_http)
        self._stack.push_async_callback(self._windows.close)
        self._stack.push_async_callback(self._buckets.close)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    def carrying(self, traffic: Traffic) -> "CarryingVendors":
        """Give vendors whose calls are of one kind of traffic."""
        return CarryingVendors(self, traffic)

    def nhanh(self, store: Store, gate: CallGate, traffic: Traffic = Traffic.BULK) -> NhanhClient:
        """Open the store's Nhanh business."""
        return NhanhClient(
            store.nhanh,
            self._nhanh_http,
            partial(self._windows.of, store.nhanh),
            gate,
            self._clock,
            self._uniform,
            depots_matter=bool(store.locations),
            traffic=traffic,
            call_seconds=self._call_seconds,
        )

    def shopify(self, store: Store, gate: CallGate, traffic: Traffic = Traffic.BULK) -> ShopifyClient:
        """Open the store's Shopify shop."""
        account = store.shopify
        return ShopifyClient(
            account,
            self._shopify_http,
            self._buckets.of(account),
            gate,
            self._clock,
            self._uniform,
            self._call_seconds,
            traffic,
            session=self._session_of(account),
        )

    def _session_of(self, account: ShopifyAccount) -> ShopSession:
        if account not in self._sessions:
            self._sessions[account] = open_session(account, self._shopify_http, self._clock, self._call_seconds)
        return self._sessions[account]


@dataclass(frozen=True, slots=True)
class CarryingVendors:
    """`Vendors` and `CheckedVendors` for calls of one kind of traffic."""

    clients: VendorClients
    traffic: Traffic

    def nhanh(self, store: Store, gate: CallGate) -> NhanhClient:
        """Open the store's Nhanh business."""
        return self.clients.nhanh(store, gate, self.traffic)

    def shopify(self, store: Store, gate: CallGate) -> ShopifyClient:
        """Open the store's Shopify shop."""
        return self.clients.shopify(store, gate, self.traffic)
