"""One shop's endpoint, called over ASGI, with no server and none of the sandbox's other parts between."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from sandbox.faults import FaultKind, FaultPlan, Rule
from sandbox.shopify.endpoint import ShopifyEndpoint
from sandbox.shopify.shop import Shop
from sandbox.world import StoreWorld
from starlette.applications import Starlette
from starlette.routing import Route

from tests.fakes.clock import SandboxClock

PATH = "/admin/api/2026-07/graphql.json"


@dataclass
class ShopCaller:
    """Calls the endpoint of a store's shop."""

    store: StoreWorld
    plan: FaultPlan
    clock: SandboxClock
    http: httpx.AsyncClient

    @property
    def shop(self) -> Shop:
        """The shop that is called."""
        return self.store.shop

    def fault(self, operation: str, kind: FaultKind, **more: Any) -> None:
        """Put one rule into force."""
        self.plan.replace([Rule("shopify", operation, kind, **more)])

    async def post(
        self, query: str, /, *, token: str | None = None, path: str = PATH, **variables: Any
    ) -> httpx.Response:
        """Call it."""
        headers = {"X-Shopify-Access-Token": self.shop.access_token if token is None else token}
        return await self.http.post(path, headers=headers, json={"query": query, "variables": variables})

    async def document(self, query: str, /, **variables: Any) -> dict[str, Any]:
        """Call it, and read its JSON."""
        response = await self.post(query, **variables)
        assert response.status_code == 200
        found: dict[str, Any] = response.json()
        return found

    async def data(self, query: str, /, **variables: Any) -> dict[str, Any]:
        """Call it, and read the data of an answer without errors."""
        found = await self.document(query, **variables)
        assert "errors" not in found
        data: dict[str, Any] = found["data"]
        return data


@pytest.fixture
async def caller(store: StoreWorld) -> AsyncIterator[ShopCaller]:
    """A shop whose limits are the standard plan's."""
    plan, clock = FaultPlan(), SandboxClock()
    endpoint = ShopifyEndpoint(store.shop, plan=plan, history=store.history, calls=store.calls, clock=clock, scale=1.0)
    app = Starlette(routes=[Route("/admin/api/{version}/graphql.json", endpoint.answer, methods=["POST"])])
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://shop", trust_env=False) as http:
        yield ShopCaller(store, plan, clock, http)
