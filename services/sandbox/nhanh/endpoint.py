"""Nhanh's calls over HTTP: `/v3.0/{module}/{action}`."""

from collections.abc import Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from sandbox.answers import CutConnection, json_answer, not_found, plain_fault
from sandbox.calls import CallCounts
from sandbox.clock import Clock
from sandbox.faults import FaultKind, FaultPlan, Rule
from sandbox.nhanh.business import Business, Row
from sandbox.nhanh.envelope import NhanhError, invalid_token, rate_limited, refusal
from sandbox.nhanh.limits import Limits
from sandbox.nhanh.lists import CUSTOMER_CONDITIONS, PRODUCT_CONDITIONS, Page, RowList
from sandbox.nhanh.questions import Question, read_object, read_question
from sandbox.nhanh.rows import listed_customer, listed_product, spoiled, stocked_product

Answer = dict[str, Any]


class NhanhEndpoint:
    """Answers for one business."""

    def __init__(
        self,
        business: Business,
        store_id: str,
        *,
        plan: FaultPlan,
        calls: CallCounts,
        clock: Clock,
        scale: float | None,
    ) -> None:
        self.business = business
        self._store_id = store_id
        self._plan = plan
        self._calls = calls
        self._clock = clock
        self._limits = Limits(scale)
        self._writers: dict[str, Callable[[Business, int], Row]] = {
            "product/list": listed_product,
            "product/inventory": stocked_product,
            "customer/list": listed_customer,
        }
        products = RowList(business.products, PRODUCT_CONDITIONS)
        customers = RowList(business.customers, CUSTOMER_CONDITIONS)
        self._actions: dict[str, Callable[[bytes, Rule | None], Answer]] = {
            "product/list": lambda body, rule: self._list(
                "product/list",
                products.page(business.products.ids, question := read_question(body, "id")),
                question,
                rule,
            ),
            "product/inventory": lambda body, rule: self._list(
                "product/inventory",
                products.page(
                    business.stock.ids,
                    question := read_question(body, "productId", descending=True),
                ),
                question,
                rule,
            ),
            "customer/list": lambda body, rule: self._list(
                "customer/list",
                customers.page(business.customers.ids, question := read_question(body, None)),
                question,
                rule,
            ),
            "business/depot": lambda _body, _rule: self._depots(),
            "app/checkaccesstoken": self._token,
        }

    async def answer(self, request: Request, path: str) -> Response:
        """Answer a call to `module/action`."""
        if path not in self._actions:
            return not_found()
        name = f"nhanh {path}"
        rule = self._plan.take("nhanh", self._store_id, path)
        if rule is not None:
            self._calls.faulted[name] += 1
            fault = await self._fault(rule, path, name)
            if fault is not None:
                return fault
        seconds = self._limits.refused_for(path, self._clock.monotonic())
        if seconds is not None:
            self._calls.refused[name] += 1
            return rate_limited(seconds, self._clock.now())
        self._calls.answered[name] += 1
        try:
            self._check_token(request)
            body = await request.body()
            answer = self._actions[path](body, rule)
        except NhanhError as error:
            return refusal(error)
        return json_answer(answer)

    async def _fault(self, rule: Rule, path: str, name: str) -> Response | None:
        now = self._clock.now()
        match rule.kind:
            case FaultKind.HTTP_429:
                return rate_limited(rule.seconds, now, status=429)
            case FaultKind.LOCK | FaultKind.THROTTLED:
                self._limits.path(path).lock(self._clock.monotonic(), rule.seconds)
                return rate_limited(rule.seconds, now)
            case FaultKind.INVALID_TOKEN:
                return refusal(invalid_token())
            case FaultKind.DROP_AFTER_COMMIT:
                return CutConnection()
            case _:
                return await plain_fault(rule, plan=self._plan, calls=self._calls, operation=name, clock=self._clock)

    def _check_token(self, request: Request) -> None:
        business = self.business
        given = request.headers.get("authorization", "")
        expired = self._clock.now() >= business.token_expires_at
        if business.token_revoked or expired or given != business.access_token:
            raise invalid_token()

    def _list(self, path: str, page: Page, question: Question, rule: Rule | None) -> Answer:
        kind = None if rule is None else rule.kind
        if kind is FaultKind.SHORT_PAGE and len(page.ids) > 1:
            page = Page(page.ids[: len(page.ids) // 2], page.ids[len(page.ids) // 2 - 1])
        if kind is FaultKind.EMPTY_PAGE:
            return {"code": 1, "data": [], "paginator": {"next": _same_place(question)}}
        if page.last is None:
            return {"code": 1, "data": []}
        following: object = {"id": page.last}
        if kind is FaultKind.REPEAT_CURSOR:
            following = question.given_next or following
        rows = {one: self._writers[path](self.business, one) for one in page.ids}
        for item in self._plan.bad_items("nhanh", self._store_id, path):
            if item.isdecimal() and int(item) in rows:
                rows[int(item)] = spoiled(rows[int(item)])
        return {"code": 1, "data": list(rows.values()), "paginator": {"next": following}}

    def _depots(self) -> Answer:
        granted = self.business.granted_depots
        return {
            "code": 1,
            "data": [
                {"id": depot.depot_id, "code": None, "name": depot.name, "mobile": "", "location": []}
                for depot in self.business.depots.values()
                if granted is None or depot.depot_id in granted
            ],
        }

    def _token(self, body: bytes, _rule: Rule | None) -> Answer:
        business = self.business
        document = read_object(body)
        if document.get("secretKey") != business.secret_key:
            raise NhanhError("ERR_INVALID_FORM_FIELDS", {"secretKey": "is not the key of this app"})
        granted = business.granted_depots
        return {
            "code": 1,
            "data": {
                "accessToken": business.access_token,
                "version": "3.0",
                "expiredAt": business.token_expires_at,
                "businessId": business.business_id,
                "depotIds": [] if granted is None else sorted(granted),
                "pageIds": [],
                "permissions": ["product", "customer"],
            },
        }


def _same_place(question: Question) -> object:
    """Give another cursor of the same place, in another form: an answer may switch between number and text."""
    return {"id": "" if question.after is None else str(question.after), "again": question.again + 1}
