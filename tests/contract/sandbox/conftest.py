"""The sandbox over HTTP, called as its vendors are, with no client of SyncWorker between."""

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
import sandbox
from sandbox.faults import FaultKind, Rule
from sandbox.world import StoreWorld

from tests.fakes.clock import SandboxClock

GRAPHQL = "/shopify/hanoi/admin/api/2026-07/graphql.json"
ASKED_AT_MOST = 2_000
NO_TLS = ssl.create_default_context()
"""Made once: a client would read all certificates anew, which takes longer than most tests."""


@dataclass
class Caller:
    """A running sandbox, and calls to it that are right unless a test says otherwise."""

    handle: sandbox.Handle
    http: httpx.AsyncClient
    clock: SandboxClock

    @property
    def store(self) -> StoreWorld:
        """The store that is called."""
        return self.handle.world.stores["hanoi"]

    def fault(self, vendor: str, operation: str, kind: FaultKind, **more: Any) -> None:
        """Put one rule into force."""
        self.handle.world.plan.replace([Rule(vendor, operation, kind, **more)])

    async def post_nhanh(
        self,
        path: str,
        body: object = None,
        *,
        params: dict[str, Any] | None = None,
        token: str | None = None,
        content: bytes | None = None,
    ) -> httpx.Response:
        """Call Nhanh."""
        business = self.store.business
        return await self.http.post(
            f"/nhanh/v3.0/{path}",
            params={"appId": business.app_id, "businessId": business.business_id} if params is None else params,
            headers={"Authorization": business.access_token if token is None else token},
            **({"json": {} if body is None else body} if content is None else {"content": content}),
        )

    async def nhanh(self, path: str, body: object = None, **more: Any) -> dict[str, Any]:
        """Call Nhanh, and read its JSON; every answer of the business has HTTP 200."""
        response = await self.post_nhanh(path, body, **more)
        assert response.status_code == 200
        document: dict[str, Any] = response.json()
        return document

    async def post_shopify(
        self, query: str, /, *, token: str | None = None, path: str = GRAPHQL, **variables: Any
    ) -> httpx.Response:
        """Call Shopify."""
        headers = {"X-Shopify-Access-Token": self.store.shop.access_token if token is None else token}
        return await self.http.post(path, headers=headers, json={"query": query, "variables": variables})

    async def shopify(self, query: str, /, **variables: Any) -> dict[str, Any]:
        """Call Shopify, and read its JSON."""
        response = await self.post_shopify(query, **variables)
        assert response.status_code == 200
        document: dict[str, Any] = response.json()
        return document

    async def data(self, query: str, /, **variables: Any) -> dict[str, Any]:
        """Call Shopify, and read the data of an answer without errors."""
        document = await self.shopify(query, **variables)
        assert "errors" not in document
        found: dict[str, Any] = document["data"]
        return found

    async def until_held(self, operation: str) -> None:
        """Ask for the calls until one of this operation, and none else, is shown as held."""
        for _ in range(ASKED_AT_MOST):
            calls = (await self.http.get("/_sandbox/calls", params={"store": "hanoi"})).json()
            if calls["held"] == {operation: 1}:
                return
        pytest.fail(f"no call of {operation} was held")

    async def history(self, after: int = 0) -> list[dict[str, Any]]:
        """List the writes."""
        response = await self.http.get("/_sandbox/history", params={"store": "hanoi", "after": after})
        writes: list[dict[str, Any]] = response.json()["writes"]
        return writes


@asynccontextmanager
async def calling(**options: Any) -> AsyncIterator[Caller]:
    """Run a sandbox of two small stores, its limits off unless `limits_scale` says otherwise."""
    chosen = {"products": 30, "customers": 60, "stores": ("hanoi", "danang"), "limits_scale": None, **options}
    clock = SandboxClock()
    async with (
        sandbox.running(sandbox.SandboxOptions(**chosen), clock=clock) as handle,
        httpx.AsyncClient(base_url=handle.url, trust_env=False, verify=NO_TLS) as http,
    ):
        yield Caller(handle, http, clock)


@pytest.fixture
async def box() -> AsyncIterator[Caller]:
    """A sandbox without limits."""
    async with calling() as caller:
        yield caller
