"""Shopify's Admin GraphQL API over HTTP."""

import uuid
from collections.abc import Sequence
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response

from sandbox.answers import CutConnection, json_answer, plain_fault
from sandbox.calls import CallCounts
from sandbox.clock import Clock
from sandbox.faults import FaultKind, FaultPlan, Rule
from sandbox.history import WriteHistory
from sandbox.shopify.app_access import exchange, too_many
from sandbox.shopify.arrays import array_refusal
from sandbox.shopify.bucket import CostBucket
from sandbox.shopify.context import Call
from sandbox.shopify.cost import Costing
from sandbox.shopify.execution import PAGED, carry_out
from sandbox.shopify.idempotency import IdempotencyKeys
from sandbox.shopify.schema import Checked, checked, schema
from sandbox.shopify.shop import Shop
from sandbox.shopify.versions import served_for

MAX_COST = 1_000
DEEPEST_ROW = 25_000
BAD_TOKEN = "[API] Invalid API key or access token (unrecognized login or wrong password)"  # noqa: S105 - a sentence

Errors = list[dict[str, Any]]


class ShopifyEndpoint:
    """Answers for one shop."""

    def __init__(
        self,
        shop: Shop,
        *,
        plan: FaultPlan,
        history: WriteHistory,
        calls: CallCounts,
        clock: Clock,
        scale: float | None,
        prepared: bool = False,
    ) -> None:
        self.shop = shop
        self._plan = plan
        self._history = history
        self._calls = calls
        self._clock = clock
        self._bucket = CostBucket(scale)
        self._deepest = None if scale is None else DEEPEST_ROW
        self._keys = IdempotencyKeys()
        self._prepared: dict[bytes, tuple[bytes, int]] | None = {} if prepared else None

    async def answer(self, request: Request) -> Response:
        """Answer one request; what the API itself says has a request id and the version that was served."""
        version = served_for(request.path_params["version"])
        response = await self._answer_to(request, version)
        if response.media_type == "application/json":
            response.headers["X-Request-ID"] = str(uuid.uuid4())
            response.headers["X-Shopify-API-Version"] = version
        return response

    async def grant(self, request: Request) -> Response:
        """Exchange the app's credentials for an access token."""
        shop = self.shop
        return await exchange(
            request,
            shop.app,
            shop=shop.shop,
            scopes=shop.scopes,
            plan=self._plan,
            calls=self._calls,
            clock=self._clock,
        )

    def _takes(self, token: str) -> bool:
        return token == self.shop.access_token or self.shop.app.takes(token, self._clock.now())

    async def _answer_to(self, request: Request, version: str) -> Response:
        if not self._takes(request.headers.get("x-shopify-access-token", "")):
            return json_answer({"errors": BAD_TOKEN}, status=401)
        try:
            body = orjson.loads(await request.body())
            text, variables = str(body["query"]), dict(body.get("variables") or {})
        except (ValueError, KeyError, TypeError, AttributeError):
            return json_answer({"errors": "Bad Request"}, status=400)
        found = checked(text)
        rule, answer = await self._fault(found, variables)
        if answer is not None:
            return answer
        call = self._call(found, rule, version, str(request.base_url))
        answer = self._execute(found, variables, call)
        if rule is not None and rule.kind is FaultKind.DROP_AFTER_COMMIT:
            return CutConnection()
        return answer

    async def _fault(self, found: Checked, variables: dict[str, Any]) -> tuple[Rule | None, Response | None]:
        """Let the plan's fault happen, as far as it happens before the call is carried out."""
        rule = self._plan.take("shopify", self.shop.shop, found.root)
        if rule is None:
            return None, None
        name = f"shopify {found.root}"
        self._calls.faulted[name] += 1
        match rule.kind:
            case FaultKind.HTTP_429:
                return rule, too_many(rule)
            case FaultKind.INVALID_TOKEN:
                return rule, json_answer({"errors": BAD_TOKEN}, status=401)
            case FaultKind.THROTTLED | FaultKind.LOCK:
                return rule, self._throttled(_requested(found, variables), short_by=rule.seconds)
            case _:
                answer = await plain_fault(rule, plan=self._plan, calls=self._calls, operation=name, clock=self._clock)
                return rule, answer

    def _call(self, found: Checked, rule: Rule | None, version: str, base_url: str) -> Call:
        unreadable = self._plan.bad_items("shopify", self.shop.shop, found.root) if found.root in PAGED else {}
        return Call(
            self.shop,
            self._plan,
            self._history,
            self._keys,
            self._clock,
            rule,
            base_url,
            version,
            self._deepest,
            unreadable,
        )

    def _execute(self, found: Checked, variables: dict[str, Any], call: Call) -> Response:
        if found.operation is None or found.document is None:
            return self._answer(None, [_plain(error.formatted, "BAD_REQUEST") for error in found.errors])
        costing = Costing(schema(), found.fragments, found.operation, variables)
        requested = costing.cost()
        if requested > MAX_COST:
            message = f"Query cost is {requested}, which exceeds the single query max cost limit ({MAX_COST})."
            extensions = {"code": "MAX_COST_EXCEEDED", "cost": requested, "maxCost": MAX_COST}
            return self._answer(None, [{"message": message, "extensions": extensions}], requested=requested)
        if not self._bucket.take(requested, self._clock.monotonic()):
            self._calls.refused[f"shopify {found.root}"] += 1
            return self._throttled(requested)
        self._calls.answered[f"shopify {found.root}"] += 1
        refusal = array_refusal(costing.arguments())
        if refusal is not None:
            return self._answer(None, [refusal], requested=requested)
        page_name: bytes | None = None
        if self._prepared is not None and call.rule is None and not call.unreadable and found.root in PAGED:
            page_name = orjson.dumps([found.text, variables])
            if page_name in self._prepared:
                page, actual = self._prepared[page_name]
                return self._spent(orjson.Fragment(page), [], requested, actual)
        result = carry_out(found.document, variables, call)
        actual = costing.cost(result.data) if result.data is not None else requested
        actual = min(actual, requested)
        errors = [_plain(error.formatted, "INVALID_VARIABLE") for error in result.errors or ()]
        if page_name is not None and self._prepared is not None and not errors and not call.ignored:
            self._prepared[page_name] = orjson.dumps(result.data), actual
        return self._spent(result.data, errors, requested, actual, list(call.ignored.values()))

    def _spent(
        self, data: object, errors: Errors, requested: int, actual: int, ignored: Sequence[object] = ()
    ) -> Response:
        """Answer a call that was carried out, and give back what it did not cost."""
        self._bucket.give_back(requested - actual)
        self._calls.points += actual
        return self._answer(data, errors, requested=requested, actual=actual, ignored=ignored)

    def _throttled(self, requested: int, *, short_by: float | None = None) -> Response:
        """Refuse by the bucket, or as if the bucket lacked what comes back in `short_by` seconds."""
        extensions = {"code": "THROTTLED", "documentation": "https://shopify.dev/api/usage/limits"}
        lacking = None if short_by is None else max(0.0, requested - short_by * self._bucket.rate)
        error = {"message": "Throttled", "extensions": extensions}
        return self._answer(None, [error], requested=requested, available=lacking)

    def _answer(
        self,
        data: object,
        errors: Errors,
        *,
        requested: int | None = None,
        actual: int | None = None,
        available: float | None = None,
        ignored: Sequence[object] = (),
    ) -> Response:
        document: dict[str, Any] = {}
        if data is not None:
            document["data"] = data
        if errors:
            document["errors"] = errors
        if requested is not None:
            status = self._bucket.status(self._clock.monotonic())
            if available is not None:
                status["currentlyAvailable"] = float(int(available))
            document["extensions"] = {
                "cost": {"requestedQueryCost": requested, "actualQueryCost": actual, "throttleStatus": status}
            }
            if ignored:
                document["extensions"]["search"] = ignored
        return json_answer(document)


def _requested(found: Checked, variables: dict[str, Any]) -> int:
    return 0 if found.operation is None else Costing(schema(), found.fragments, found.operation, variables).cost()


def _plain(error: Any, code: str) -> dict[str, Any]:  # noqa: ANN401 - graphql-core's formatted error
    found: dict[str, Any] = dict(error)
    found.setdefault("extensions", {"code": code})
    return found
