"""Page tokens: opaque to callers, readable by any replica, bound to what was asked for."""

import base64
import binascii
import hashlib
from collections.abc import Sequence
from enum import StrEnum

import orjson
from google.protobuf.message import Message

from sync_worker.application.refusals import PageTokenInvalid

PAGE_FIELDS = ("page_size", "page_token")
LARGEST = 2**63 - 1

Kind = type[int] | type[StrEnum]


def page_token(request: Message, place: Sequence[str | int]) -> str:
    """Make the token of the page after a place, for the same question."""
    return base64.urlsafe_b64encode(orjson.dumps([_question(request), *place])).rstrip(b"=").decode()


def page_place(request: Message, token: str, kinds: Sequence[Kind]) -> tuple[int | str, ...] | None:
    """Read the place from a token, None for the first page; `kinds` say what its parts are.

    Raises:
        PageTokenInvalid: It was not made for this question.
    """
    if not token:
        return None
    try:
        parts = orjson.loads(base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True))
    except (ValueError, binascii.Error):
        raise PageTokenInvalid("is not a page token of this call") from None
    if not isinstance(parts, list) or len(parts) != 1 + len(kinds) or not isinstance(parts[0], str):
        raise PageTokenInvalid("is not a page token of this call")
    if parts[0] != _question(request):
        raise PageTokenInvalid("belongs to another filter")
    return tuple(_part(value, kind) for value, kind in zip(parts[1:], kinds, strict=True))


def _part(value: object, kind: Kind) -> int | str:
    if issubclass(kind, StrEnum):
        if isinstance(value, str) and value in list(kind):
            return kind(value)
    elif isinstance(value, int) and not isinstance(value, bool) and abs(value) <= LARGEST:
        return value
    raise PageTokenInvalid("is not a page token of this call")


def _question(request: Message) -> str:
    """Hash what is asked for, under the name of the call, whatever the page."""
    content = type(request)()
    content.CopyFrom(request)
    for name in PAGE_FIELDS:
        content.ClearField(name)
    digest = hashlib.sha256(type(request).__name__.encode())
    digest.update(content.SerializeToString(deterministic=True))
    return digest.hexdigest()[:16]
