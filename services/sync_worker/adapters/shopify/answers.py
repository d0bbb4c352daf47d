"""What an answer of Shopify's means, before anything is read out of it.

The HTTP status says little: most refusals come with 200 and are told apart by `errors[].extensions.code` (Shopify's
GraphQL response codes). What matters most is whether a write that was not confirmed may have been applied all the same.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import orjson

from sync_worker.adapters.backoff import retry_after_seconds
from sync_worker.adapters.shopify.documents import Document
from sync_worker.adapters.shopify.json_text import parsed
from sync_worker.domain.failures import AccessRefused, MalformedAnswer, VendorRefusal

STILL_RUNNING = "IDEMPOTENCY_CONCURRENT_REQUEST"

LONGEST_RETRY_AFTER = 120.0
"""A longer wait than this, in seconds, is for the job's own retry, not for a call."""

LONGEST_PAUSE_SECONDS = 3_600.0
"""No longer than this is a `Retry-After` obeyed. Shopify's are of seconds: one of days comes from a broken proxy on the way, and
nobody could lift the pause, which all workers of the shop keep, and keep over restarts."""

MESSAGE_LENGTH = 300
"""More of a vendor's sentence is not passed on."""

_ACCESS: Mapping[int, tuple[str, str]] = {
    401: (
        "INVALID_TOKEN",
        "Shopify does not take the access token: check it, and that the app is still installed; put a good one where the "
        "stores file names it, and restart SyncWorker, which reads it when it starts",
    ),
    402: ("SHOP_FROZEN", "the shop is frozen: its owner has to settle its bill with Shopify"),
    403: ("ACCESS_DENIED", "the app is not allowed to do this: grant it the scopes that it needs"),
    404: ("SHOP_NOT_FOUND", "Shopify knows no such shop or API version: check shop, base_url and api_version"),
    423: ("SHOP_LOCKED", "the shop is locked: ask Shopify's support to unlock it"),
}
_FAULTS = frozenset({STILL_RUNNING, "INTERNAL_ERROR", "INTERNAL_SERVER_ERROR", "SERVICE_UNAVAILABLE", "TIMEOUT"})
_ACCESS_CODES = frozenset({"ACCESS_DENIED", "SHOP_INACTIVE"})
_NOT_RUN = frozenset(
    {
        "BAD_REQUEST",
        "INVALID_FIELD_ARGUMENTS",
        "INVALID_VARIABLE",
        "MAX_COST_EXCEEDED",
        "MAX_INPUT_SIZE_EXCEEDED",
        "RESOURCE_NOT_FOUND",
    }
)
"""Codes of requests that Shopify refuses before it does anything, even where it answers with `data` of null."""


@dataclass(frozen=True, slots=True)
class Data:
    """The document's root field, whole; None only where it is nullable."""

    root: object


@dataclass(frozen=True, slots=True)
class RateLimited:
    """Nothing was done, since it was too much: the same call is welcome later. None: when, the bucket tells."""

    code: str
    message: str
    retry_after: float | None


@dataclass(frozen=True, slots=True)
class Fault:
    """Shopify's own fault, or the network's: trying again may help. `applied` says whether a write may have been."""

    code: str
    message: str
    applied: bool
    retry_after: float | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """Shopify understood, did nothing, and will not."""

    failure: AccessRefused | VendorRefusal


Answer = Data | RateLimited | Fault | Refused


def answer_of(document: Document, shop: str, status: int, headers: Mapping[str, str], body: object) -> Answer:
    """Tell what an answer means; `body` is its JSON, None when it is none.

    Raises:
        MalformedAnswer: It says two things at once, or is not what GraphQL answers.
    """
    if not 200 <= status < 300:
        return status_answer(shop, status, retry_after_seconds(headers.get("retry-after")), body)
    if body is None:
        return Fault("NOT_JSON", f"Shopify answered for {shop} with something that is not JSON", True)
    return _of_graphql(document, body)


def json_of(content: bytes) -> object:
    """Read a body's JSON; None when it is none, such as a page of HTML, or a body that was cut off."""
    try:
        return parsed(content)
    except ValueError:
        return None


def status_answer(shop: str, status: int, retry_after: float | None, body: object) -> RateLimited | Fault | Refused:
    """Tell what an HTTP status means that is no success."""
    retry_after = bounded(retry_after)
    if status == 429:
        until = "" if retry_after is None else f", and not again within {retry_after:g} s"
        return RateLimited("HTTP_429", f"Shopify asks {shop} to call less{until}", retry_after)
    if status == 430:
        return Fault("HTTP_430", f"Shopify takes the calls for {shop} for an attack", False, retry_after)
    if status in _ACCESS or 300 <= status < 400:
        code, advice = _ACCESS.get(status, _ACCESS[404])
        return Refused(AccessRefused("shopify", code, f"{shop}: {advice} (HTTP {status}{_also_said(body)})"))
    if 400 <= status < 500 and status != 408:
        return Refused(VendorRefusal("shopify", f"HTTP_{status}", f"{shop}: HTTP {status}{_also_said(body)}"))
    return Fault(f"HTTP_{status}", f"Shopify answered for {shop} with HTTP {status}", True, retry_after)


def bounded(retry_after: float | None) -> float | None:
    """Bound how long a `Retry-After` is obeyed."""
    return None if retry_after is None else min(retry_after, LONGEST_PAUSE_SECONDS)


def _of_graphql(document: Document, body: object) -> Answer:
    if not isinstance(body, Mapping):
        raise MalformedAnswer("shopify", "an answer is no JSON object")
    data = body.get("data")
    if data is not None and not isinstance(data, Mapping):
        raise MalformedAnswer("shopify", "the data of an answer is no JSON object")
    root = data.get(document.root) if data is not None else None
    errors = _errors(body.get("errors"))
    if errors:
        return _of_errors(document, errors, root, executed="data" in body)
    if root is None and not (document.nullable and data is not None and document.root in data):
        raise MalformedAnswer("shopify", f"an answer has neither {document.root} nor an error")
    warning = _search_warning(body.get("extensions"))
    if warning is not None:
        return Refused(VendorRefusal("shopify", "INVALID_SEARCH", f"Shopify does not understand the search: {warning}"))
    return Data(root)


def _of_errors(document: Document, errors: Sequence[tuple[str, str]], root: object, *, executed: bool) -> Answer:
    codes = {code for code, _ in errors}
    code, message = errors[0]
    if document.writes and root is not None:
        raise MalformedAnswer("shopify", f"a write was answered with data and an error at once: {code} {message}")
    if "THROTTLED" in codes:
        return RateLimited("THROTTLED", message, None)
    for each, said in errors:
        if each in _ACCESS_CODES:
            return Refused(AccessRefused("shopify", each, f"the app is not allowed to do this: {said}"))
    for each, said in errors:
        if each in _FAULTS or _sounds_like_a_fault(each, said):
            return Fault(each or "INTERNAL_SERVER_ERROR", said, True)
    if not executed or codes <= _NOT_RUN:
        return Refused(VendorRefusal("shopify", code or "GRAPHQL_ERROR", message))
    if document.writes:
        return Fault(code or "GRAPHQL_ERROR", message, True)
    raise MalformedAnswer("shopify", f"a read was answered in part: {code} {message}")


def _errors(given: object) -> list[tuple[str, str]]:
    """List the errors as code ("" for none) and message; a bare text comes from before GraphQL and has no code."""
    if given is None or given == []:
        return []
    if isinstance(given, str):
        return [("INTERNAL_SERVER_ERROR", said(given))]
    if not isinstance(given, list):
        raise MalformedAnswer("shopify", "the errors of an answer are no list")
    found = []
    for each in given:
        error = each if isinstance(each, Mapping) else {}
        extensions = error.get("extensions")
        code = extensions.get("code") if isinstance(extensions, Mapping) else None
        found.append((code if isinstance(code, str) else "", said(error.get("message"))))
    return found


def _sounds_like_a_fault(code: str, message: str) -> bool:
    """Whether an error without a code is a time-out or an internal one, as they come with HTTP 200 now and then."""
    return not code and any(sign in message.lower() for sign in ("timeout", "timed out", "internal error"))


def _search_warning(extensions: object) -> str | None:
    """Find what Shopify did not understand in a search, and passed over as though it had not been asked."""
    searches = extensions.get("search") if isinstance(extensions, Mapping) else None
    for search in searches if isinstance(searches, list) else ():
        warnings = search.get("warnings") if isinstance(search, Mapping) else None
        for warning in warnings if isinstance(warnings, list) else ():
            return said(warning.get("message") if isinstance(warning, Mapping) else warning)
    return None


def _also_said(body: object) -> str:
    errors = body.get("errors") if isinstance(body, Mapping) else None
    return f": {said(errors)}" if errors else ""


def said(message: object) -> str:
    """Shorten what the vendor says to one readable line."""
    text = message if isinstance(message, str) else orjson.dumps(message).decode()
    return " ".join(text.replace("\x00", "\ufffd").split())[:MESSAGE_LENGTH] or "no message"
