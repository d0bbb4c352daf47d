"""What an answer of Nhanh means: the body first, then the HTTP status.

Nhanh answers most refusals with HTTP 200 and `{"code": 0, "errorCode": ..., "messages": ...}`; outages and unknown paths come as
HTML. The error codes are those of developers.nhanh.group, "Common errors".
"""

import contextlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

import orjson

from sync_worker.adapters.backoff import retry_after_seconds
from sync_worker.domain.failures import AccessRefused, MalformedAnswer, VendorFailure, VendorRefusal, VendorUnavailable

VENDOR = "nhanh"

Json = dict[str, "Json"] | list["Json"] | str | int | float | Decimal | bool | None
"""A value of JSON. A number with a fraction or an exponent is a decimal, exactly as Nhanh wrote it, or a float whose shortest
form has the same value."""

LONGEST_MESSAGE = 400
RATE_LIMIT_CODES = frozenset({"ERR_429", "ERR_EXCEEDED_RATE_LIMIT"})
_DIGITS_AS_ZEROS = bytes(48 if byte in b"0123456789." else 32 for byte in range(256))
_LONG_NUMBER = b"0" * 16
_CODE = re.compile(r"[A-Z][A-Z0-9_]{0,63}")
_BAD_TOKEN = re.compile(r"invalid access(token|code)", re.IGNORECASE)

_RESTART = "and restart SyncWorker, which reads it when it starts"
_NEW_TOKEN = f"put the new token where the stores file names it, {_RESTART}"
_TO_FIX = {
    "ERR_INVALID_APP_ID": f"set the store's app_id in the stores file to that of the app at Nhanh, {_RESTART}",
    "ERR_INVALID_BUSINESS_ID": "set the store's business_id in the stores file to that of the business at Nhanh, "
    + _RESTART,
    "ERR_INVALID_ACCESS_TOKEN": "the access token is wrong, has expired, or a newer one was issued; log in at Nhanh again, "
    + _NEW_TOKEN,
    "ERR_INVALID_VERSION": "the access token is not one for API version 3.0; log in at Nhanh again to get one, "
    + _NEW_TOKEN,
    "ERR_INVALID_DEPOT_ID": "the access token does not grant this depot; log in at Nhanh again and grant it, "
    + _NEW_TOKEN,
    "ERR_BUSINESS_NOT_ENABLE_API": "the business has to allow Open API in its settings at Nhanh",
    "ERR_403": "the access token lacks this permission, which is fixed when it is made; log in at Nhanh again "
    f"and grant it, {_NEW_TOKEN}",
}


@dataclass(frozen=True, slots=True)
class Answer:
    """A success. `data` is never absent: an answer without it is no answer."""

    data: Json
    paginator: Json


class RateLimited(VendorUnavailable):
    """Nhanh refused a call for its rate limit. What it said of the lock: seconds it lasts, and Unix seconds of its end."""

    def __init__(self, message: str, *, locked_seconds: float | None, unlocked_at: float | None) -> None:
        super().__init__(VENDOR, "RATE_LIMITED", message, retry_after=locked_seconds)
        self.locked_seconds = locked_seconds
        self.unlocked_at = unlocked_at


def read_answer(
    path: str, status: int, headers: Mapping[str, str], content: bytes, secrets: Sequence[str] = ()
) -> Answer:
    """Take the data out of an answer. Should Nhanh repeat one of `secrets`, no message will.

    Raises:
        AccessRefused: The account, its token or its rights; the message says what to fix.
        VendorRefusal: Nhanh understood the request and refuses it, or has no such path.
        RateLimited: Too many calls.
        VendorUnavailable: A fault of Nhanh's own, or no JSON.
        MalformedAnswer: JSON that is no answer.
    """
    body = _parsed(content)
    if isinstance(body, dict) and "code" in body:
        if not _is_success(body["code"]):
            raise _refusal(path, status, headers, body, secrets)
        if status < 400:
            if body.get("data") is None:
                raise MalformedAnswer(VENDOR, f"Nhanh's answer to {path} says success and has no data")
            return Answer(body["data"], body.get("paginator"))
    raise _no_envelope(path, status, headers, is_json=body is not None)


def _parsed(content: bytes) -> Json:
    """Parse quickly where that loses nothing; None for what is no JSON.

    A float keeps every number of at most 15 digits. Cursors go back as they came, so one with a float in it is read again.
    """
    if _LONG_NUMBER not in content.translate(_DIGITS_AS_ZEROS):  # quicker than a regular expression by far
        with contextlib.suppress(orjson.JSONDecodeError):  # halves of surrogate pairs, say, which are read below
            quick: Json = orjson.loads(content)
            if not _has_float(quick.get("paginator") if isinstance(quick, dict) else None):
                return quick
    try:
        parsed: Json = json.loads(content, parse_float=Decimal, parse_constant=_no_number)
    except (ValueError, RecursionError):
        return None
    return parsed


def _has_float(given: Json) -> bool:
    if isinstance(given, dict | list):
        return any(map(_has_float, given.values() if isinstance(given, dict) else given))
    return isinstance(given, float)


def _no_number(word: str) -> Json:
    raise ValueError(f"{word} is no JSON")


def _is_success(code: Json) -> bool:
    return code is True or (isinstance(code, int | float | str | Decimal) and str(code).strip() in ("1", "1.0"))


def _refusal(
    path: str, status: int, headers: Mapping[str, str], body: dict[str, Json], secrets: Sequence[str]
) -> VendorFailure:
    given = body.get("errorCode")
    code = given if isinstance(given, str) and _CODE.fullmatch(given) else ""
    words = _words(body.get("messages")) or _words(body.get("message"))
    for secret in secrets:
        words = words.replace(secret, "***")
    words = words if len(words) <= LONGEST_MESSAGE else words[: LONGEST_MESSAGE - 1] + "…"
    said = f"Nhanh refused {path}" + (f" with {code}" if code else "") + (f": {words}" if words else "")
    if code in RATE_LIMIT_CODES or (not code and status == 429):
        return _rate_limited(said, headers, body.get("data"))
    if not code and _BAD_TOKEN.search(words):
        code = "ERR_INVALID_ACCESS_TOKEN"
    if code in _TO_FIX:
        return AccessRefused(VENDOR, code, f"{said} - {_TO_FIX[code]}")
    if status >= 500:
        return VendorUnavailable(VENDOR, code or f"HTTP_{status}", f"{said} (HTTP {status})")
    return VendorRefusal(VENDOR, code or "REFUSED", said)


def _no_envelope(path: str, status: int, headers: Mapping[str, str], *, is_json: bool) -> VendorFailure:
    what = f"Nhanh answered {path} with HTTP {status} " + ("without a result" if is_json else "without JSON")
    if status == 429:
        return _rate_limited(what, headers, None)
    if status in (404, 405) or 300 <= status < 400:
        message = f"{what}, so it is not there; check the store's base_url in the stores file"
        return VendorRefusal(VENDOR, f"HTTP_{status}", message)
    if status == 401:
        return AccessRefused(VENDOR, "HTTP_401", f"{what} - {_TO_FIX['ERR_INVALID_ACCESS_TOKEN']}")
    if not is_json or status >= 500 or status == 408:
        return VendorUnavailable(VENDOR, "NOT_JSON" if status < 400 else f"HTTP_{status}", what)
    return MalformedAnswer(VENDOR, what) if status < 400 else VendorRefusal(VENDOR, f"HTTP_{status}", what)


def _rate_limited(message: str, headers: Mapping[str, str], data: Json) -> RateLimited:
    lock = data if isinstance(data, dict) else {}
    seconds = _seconds(lock.get("lockedSeconds"))
    if seconds is None:
        seconds = retry_after_seconds(headers.get("retry-after"))
    return RateLimited(message, locked_seconds=seconds, unlocked_at=_seconds(lock.get("unlockedAt")))


def _seconds(given: Json) -> float | None:
    """Read a number of seconds, tolerantly: a lock that cannot be read is one of unknown length, not none."""
    if isinstance(given, bool) or not isinstance(given, int | float | Decimal | str):
        return None
    return retry_after_seconds(str(given))


def _words(messages: Json) -> str:
    """Make one line of a message, a list of them, or messages by field."""
    if isinstance(messages, dict):
        return "; ".join(f"{name}: {_words(inner)}" for name, inner in messages.items())
    if isinstance(messages, list):
        return "; ".join(filter(None, map(_words, messages)))
    return " ".join(str(messages).replace("\x00", "\ufffd").split()) if messages is not None else ""
