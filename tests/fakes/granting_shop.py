"""A Shopify shop that grants access tokens, over HTTP as far as a client sees it."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import parse_qs

import httpx
from sync_worker.adapters.shopify.client import ShopifyClient
from sync_worker.adapters.shopify.session import open_session
from sync_worker.domain.requests import ShopifyProductFilter
from sync_worker.domain.stores import ClientCredentials, ShopifyAccount

from tests.fakes.clock import ManualClock
from tests.fakes.handled_http import HandledHttp
from tests.fakes.open_gate import OpenGate
from tests.fakes.shopify_http import Step, page
from tests.fakes.shopify_traffic import a_bucket

SECRET = "shpss_11111111111111111111111111111111"
DAY = 86_399


def granted(token: str, seconds: float = DAY) -> httpx.Response:
    """Shopify's answer to a request for a token."""
    return httpx.Response(200, json={"access_token": token, "scope": "read_products", "expires_in": seconds})


@dataclass
class GrantingShop:
    """Grants what `grants` says, in order, the last for ever, and takes the tokens that are `good`.

    A grant waits for `may_grant`. Calls are answered by `answers` in order, then by an empty page of variants for ever.
    """

    grants: list[Step]
    good: Callable[[str], bool] = lambda _token: True
    answers: list[httpx.Response] = field(default_factory=list)
    asked: list[dict[str, list[str]]] = field(default_factory=list)
    asked_at: list[float] = field(default_factory=list)
    seen: list[str] = field(default_factory=list)
    clock: ManualClock = field(default_factory=ManualClock)
    gate: OpenGate = field(default_factory=OpenGate)

    def __post_init__(self) -> None:
        self.was_asked, self.may_grant = asyncio.Event(), asyncio.Event()
        self.may_grant.set()
        self.http = HandledHttp(self._handle)
        self.account = ShopifyAccount("http://shop.test", "hanoi", "2026-07", ClientCredentials("our-app", SECRET))
        self.session = open_session(self.account, self.http, self.clock, 15.0)
        self.bucket = a_bucket(self.clock)

    def client(self, gate: OpenGate | None = None) -> ShopifyClient:
        """The client of another job."""
        return ShopifyClient(
            self.account,
            self.http,
            self.bucket,
            gate or self.gate,
            self.clock,
            lambda _low, high: high,
            session=self.session,
        )

    async def read(self) -> None:
        """Read a page, in a job of its own."""
        await self.client().variant_page(ShopifyProductFilter(), None)

    async def _handle(self, request: httpx.Request) -> httpx.Response:
        await asyncio.sleep(0)
        if request.url.path == "/admin/oauth/access_token":
            assert "x-shopify-access-token" not in request.headers
            self.asked_at.append(self.clock.elapsed)
            self.asked.append(parse_qs(request.content.decode()))
            self.was_asked.set()
            await self.may_grant.wait()
            step = self.grants.pop(0) if len(self.grants) > 1 else self.grants[0]
            if isinstance(step, BaseException):
                raise step
            return httpx.Response(step.status_code, headers=step.headers, content=step.content)
        token = request.headers["x-shopify-access-token"]
        self.seen.append(token)
        if not self.good(token):
            return httpx.Response(401, json={"errors": f"bad {token}"})
        return self.answers.pop(0) if self.answers else page("productVariants", [])
