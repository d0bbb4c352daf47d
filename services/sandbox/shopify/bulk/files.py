"""Result files and uploads over HTTP: other addresses than the API's, and no access token."""

import re
from collections.abc import AsyncIterator

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse

from sandbox.answers import ConnectionCutError, not_found
from sandbox.calls import CallCounts
from sandbox.faults import FaultKind, FaultPlan
from sandbox.shopify.bulk.starting import LARGEST_UPLOAD
from sandbox.shopify.shop import Shop

DOWNLOAD = "bulk/download"
PIECE = 256 * 1024
_RANGE = re.compile(r"bytes=([0-9]+)-")


async def download(request: Request, shop: Shop, plan: FaultPlan, calls: CallCounts) -> Response:
    """Send a result file, or its rest."""
    operation = shop.bulk.known.get(int(request.path_params["number"]))
    if operation is None:
        return not_found()
    if request.query_params.get("life") != str(operation.url_lives):
        return PlainTextResponse("The signature has expired.", status_code=403)
    rule = plan.take("shopify", shop.shop, DOWNLOAD)
    kind = None if rule is None else rule.kind
    name = f"shopify {DOWNLOAD}"
    if kind is not None:
        calls.faulted[name] += 1
    if kind is FaultKind.URL_EXPIRED:
        operation.url_lives += 1
        return PlainTextResponse("The signature has expired.", status_code=403)
    if kind is FaultKind.HTTP_503:
        return PlainTextResponse("Service Unavailable", status_code=503)
    calls.answered[name] += 1
    asked = _RANGE.fullmatch(request.headers.get("range", ""))
    begin = int(asked[1]) if asked is not None and kind is not FaultKind.RANGE_IGNORED else 0
    whole = len(operation.content)
    if begin >= whole > 0:
        return Response(status_code=416, headers={"Content-Range": f"bytes */{whole}"})
    headers = {"Content-Length": str(whole - begin), "Accept-Ranges": "bytes"}
    if begin:
        headers["Content-Range"] = f"bytes {begin}-{whole - 1}/{whole}"
    body = _pieces(operation.content, begin, cut=kind is FaultKind.DROP_AFTER_COMMIT)
    return StreamingResponse(body, 206 if begin else 200, headers, "application/jsonl")


async def upload(request: Request, shop: Shop) -> Response:
    """Take a file: every parameter that was given, and the file last."""
    form = await request.form()
    names = [name for name, _ in form.multi_items()]
    path = str(form.get("key", ""))
    if path not in shop.bulk.promised or names[-1:] != ["file"] or "Content-Type" not in names:
        return PlainTextResponse("The upload is not one that was promised.", status_code=403)
    given = form["file"]
    content = given.encode() if isinstance(given, str) else await given.read()
    if len(content) > LARGEST_UPLOAD:
        return PlainTextResponse("The file is too large.", status_code=400)
    shop.bulk.uploads[path] = content
    return Response(status_code=201)


async def _pieces(content: bytes, begin: int, *, cut: bool) -> AsyncIterator[bytes]:
    end = begin + (len(content) - begin) // 2 if cut else len(content)
    for start in range(begin, end, PIECE):
        yield content[start : min(start + PIECE, end)]
    if cut:
        raise ConnectionCutError
