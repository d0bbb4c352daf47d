"""Both vendors, for all jobs of a process: connections are kept, and limiters are shared by account."""

import random
from collections.abc import Callable
from contextlib import AsyncExitStack
from functools import partial
from types import TracebackType

import httpx

from sync_worker.adapters.nhanh.client import NhanhClient
from sync_worker.adapters.nhanh.limiter import SlidingWindows
from sync_worker.adapters.shopify.client import ShopifyClient
from sync_worker.adapters.shopify.limiter import CostBucket
from sync_worker.adapters.shopify.session import ShopSession, open_session
from sync_worker.application.ports.call_gate import CallGate
from sync_worker.application.ports.clock import Clock
from sync_worker.domain.stores import ShopifyAccount, Store

CONNECTIONS = httpx.Limits(max_connections=20, max_keepalive_connections=20, keepalive_expiry=30.0)
"""To each vendor, for all jobs together."""

LONGEST_CALL_SECONDS = 15.0
"""Both vendors give up on a call of their own sooner."""


class VendorClients:
    """`Vendors` and `CheckedVendors` over HTTP, for as long as the context lasts.

    No call takes longer than `call_seconds`. `uniform` draws a number between its two arguments; the machine's own
    randomness unless another is given.
    """

    def __init__(
        self,
        clock: Clock,
        uniform: Callable[[float, float], float] | None = None,
        *,
        call_seconds: float = LONGEST_CALL_SECONDS,
    ) -> None:
        self._call_seconds = call_seconds
        self._clock = clock
        self._uniform = uniform or random.SystemRandom().uniform
        self._stack = AsyncExitStack()
        self._nhanh_http = _connections()
        self._shopify_http = _connections()
        self._windows = SlidingWindows(clock)
        self._buckets: dict[tuple[str, str], CostBucket] = {}
        self._sessions: dict[ShopifyAccount, ShopSession] = {}

    async def __aenter__(self) -> "VendorClients":
        await self._stack.enter_async_context(self._nhanh_http)
        await self._stack.enter_async_context(self._shopify_http)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    def nhanh(self, store: Store, gate: CallGate) -> NhanhClient:
        """Open the store's Nhanh business."""
        return NhanhClient(
            store.nhanh,
            self._nhanh_http,
            partial(self._windows.of, store.nhanh),
            gate,
            self._clock,
            self._uniform,
            depots_matter=bool(store.locations),
            call_seconds=self._call_seconds,
        )

    def shopify(self, store: Store, gate: CallGate) -> ShopifyClient:
        """Open the store's Shopify shop."""
        account = store.shopify
        bucket = self._buckets.setdefault((account.base_url, account.shop), CostBucket(self._clock))
        return ShopifyClient(
            account,
            self._shopify_http,
            bucket,
            gate,
            self._clock,
            self._uniform,
            self._call_seconds,
            session=self._session_of(account),
        )

    def _session_of(self, account: ShopifyAccount) -> ShopSession:
        if account not in self._sessions:
            self._sessions[account] = open_session(account, self._shopify_http, self._clock, self._call_seconds)
        return self._sessions[account]


def _connections() -> httpx.AsyncClient:
    """Make a client that keeps connections; settings of the machine's environment (proxies, .netrc) are not taken."""
    return httpx.AsyncClient(http1=True, http2=False, limits=CONNECTIONS, follow_redirects=False, trust_env=False)
