"""The control interface at `/_sandbox`: for whoever tests against the sandbox. No limit of a vendor counts its calls."""

import re
from collections.abc import Callable
from dataclasses import fields
from typing import Any

import orjson
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.answers import json_answer
from sandbox.expectations import truth_document
from sandbox.faults import FaultKind, Rule
from sandbox.mutations import EditError, apply_edits
from sandbox.row_truth import rows_document
from sandbox.shopify.state import prices, quantities, spends
from sandbox.world import StoreWorld, World

STATUS = re.compile(r"[45][0-9]{2}")


class FaultPlanError(Exception):
    """A fault plan that cannot be used; says what is wrong with which rule."""


def read_rules(document: object) -> list[Rule]:
    """Read a fault plan: `{"rules": [{"vendor": …, "operation": …, "kind": …, …}]}`.

    Raises:
        FaultPlanError: Naming every rule that cannot be used.
    """
    rules = document.get("rules") if isinstance(document, dict) else None
    if not isinstance(rules, list):
        raise FaultPlanError('a fault plan is an object with a list "rules"')
    known = {field.name for field in fields(Rule)}
    faults, read = [], []
    for number, given in enumerate(rules):
        try:
            if not isinstance(given, dict) or (unknown := set(given) - known):
                raise ValueError(f"unknown keys {sorted(unknown)}" if isinstance(given, dict) else "is not an object")
            if given.get("vendor") not in ("nhanh", "shopify"):
                raise ValueError("vendor must be nhanh or shopify")
            _check_values(given)
            read.append(Rule(**{**given, "kind": FaultKind(str(given.get("kind")))}))
        except (ValueError, TypeError) as error:
            faults.append(f"rule {number}: {error}")
    if faults:
        raise FaultPlanError("; ".join(faults))
    return read


def _check_values(rule: dict[str, Any]) -> None:
    for name, least in (("skip", 0), ("times", -1), ("seconds", 0)):
        value = rule.get(name, 0)
        whole_or_not = int if name != "seconds" else (int, float)
        if isinstance(value, bool) or not isinstance(value, whole_or_not) or value < least:
            raise ValueError(f"{name} must be a number, {least} at least")
    for name in ("operation", "store", "item", "code", "message"):
        if not isinstance(rule.get(name, ""), str):
            raise TypeError(f"{name} must be text")
    if rule.get("kind") == FaultKind.HTTP_STATUS and not STATUS.fullmatch(rule.get("code", "")):
        raise ValueError("code must be an HTTP status from 400 to 599")


class Control:
    """Shows and changes a world."""

    def __init__(self, world: World) -> None:
        self._world = world

    def routes(self) -> list[Route]:
        """List the interface's routes."""
        return [
            Route("/truth", self._shown(truth_document)),
            Route("/state", self._shown(_state)),
            Route("/rows", self._shown(rows_document)),
            Route("/calls", self._shown(lambda store: store.calls.as_json())),
            Route("/history", self._history),
            Route("/faults", self._replace_faults, methods=["PUT"]),
            Route("/faults", self._clear_faults, methods=["DELETE"]),
            Route("/latency", self._latency, methods=["POST"]),
            Route("/mutate", self._mutate, methods=["POST"]),
        ]

    def _shown(self, document: Callable[[StoreWorld], dict[str, Any]]) -> Callable[[Request], Any]:
        async def show(request: Request) -> Response:
            wanted = request.query_params.get("store")
            if wanted is None:
                return json_answer({name: document(store) for name, store in self._world.stores.items()})
            return json_answer(document(self._store(request)))

        return show

    async def _history(self, request: Request) -> Response:
        after = request.query_params.get("after", "0")
        if not after.isdecimal():
            raise HTTPException(400, "after must be a number")
        return json_answer({"writes": self._store(request).history.after(int(after))})

    async def _replace_faults(self, request: Request) -> Response:
        try:
            self._world.plan.replace(read_rules(await _json(request)))
        except FaultPlanError as error:
            raise HTTPException(400, str(error)) from None
        return json_answer({"rules": len(self._world.plan.rules)})

    async def _clear_faults(self, _request: Request) -> Response:
        self._world.plan.replace([])
        return json_answer({"rules": 0})

    async def _latency(self, request: Request) -> Response:
        document = await _json(request)
        ms = document.get("ms") if isinstance(document, dict) else None
        if not isinstance(ms, int | float) or not 0 <= ms <= 60_000:
            raise HTTPException(400, "ms must be between 0 and 60000")
        self._world.latency_ms = float(ms)
        return json_answer({"ms": ms})

    async def _mutate(self, request: Request) -> Response:
        document = await _json(request)
        edits = document.get("edits") if isinstance(document, dict) else None
        if not isinstance(edits, list):
            raise HTTPException(400, 'the body is an object with a list "edits"')
        try:
            return json_answer({"edits": apply_edits(self._store(request), edits)})
        except EditError as error:
            raise HTTPException(400, str(error)) from None

    def _store(self, request: Request) -> StoreWorld:
        wanted = request.query_params.get("store", "")
        if wanted not in self._world.stores:
            raise HTTPException(404, f"no store {wanted!r}; there are {', '.join(self._world.stores)}")
        return self._world.stores[wanted]


async def _json(request: Request) -> object:
    try:
        document: object = orjson.loads(await request.body())
    except orjson.JSONDecodeError:
        raise HTTPException(400, "the body is not JSON") from None
    return document


def _state(store: StoreWorld) -> dict[str, Any]:
    return {"quantities": quantities(store.shop), "spends": spends(store.shop), "prices": prices(store.shop)}
