"""Page and resume tokens: opaque to callers, readable by any replica, bound to what was asked for."""

import base64
import binascii
from collections.abc import Sequence

import orjson
from google.protobuf.message import Message

from job_tracker.domain.errors import PageTokenInvalidError, ResumeTokenInvalidError
from job_tracker.entrypoints.reading import content_hash

PAGE_FIELDS = ("page_size", "page_token")
LARGEST = 2**63 - 1


def page_token(request: Message, place: Sequence[str | int]) -> str:
    """Make the token of the page after a place, for the same question."""
    return _packed([_question(request), *place])


def page_place(request: Message, token: str, kinds: tuple[type, ...]) -> tuple[str | int, ...] | None:
    """Read the place from a token, None for the first page; `kinds` are the types of its parts.

    Raises:
        PageTokenInvalidError: It was not made for this question.
    """
    if not token:
        return None
    parts = _unpacked(token)
    if not parts or len(parts) != 1 + len(kinds) or not all(map(_is, parts[1:], kinds)):
        raise PageTokenInvalidError("is not a page token of this call")
    if parts[0] != _question(request):
        raise PageTokenInvalidError("belongs to another filter")
    return tuple(parts[1:])


def resume_token(position: int) -> str:
    """Make the token that resumes WatchJobs at a position; it is bound to no filter, since a position is among all jobs."""
    return _packed(["watch", position])


def resume_position(token: str) -> int | None:
    """Read the position from a token, None to begin.

    Raises:
        ResumeTokenInvalidError: It was not made by WatchJobs.
    """
    if not token:
        return None
    parts = _unpacked(token)
    if parts is None or len(parts) != 2 or parts[0] != "watch" or not _is(parts[1], int):
        raise ResumeTokenInvalidError
    return int(parts[1])


def _question(request: Message) -> str:
    return content_hash(request, *PAGE_FIELDS)[:16]


def _is(value: object, kind: type) -> bool:
    if kind is int:
        return isinstance(value, int) and not isinstance(value, bool) and abs(value) <= LARGEST
    return isinstance(value, kind)


def _packed(parts: list[str | int]) -> str:
    return base64.urlsafe_b64encode(orjson.dumps(parts)).rstrip(b"=").decode()


def _unpacked(token: str) -> list[str | int] | None:
    try:
        raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        parts = orjson.loads(raw)
    except (ValueError, binascii.Error):
        return None
    return parts if isinstance(parts, list) else None
