"""Nhanh's calls over HTTP: `/v3.0/{module}/{action}`."""

import functools
from collections.abc import Callable
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response

from sandbox.answers import CutConnection, not_found, plain_fault
from sandbox.calls import CallCounts
from sandbox.clock import Clock
from sandbox.faults import FaultKind, FaultPlan, Rule
from sandbox.nhanh.business import Business
from sandbox.nhanh.envelope import NhanhError, invalid_token, rate_limited, refusal
from sandbox.nhanh.habits import NhanhHabits
from sandbox.nhanh.limits import Limits
from sandbox.nhanh.list_answers import ListAnswers
from sandbox.nhanh.questions import read_object

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
        habits: NhanhHabits,
        seed: int,
        prepared: bool = False,
    ) -> None:
        self.business = business
        self._store_id = store_id
        self._plan = plan
        self._calls = calls
        self._clock = clock
        self._limits = Limits(scale, habits.window_scale)
        self._lists = ListAnswers(business, store_id, plan=plan, habits=habits, seed=seed, prepared=prepared)
        self._actions: dict[str, Callable[[bytes, Rule | None], bytes]] = {
            **{path: functools.partial(self._lists.answer, path) for path in self._lists.paths()},
            "business/depot": lambda _body, _rule: orjson.dumps(self._depots()),
            "app/checkaccesstoken": lambda body, _rule: orjson.dumps(self._token(body)),
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
        return Response(answer, media_type="application/json")

    async def _fault(self, rule: Rule, path: str, name: str) -> Response | None:
        now = self._clock.now()
        match rule.kind:
            case FaultKind.HTTP_429:
                return rate_limited(rule.seconds, now, status=429)
            case FaultKind.LOCK | FaultKind.THROTTLED:
                self._limits.path(path).lock(self._clock.monotonic(), rule.seconds)
                return rate_limited(rule.seconds, now, exceeded=rule.kind is FaultKind.THROTTLED)
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

    def _token(self, body: bytes) -> Answer:
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
