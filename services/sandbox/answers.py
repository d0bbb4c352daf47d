"""Answers that are no answers of an API: HTML, silence, a cut connection; and JSON, quickly."""

from collections.abc import Mapping

import orjson
from starlette.responses import HTMLResponse, Response
from starlette.types import Receive, Scope, Send

from sandbox.calls import CallCounts
from sandbox.clock import Clock
from sandbox.faults import FaultKind, FaultPlan, Rule

NOT_AVAILABLE = "<html><body><h1>503 Service Temporarily Unavailable</h1></body></html>"
NOT_FOUND = "<html><body><h1>404 Not Found</h1></body></html>"


class ConnectionCutError(Exception):
    """The sandbox was told to cut this connection."""


class CutConnection(Response):
    """Promises an answer and cuts the connection before it comes."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the head of an answer only."""
        head = [(b"content-type", b"application/json"), (b"content-length", b"1000")]
        await send({"type": "http.response.start", "status": 200, "headers": head})
        await send({"type": "http.response.body", "body": b"{", "more_body": True})
        raise ConnectionCutError


def json_answer(document: object, *, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Answer with JSON."""
    return Response(
        orjson.dumps(document), status_code=status, media_type="application/json", headers=dict(headers or {})
    )


def not_found() -> Response:
    """Answer as both vendors do for a path that they do not know."""
    return HTMLResponse(NOT_FOUND, status_code=404)


async def plain_fault(
    rule: Rule, *, plan: FaultPlan, calls: CallCounts, operation: str, clock: Clock
) -> Response | None:
    """Do what does not depend on the vendor's own form of answers.

    None: the call goes on, either since it was only held, or since the fault is for the vendor to carry out.
    """
    match rule.kind:
        case FaultKind.HTTP_503:
            return HTMLResponse(NOT_AVAILABLE, status_code=503)
        case FaultKind.HTTP_STATUS:
            return _of_status(int(rule.code), rule.message)
        case FaultKind.HTML:
            return HTMLResponse(NOT_AVAILABLE)
        case FaultKind.TIMEOUT:
            await clock.sleep(rule.seconds)
            return HTMLResponse(NOT_AVAILABLE, status_code=504)
        case FaultKind.HOLD:
            calls.held[operation] += 1
            try:
                await plan.until_replaced()
            finally:
                calls.held[operation] -= 1
            return None
        case _:
            return None


def _of_status(status: int, message: str) -> Response:
    if message:
        return json_answer({"errors": message}, status=status)
    return HTMLResponse(f"<html><body><h1>{status}</h1></body></html>", status_code=status)
