"""Shopify over HTTP as far as a client sees it: answers by the book, one after the other, and what was asked."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx
import orjson
from sync_worker.adapters.shopify.client import ShopifyClient
from sync_worker.adapters.shopify.session import open_session
from sync_worker.adapters.shopify.transport import CALL_SECONDS
from sync_worker.application.ports.clock import Clock
from sync_worker.domain.stores import ShopifyAccount

from tests.fakes.clock import ManualClock
from tests.fakes.handled_http import HandledHttp
from tests.fakes.open_gate import OpenGate
from tests.fakes.shopify_traffic import a_bucket

TOKEN = "shpat_00000000000000000000000000000000"

Step = httpx.Response | Exception | BaseException


def costs(
    requested: float = 10.0,
    actual: float | None = 10.0,
    available: float = 1_990.0,
    maximum: float = 2_000.0,
    rate: float = 100.0,
) -> dict[str, Any]:
    """What Shopify says of a call's cost."""
    return {
        "cost": {
            "requestedQueryCost": requested,
            "actualQueryCost": actual,
            "throttleStatus": {
                "maximumAvailable": maximum,
                "currentlyAvailable": available,
                "restoreRate": rate,
            },
        }
    }


def answer(data: Mapping[str, object], **cost: Any) -> httpx.Response:
    """An answer with data."""
    return httpx.Response(200, json={"data": data, "extensions": costs(**cost)})


def errors(code: str | None, message: str = "No.", data: object = ..., **cost: Any) -> httpx.Response:
    """An answer of HTTP 200 with an error; without `data` unless it is given."""
    error: dict[str, object] = {"message": message}
    if code is not None:
        error["extensions"] = {"code": code}
    body: dict[str, object] = {"errors": [error], "extensions": costs(**cost)}
    if data is not ...:
        body["data"] = data
    return httpx.Response(200, json=body)


def throttled(requested: float = 35.0, available: float = 5.0) -> httpx.Response:
    """A refusal by the bucket."""
    return errors("THROTTLED", "Throttled", requested=requested, actual=None, available=available)


def page(root: str, nodes: list[dict[str, Any]], after: str | None = None, **cost: Any) -> httpx.Response:
    """A page of a list; another follows when `after` is given."""
    return answer({root: {"nodes": nodes, "pageInfo": {"hasNextPage": after is not None, "endCursor": after}}}, **cost)


def user_errors(root: str, *found: Mapping[str, object]) -> httpx.Response:
    """A mutation's answer."""
    return answer({root: {"userErrors": list(found)}})


@dataclass
class ScriptedShop:
    """Answers with its steps in order; the last answers for ever. `asked` keeps the bodies of requests.

    With `new` it is not known yet which version of the API it serves.
    """

    steps: list[Step]
    asked: list[dict[str, Any]] = field(default_factory=list)
    requests: list[httpx.Request] = field(default_factory=list)
    clock: ManualClock = field(default_factory=ManualClock)
    gate: OpenGate = field(default_factory=OpenGate)
    on_call: Callable[[], None] = lambda: None
    new: bool = False

    def __post_init__(self) -> None:
        self.http = HandledHttp(self._handle)
        self.account = ShopifyAccount("http://shop.test/", "hanoi", "2026-07", TOKEN)
        self.bucket = a_bucket(self.clock)
        self.session = open_session(self.account, self.http, self.clock, CALL_SECONDS)
        self.session.versions.heard = not self.new
        self.client = self.another()

    def another(
        self, clock: Clock | None = None, gate: OpenGate | None = None, call_seconds: float = CALL_SECONDS
    ) -> ShopifyClient:
        """The client of another job, on the same bucket."""
        return ShopifyClient(
            self.account,
            self.http,
            self.bucket,
            gate or self.gate,
            clock or self.clock,
            lambda _low, high: high,
            call_seconds,
            session=self.session,
        )

    @property
    def variables(self) -> dict[str, Any]:
        """The variables of the last request."""
        found: dict[str, Any] = self.asked[-1]["variables"]
        return found

    def _handle(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(orjson.loads(request.content))
        self.requests.append(request)
        self.on_call()
        step = self.steps.pop(0) if len(self.steps) > 1 else self.steps[0]
        if isinstance(step, BaseException):
            raise step
        return httpx.Response(step.status_code, headers=step.headers, content=step.content)
