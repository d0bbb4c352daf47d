"""Result files and uploads over HTTP: other addresses than the API's, and no access token."""

import re
from collections.abc import AsyncIterator
from email import message_from_bytes

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse

from sandbox.answers import ConnectionCutError, not_found, plain_fault
from sandbox.calls import CallCounts
from sandbox.clock import Clock
from sandbox.faults import FaultKind, FaultPlan
from sandbox.shopify.shop import Shop

DOWNLOAD = "bulk/download"
PIECE = 256 * 1024
_RANGE = re.compile(r"bytes=([0-9]+)-([0-9]*)")


async def download(request: Request, shop: Shop, plan: FaultPlan, calls: CallCounts, clock: Clock) -> Response:
    """Send a result file, or the part of it that is asked for."""
    operation = shop.bulk.known.get(int(request.path_params["number"]))
    if operation is None:
        return not_found()
    rule = plan.take("shopify", shop.shop, DOWNLOAD)
    kind = None if rule is None else rule.kind
    name = f"shopify {DOWNLOAD}"
    if rule is not None:
        calls.faulted[name] += 1
        answer = await plain_fault(rule, plan=plan, calls=calls, operation=name, clock=clock)
        if answer is not None:
            return answer
    if kind is FaultKind.URL_EXPIRED:
        operation.url_lives += 1
    is_known = request.query_params.get("life") == str(operation.url_lives)
    if not is_known or not operation.has_file(clock.now()):
        return PlainTextResponse("The signature has expired.", status_code=403)
    calls.answered[name] += 1
    whole = len(operation.content)
    asked = None if kind is FaultKind.RANGE_IGNORED else _RANGE.fullmatch(request.headers.get("range", ""))
    begin, end = (0, whole) if asked is None else _part(asked, whole)
    if begin >= end:
        return Response(status_code=416, headers={"Content-Range": f"bytes */{whole}"})
    headers = {"Content-Length": str(end - begin), "Accept-Ranges": "bytes"}
    if asked is not None:
        headers["Content-Range"] = f"bytes {begin}-{end - 1}/{whole}"
    body = _pieces(operation.content, begin, end, cut=kind is FaultKind.DROP_AFTER_COMMIT)
    return StreamingResponse(body, 200 if asked is None else 206, headers, "application/jsonl")


async def upload(request: Request, shop: Shop) -> Response:
    """Take a file that comes behind every parameter that was given for it."""
    *given, (last, content) = _form(request.headers.get("content-type", ""), await request.body()) or [("", b"")]
    parameters = {name: value.decode(errors="replace") for name, value in given}
    path = parameters.get("key", "")
    if last != "file" or parameters != shop.bulk.promised.get(path):
        return PlainTextResponse("The upload is not one that was promised.", status_code=403)
    shop.bulk.uploads[path] = content
    return Response(status_code=201)


def _form(content_type: str, body: bytes) -> list[tuple[str, bytes]]:
    """Read the fields of a form in their order; none of what is no multipart form."""
    form = message_from_bytes(b"Content-Type: " + content_type.encode() + b"\r\n\r\n" + body)
    parts = [part for part in form.walk() if not part.is_multipart()] if form.is_multipart() else []
    return [
        (str(part.get_param("name", "", "content-disposition")), bytes(part.get_payload(decode=True))) for part in parts
    ]


def _part(asked: re.Match[str], whole: int) -> tuple[int, int]:
    """Give the first byte that is asked for, and the one behind the last."""
    return int(asked[1]), min(int(asked[2]) + 1, whole) if asked[2] else whole


async def _pieces(content: bytes, begin: int, end: int, *, cut: bool) -> AsyncIterator[bytes]:
    """Give a part in pieces; or half of it, and a cut connection."""
    last = begin + (end - begin) // 2 if cut else end
    for start in range(begin, last, PIECE):
        yield content[start : min(start + PIECE, last)]
    if cut:
        raise ConnectionCutError
