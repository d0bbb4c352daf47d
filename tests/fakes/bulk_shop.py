"""Shopify's bulk operations as a client sees them: operations that go their course, and the host of their results."""

import re
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import httpx
import orjson
from sync_worker.adapters.shopify.client import ShopifyClient
from sync_worker.adapters.shopify.session import open_session
from sync_worker.adapters.shopify.transport import CALL_SECONDS
from sync_worker.application.ports.call_gate import CallGate
from sync_worker.domain.stores import ShopifyAccount, Store

from tests.fakes.clock import ManualClock
from tests.fakes.handled_http import HandledHttp
from tests.fakes.open_gate import OpenGate
from tests.fakes.shopify_http import TOKEN, answer, page
from tests.fakes.shopify_traffic import a_bucket

FILES = "https://files.test"
CHILD = b'"__parentId":'


def variant_node(number: int, **given: Any) -> dict[str, Any]:
    """A variant as Shopify writes it."""
    return {
        "id": f"gid://shopify/ProductVariant/{number}",
        "title": "Default Title",
        "sku": f"SKU-{number}",
        "barcode": None,
        "price": "199.00",
        "compareAtPrice": None,
        "inventoryQuantity": 3,
        "updatedAt": "2026-05-01T00:00:00Z",
        "product": {"id": f"gid://shopify/Product/{number}", "title": f"Item {number}", "status": "ACTIVE"},
        "inventoryItem": {"id": f"gid://shopify/InventoryItem/{number}"},
    } | given


def level_node(variant: int, location: int, available: int) -> dict[str, Any]:
    """What a location has of a variant's item, as Shopify writes it into a bulk result."""
    return {
        "item": {"id": f"gid://shopify/InventoryItem/{variant}"},
        "location": {"id": f"gid://shopify/Location/{location}"},
        "quantities": [{"name": "available", "quantity": available}],
        "__parentId": f"gid://shopify/ProductVariant/{variant}",
    }


def customer_node(number: int) -> dict[str, Any]:
    """A customer as Shopify writes it."""
    return {
        "id": f"gid://shopify/Customer/{number}",
        "firstName": f"Customer {number}",
        "lastName": None,
        "note": None,
        "numberOfOrders": "0",
        "updatedAt": "2026-05-01T00:00:00Z",
        "amountSpent": {"amount": "0.0", "currencyCode": "VND"},
        "defaultEmailAddress": None,
        "defaultPhoneNumber": None,
        "defaultAddress": None,
    }


def jsonl(nodes: Iterable[object]) -> bytes:
    """A result: a line for each object."""
    return b"".join(orjson.dumps(node) + b"\n" for node in nodes)


@dataclass
class Started:
    """An operation that the shop has; it goes through the states of its course, a state a look."""

    number: int
    query: str
    course: list[str]
    cancelled: bool = False

    @property
    def state(self) -> str:
        """Where it stands."""
        return "CANCELED" if self.cancelled else self.course[0]

    def went_on(self) -> None:
        """Go on to the next state; the last one stays."""
        if len(self.course) > 1:
            self.course.pop(0)


@dataclass
class BulkShop:
    """A shop that gathers `content` for every operation, and the host from which it is downloaded.

    `course` is what an operation goes through. `before` is called before every request, `on_piece` before every
    piece of a download; both may raise. The host stops after as
    many bytes as the next of `cuts` says; it refuses `refused_addresses` downloads first, and knows no ranges without `ranges`. A
    range is answered with no more than `longest_part` bytes.
    """

    content: bytes = b""
    objects: int | None = None
    roots: int | None = None
    course: tuple[str, ...] = ("CREATED", "RUNNING", "COMPLETED")
    error_code: str | None = None
    partial: bool = False
    running_objects: int = 0
    taken: int = 0
    lost_starts: list[bool] = field(default_factory=list)
    """Whether a start whose answer is lost has started something, one after the other."""
    ranges: bool = True
    longest_part: int | None = None
    cuts: list[int] = field(default_factory=list)
    refused_addresses: int = 0
    host: str = FILES
    host_answers: list[httpx.Response] = field(default_factory=list)
    operations: list[Started] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    cancelled: list[int] = field(default_factory=list)
    downloads: list[httpx.Request] = field(default_factory=list)
    before: Callable[[], None] = lambda: None
    on_piece: Callable[[], None] = lambda: None
    clock: ManualClock = field(default_factory=ManualClock)

    def __post_init__(self) -> None:
        self.http = HandledHttp(self._handle)
        self.account = ShopifyAccount("http://shop.test", "hanoi", "2026-07", TOKEN)
        self.bucket = a_bucket(self.clock)

    def client(self, gate: CallGate | None = None) -> ShopifyClient:
        """The client of a job."""
        return ShopifyClient(
            self.account,
            self.http,
            self.bucket,
            gate or OpenGate(),
            self.clock,
            lambda _low, high: high,
            session=open_session(self.account, self.http, self.clock, CALL_SECONDS),
        )

    def shopify(self, store: Store, gate: CallGate) -> ShopifyClient:
        """Open it, as `Vendors` does."""
        return self.client(gate)

    def of(self, query: str, *course: str) -> Started:
        """Have an operation that somebody started earlier."""
        started = Started(len(self.operations) + 1, query, list(course))
        self.operations.append(started)
        return started

    @property
    def starts(self) -> int:
        """How often a start was asked for."""
        return self.asked.count("bulkOperationRunQuery")

    def _handle(self, request: httpx.Request) -> httpx.Response:
        self.before()
        if request.url.path.startswith("/results/"):
            return self._download(request)
        body = orjson.loads(request.content)
        (root,) = re.findall(r"^\S+ \w+[^{]*\{\s*(\w+)", body["query"].strip())
        self.asked.append(root)
        variables = body["variables"]
        if root == "bulkOperation":
            found = next((each for each in self.operations if _gid(each) == variables["id"]), None)
            if found is not None:
                found.went_on()
            return answer({root: None if found is None else self._told(found)})
        if root == "bulkOperations":
            return answer({root: {"nodes": [self._told(each) for each in reversed(self.operations)]}})
        if root == "bulkOperationRunQuery":
            return self._start(variables["query"])
        if root == "bulkOperationCancel":
            (ended,) = [each for each in self.operations if _gid(each) == variables["id"]]
            ended.cancelled = True
            self.cancelled.append(ended.number)
            return answer({root: {"bulkOperation": {"id": _gid(ended), "status": "CANCELING"}, "userErrors": []}})
        return page(root, [orjson.loads(line) for line in self.content.splitlines() if CHILD not in line])

    def _start(self, query: str) -> httpx.Response:
        root = "bulkOperationRunQuery"
        if self.taken:
            self.taken -= 1
            error = {"code": "LIMIT_REACHED", "field": None, "message": "5 operations are running."}
            return answer({root: {"bulkOperation": None, "userErrors": [error]}})
        if self.lost_starts:
            if self.lost_starts.pop(0):
                self.of(query, *self.course)
            raise httpx.ReadError("lost")
        return answer({root: {"bulkOperation": self._told(self.of(query, *self.course)), "userErrors": []}})

    def _told(self, operation: Started) -> dict[str, Any]:
        lines = self.content.count(b"\n")
        done = operation.state == "COMPLETED"
        objects = lines if self.objects is None else self.objects
        roots = objects - self.content.count(CHILD) if self.roots is None else self.roots
        return {
            "id": _gid(operation),
            "status": operation.state,
            "query": operation.query,
            "errorCode": self.error_code if operation.state == "FAILED" else None,
            "objectCount": str(objects if done else self.running_objects),
            "rootObjectCount": str(roots if done else 0),
            "url": f"{self.host}/results/{operation.number}" if done and self.content else None,
            "partialDataUrl": f"{self.host}/partial" if self.partial else None,
        }

    def _download(self, request: httpx.Request) -> httpx.Response:
        self.downloads.append(request)
        if self.refused_addresses:
            self.refused_addresses -= 1
            return httpx.Response(403)
        if self.host_answers:
            return self.host_answers.pop(0)
        first = int(request.headers.get("range", "bytes=0-")[6:-1]) if self.ranges else 0
        if first and first >= len(self.content):
            return httpx.Response(416, headers={"content-range": f"bytes */{len(self.content)}"})
        content = self.content[first:][: self.longest_part if first else None]
        span = {"content-range": f"bytes {first}-{first + len(content) - 1}/{len(self.content)}"}
        stream = _Cut(content, self.cuts.pop(0) if self.cuts else None, self.on_piece)
        return httpx.Response(206 if first else 200, headers=span if first else {}, stream=stream)


class _Cut(httpx.AsyncByteStream):
    """A body in small pieces whose connection breaks after so many bytes."""

    def __init__(self, content: bytes, cut: int | None, on_piece: Callable[[], None], piece: int = 700) -> None:
        self._content = content if cut is None else content[:cut]
        self._cut = cut is not None
        self._on_piece = on_piece
        self._piece = piece

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Give the pieces."""
        for first in range(0, len(self._content), self._piece):
            self._on_piece()
            yield self._content[first : first + self._piece]
        if self._cut:
            raise httpx.ReadError("cut")


def _gid(operation: Started) -> str:
    return f"gid://shopify/BulkOperation/{operation.number}"
