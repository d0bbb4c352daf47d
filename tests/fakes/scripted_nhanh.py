"""A Nhanh that answers by a script, and a client of it whose waits take no real time."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx
import orjson
from sync_worker.adapters.nhanh.client import NhanhClient
from sync_worker.adapters.nhanh.limiter import SlidingWindow, SlidingWindows
from sync_worker.adapters.nhanh.transport import NhanhTransport
from sync_worker.domain.stores import NhanhAccount

from tests.fakes.clock import ManualClock
from tests.fakes.handled_http import HandledHttp
from tests.fakes.open_gate import OpenGate
from tests.fakes.quota_ledger import MemoryLedger

Scripted = httpx.Response | Exception


def json_answer(document: object, status: int = 200, headers: dict[str, str] | None = None) -> httpx.Response:
    """An answer with a JSON body."""
    return httpx.Response(status, content=orjson.dumps(document), headers=headers)


def page(rows: object, following: object = None) -> httpx.Response:
    """A page of a list; without `following` it has no paginator at all, as Nhanh's last one."""
    document = {"code": 1, "data": rows}
    return json_answer(document if following is None else {**document, "paginator": {"next": following}})


def an_account(**changes: Any) -> NhanhAccount:
    """An account at a Nhanh that is nowhere."""
    facts: dict[str, Any] = {
        "base_url": "http://nhanh.test/nhanh",
        "app_id": 101,
        "business_id": 1001,
        "access_token": "s3cret-access-token",
        "secret_key": "s3cret-app-key",
        "quota_calls": 145,
        "quota_window_seconds": 30.0,
    }
    return NhanhAccount(**{**facts, **changes})


@dataclass
class ScriptedNhanh:
    """Gives one scripted answer a call, in order, and keeps what was asked and when."""

    script: list[Scripted]
    clock: ManualClock = field(default_factory=ManualClock)
    gate: OpenGate = field(default_factory=OpenGate)
    account: NhanhAccount = field(default_factory=an_account)
    requests: list[httpx.Request] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    on_call: Callable[[], None] = lambda: None

    def __post_init__(self) -> None:
        self.ledger = MemoryLedger(self.clock)
        self.windows = SlidingWindows(self.ledger, self.clock, process="one", call_seconds=15.0)

    @property
    def bodies(self) -> list[dict[str, Any]]:
        """The JSON bodies that were sent."""
        return [orjson.loads(request.content) for request in self.requests]

    def window(self, path: str) -> SlidingWindow:
        """The limiter of a path."""
        return self.windows.of(self.account, path)

    def transport(self, **options: Any) -> NhanhTransport:
        """A transport of this Nhanh; jitter draws the upper bound."""
        return NhanhTransport(
            self.account, self._http(), self.window, self.gate, self.clock, lambda _low, high: high, **options
        )

    def client(self, *, depots_matter: bool = False) -> NhanhClient:
        """A client of this Nhanh."""
        return NhanhClient(
            self.account,
            self._http(),
            self.window,
            self.gate,
            self.clock,
            lambda _low, high: high,
            depots_matter=depots_matter,
        )

    def _http(self) -> HandledHttp:
        return HandledHttp(self._answer)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        self.times.append(self.clock.monotonic())
        self.on_call()
        assert self.script, f"nobody expected another call of {request.url.path}"
        answer = self.script.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer
