"""One call to Shopify: through the shop's bucket, then the job's gate, then over HTTP, and what came of it."""

from collections.abc import Mapping
from dataclasses import dataclass

import orjson

from sync_worker.adapters.http.port import Http, HttpFailure, NeverSent, Reply, TimedOut
from sync_worker.adapters.quotas.buckets import UNEXPLAINED_PAUSE_SECONDS
from sync_worker.adapters.quotas.line import ShutError
from sync_worker.adapters.shopify.answers import (
    LONGEST_RETRY_AFTER,
    Answer,
    Fault,
    RateLimited,
    Refused,
    answer_of,
    json_of,
)
from sync_worker.adapters.shopify.costs import CostReport, ThrottleStatus, cost_report
from sync_worker.adapters.shopify.documents import Document
from sync_worker.adapters.shopify.limiter import CostBucket, Reservation
from sync_worker.adapters.shopify.session import ShopSession
from sync_worker.adapters.shopify.tokens import NoToken, Token
from sync_worker.application.ports.call_gate import CallGate
from sync_worker.application.ports.clock import Clock
from sync_worker.application.ports.vendor_metrics import VendorMetrics
from sync_worker.domain.failures import VendorRefusal
from sync_worker.domain.stores import ShopifyAccount
from sync_worker.domain.traffic import Traffic

CALL_SECONDS = 15.0
"""No call takes longer. Shopify gives up on a request after about 10 s (status codes page: 504)."""

CONNECT_SECONDS = 5.0

HIDDEN_LENGTH = 16
"""A token of at least so many characters is cut out of whatever comes back; a shorter one is no secret."""


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
        http: Http,
        bucket: CostBucket,
        gate: CallGate,
        clock: Clock,
        call_seconds: float,
        traffic: Traffic,
        session: ShopSession,
    ) -> None:
        self.metrics = VendorMetrics()
        self.call_seconds = call_seconds
        self.session = session
        self.throttle: ThrottleStatus | None = None
        self._account = account
        self._http = http
        self._bucket = bucket
        self._gate = gate
        self._clock = clock
        self._traffic = traffic
        self._url = f"{account.base_url.rstrip('/')}/admin/api/{account.api_version}/graphql.json"

    async def call(self, request: Request) -> tuple[Answer, float]:
        """Make one call, and say how many seconds it was under way; the gate is passed last, right before it leaves.

        Where the token is not taken and another one can be had, the call is made once more with that.

        Raises:
            MalformedAnswer: The answer cannot be trusted.
            CatalogUnavailable: Nobody can say whether the call is within the limit; nothing was sent.
            WorkStopped: The gate is shut; nothing was sent.
        """
        answer, took, token = await self._call(request)
        if token is not None and _not_taken(answer) and self.session.tokens.replace(token):
            answer, took, _ = await self._call(request)
        return answer, took

    async def _call(self, request: Request) -> tuple[Answer, float, Token | None]:
        token = await self._token_for(request)
        if not isinstance(token, Token):
            self._rest(token)
            return token, 0.0, None
        try:
            held = await self._leave(request)
        except ShutError as shut:
            message = f"Shopify asks {self._account.shop} not to be called for another {shut.seconds:.0f} s"
            return RateLimited("HTTP_429", message, shut.seconds), 0.0, None
        self.metrics.api_calls += 1
        began = self._clock.monotonic()
        try:
            answer = await self._answer(request, held, token)
        finally:
            took = self._clock.monotonic() - began
            self.metrics.api_seconds += took
        return answer, took, token

    async def _token_for(self, request: Request) -> Token | NoToken:
        """Find the token to send with, or say why the call is not made."""
        document = request.document
        objection = self.session.versions.against_writing() if document.writes and document.changes_shop else None
        return await self.session.tokens.current(self._gate) if objection is None else Refused(objection)

    async def _leave(self, request: Request) -> Reservation:
        """Get leave to send a call: the bucket's, then the gate's, while the bucket's is still good."""
        while True:
            held = await self._bucket.reserve(
                request.document, request.entries, self._traffic, self._waited, LONGEST_RETRY_AFTER
            )
            try:
                await self._gate.pass_through(self.call_seconds)
            except BaseException:
                self._bucket.unsent(held)
                raise
            if self._bucket.may_leave(held):
                return held
            self._bucket.unsent(held)

    async def _answer(self, request: Request, held: Reservation, token: Token) -> Answer:
        try:
            response = await self._post(request, token)
        except NeverSent as failure:
            self._bucket.unsent(held)
            return Fault("CONNECTION_FAILED", f"{self._account.shop} cannot be reached: {failure}", False)
        except TimedOut:
            self._bucket.unanswered(held)
            return Fault("TIMEOUT", f"no answer came from {self._account.shop} within {self.call_seconds:g} s", True)
        except HttpFailure as failure:
            self._bucket.unanswered(held)
            return Fault("CONNECTION_LOST", f"no answer came from {self._account.shop}: {failure}", True)
        except BaseException:
            self._bucket.unanswered(held)
            raise
        body = json_of(_without_secrets(response.content, token))
        report = cost_report(body)
        self.throttle = report.status or self.throttle
        if 200 <= response.status < 300:  # others may come from a proxy on the way
            self.session.versions.see(response.headers)
        try:
            answer = answer_of(request.document, self._account.shop, response.status, response.headers, body)
        except BaseException:
            self._bucket.answered(held, report)
            raise
        self.metrics.api_points += report.actual or 0.0
        if not isinstance(answer, RateLimited):
            self._bucket.answered(held, report)
            return answer
        self._bucket.throttled(held, report)
        if answer.code != "THROTTLED":
            self._rest(answer)
        return _never_fits(report) or answer

    async def _post(self, request: Request, token: Token) -> Reply:
        return await self._http.post(
            self._url,
            orjson.dumps({"query": request.document.text, "variables": request.variables}),
            {
                "content-type": "application/json",
                "accept": "application/json",
                "x-shopify-access-token": token.text,
            },
            seconds=self.call_seconds,
            connect_seconds=CONNECT_SECONDS,
        )

    def _rest(self, answer: Answer) -> None:
        """Let no call to the shop through for as long as it asked for."""
        if isinstance(answer, RateLimited):
            asked = UNEXPLAINED_PAUSE_SECONDS if answer.retry_after is None else answer.retry_after
            self._bucket.pause(asked)

    def _waited(self, seconds: float) -> None:
        self.metrics.rate_limit_wait_seconds += seconds


def _not_taken(answer: Answer) -> bool:
    """Whether an answer says that the access token is not, or no longer, good."""
    return isinstance(answer, Refused) and answer.failure.code == "INVALID_TOKEN"


def _without_secrets(content: bytes, token: Token) -> bytes:
    secret = token.text.encode()
    return content.replace(secret, b"[hidden]") if len(secret) >= HIDDEN_LENGTH else content


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
