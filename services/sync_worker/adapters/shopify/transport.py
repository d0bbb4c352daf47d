"""One call to Shopify: through the shop's bucket, then the job's gate, then over HTTP, and what came of it."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

import httpx
import orjson
import structlog

from sync_worker.adapters.shopify.answers import Answer, Fault, RateLimited, Refused, answer_of, json_of
from sync_worker.adapters.shopify.costs import CostReport, cost_report
from sync_worker.adapters.shopify.documents import Document
from sync_worker.adapters.shopify.limiter import UNEXPLAINED_PAUSE_SECONDS, CostBucket, Reservation
from sync_worker.application.ports.call_gate import CallGate
from sync_worker.application.ports.clock import Clock
from sync_worker.application.ports.vendor_metrics import VendorMetrics
from sync_worker.domain.failures import VendorRefusal
from sync_worker.domain.stores import ShopifyAccount
from sync_worker.domain.traffic import Traffic

CALL_SECONDS = 15.0
"""No call takes longer. Shopify gives up on a request after about 10 s (status codes page: 504)."""

CONNECT_SECONDS = 5.0

LONGEST_RETRY_AFTER = 120.0
"""A longer wait than this, in seconds, is for the job's own retry, not for a call."""

HIDDEN_LENGTH = 16
"""A token of at least so many characters is cut out of whatever comes back; a shorter one is no secret."""

_NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Request:
    """A document with its variables, about so many entries. `keyed`: a repeat with the same key is not applied twice."""

    document: Document
    variables: Mapping[str, object]
    entries: int = 1
    keyed: bool = False


class Transport:
    """One job's calls to one shop."""

    def __init__(
        self,
        account: ShopifyAccount,
        http: httpx.AsyncClient,
        bucket: CostBucket,
        gate: CallGate,
        clock: Clock,
        call_seconds: float = CALL_SECONDS,
        traffic: Traffic = Traffic.BULK,
    ) -> None:
        self.metrics = VendorMetrics()
        self.call_seconds = call_seconds
        self._account = account
        self._http = http
        self._bucket = bucket
        self._gate = gate
        self._clock = clock
        self._traffic = traffic
        self._url = f"{account.base_url.rstrip('/')}/admin/api/{account.api_version}/graphql.json"
        self._told_version = False

    async def call(self, request: Request) -> tuple[Answer, float]:
        """Make one call, and say how many seconds it was under way; the gate is passed last, right before it leaves.

        Raises:
            MalformedAnswer: The answer cannot be trusted.
            CatalogUnavailable: Nobody can say whether the call is within the limit; nothing was sent.
            WorkStopped: The gate is shut; nothing was sent.
        """
        held = await self._leave(request)
        self.metrics.api_calls += 1
        began = self._clock.monotonic()
        try:
            answer = await self._answer(request, held)
        finally:
            took = self._clock.monotonic() - began
            self.metrics.api_seconds += took
        return answer, took

    async def _leave(self, request: Request) -> Reservation:
        """Get leave to send a call: the bucket's, then the gate's, while the bucket's is still good."""
        while True:
            held = await self._bucket.reserve(request.document, request.entries, self._traffic, self._waited)
            try:
                await self._gate.pass_through(self.call_seconds)
            except BaseException:
                self._bucket.unsent(held)
                raise
            if self._bucket.may_leave(held):
                return held
            self._bucket.unsent(held)

    async def _answer(self, request: Request, held: Reservation) -> Answer:
        try:
            response = await self._post(request)
        except _NEVER_SENT as error:
            self._bucket.unsent(held)
            return Fault("CONNECTION_FAILED", f"{self._account.shop} cannot be reached: {type(error).__name__}", False)
        except (httpx.HTTPError, TimeoutError) as error:
            self._bucket.unanswered(held)
            code = "TIMEOUT" if isinstance(error, httpx.TimeoutException | TimeoutError) else "CONNECTION_LOST"
            return Fault(code, f"no answer came from {self._account.shop}: {type(error).__name__}", True)
        except BaseException:
            self._bucket.unanswered(held)
            raise
        body = json_of(self._without_secrets(response.content))
        report = cost_report(body)
        try:
            answer = answer_of(request.document, self._account.shop, response.status_code, response.headers, body)
        except BaseException:
            self._bucket.answered(held, report)
            raise
        self.metrics.api_points += report.actual or 0.0
        self._see_version(response.headers.get("x-shopify-api-version"))
        if not isinstance(answer, RateLimited):
            self._bucket.answered(held, report)
            return answer
        self._bucket.throttled(held, report)
        if answer.code != "THROTTLED":
            asked = UNEXPLAINED_PAUSE_SECONDS if answer.retry_after is None else answer.retry_after
            self._bucket.pause(min(asked, LONGEST_RETRY_AFTER))
        return _never_fits(report) or answer

    async def _post(self, request: Request) -> httpx.Response:
        """Send, and read the whole answer; httpx bounds each step of it, and the clock of the loop all of them."""
        async with asyncio.timeout(self.call_seconds):
            return await self._http.post(
                self._url,
                content=orjson.dumps({"query": request.document.text, "variables": request.variables}),
                headers={
                    "content-type": "application/json",
                    "accept": "application/json",
                    "x-shopify-access-token": self._account.access_token,
                },
                timeout=httpx.Timeout(self.call_seconds, connect=CONNECT_SECONDS),
            )

    def _without_secrets(self, content: bytes) -> bytes:
        token = self._account.access_token.encode()
        return content.replace(token, b"[hidden]") if len(token) >= HIDDEN_LENGTH else content

    def _waited(self, seconds: float) -> None:
        self.metrics.rate_limit_wait_seconds += seconds

    def _see_version(self, served: str | None) -> None:
        """Say once that Shopify serves another version than was asked for, as it does when that one has expired."""
        if served is None or served == self._account.api_version or self._told_version:
            return
        self._told_version = True
        log.warning(
            "shopify_serves_another_version",
            shop=self._account.shop,
            asked=self._account.api_version,
            served=served,
        )


def _never_fits(report: CostReport) -> Refused | None:
    if report.requested is None or report.status is None or report.requested <= report.status.maximum:
        return None
    return Refused(
        VendorRefusal(
            "shopify",
            "COST_OVER_BUCKET",
            f"the request costs {report.requested:g} points, and the shop's bucket holds {report.status.maximum:g}",
        )
    )
