"""Page and resume tokens: opaque to callers, readable by any replica, bound to what was asked for."""

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from google.protobuf.message import Message

from job_tracker.application.ports.job_store import JobKey
from job_tracker.domain.errors import ConfirmTokenInvalidError, PageTokenInvalidError, ResumeTokenInvalidError
from job_tracker.entrypoints.bounds import NUL
from job_tracker.entrypoints.reading import content_hash

PAGE_FIELDS = ("page_size", "page_token")
BULK_FIELDS = frozenset({"dry_run", "confirm_token", "reason", "requested_by", "created_by", "conflict_policy"})
"""What a call may say otherwise than its dry run did; no call has all of them."""

CONFIRM_WITHIN_MICROS = 600 * 1_000_000
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


@dataclass(frozen=True, slots=True)
class Confirmed:
    """What a dry run said: when (Unix microseconds), and where the call goes on."""

    moment: int
    after: JobKey | None


def confirm_token(request: Message, confirmed: Confirmed, now: int) -> str:
    """Make the token that confirms a call on many jobs, `now` in Unix microseconds."""
    place = ("", 0) if confirmed.after is None else (confirmed.after.job_id, confirmed.after.create_time)
    return _packed([_bulk_question(request), confirmed.moment, now, *place])


def confirmed(request: Message, token: str, now: int) -> Confirmed:
    """Read what a dry run said from its token.

    Raises:
        ConfirmTokenInvalidError: It was not made for this question, or too long ago.
    """
    if not token:
        raise ConfirmTokenInvalidError("is missing; ask with dry_run first")
    parts: Any = _unpacked(token)
    kinds = (str, int, int, str, int)
    if not parts or len(parts) != len(kinds) or not all(map(_is, parts, kinds)):
        raise ConfirmTokenInvalidError("is not a confirm token of this call")
    question, moment, made, job_id, create_time = parts
    if question != _bulk_question(request):
        raise ConfirmTokenInvalidError("belongs to another filter")
    if not 0 <= moment <= made <= now:
        raise ConfirmTokenInvalidError("is not a confirm token of this call")
    if now - made > CONFIRM_WITHIN_MICROS:
        raise ConfirmTokenInvalidError("is older than 10 minutes; ask with dry_run again")
    return Confirmed(moment, JobKey(create_time, job_id) if job_id else None)


def _bulk_question(request: Message) -> str:
    return content_hash(request, *BULK_FIELDS.intersection(request.DESCRIPTOR.fields_by_name))[:16]


def _question(request: Message) -> str:
    return content_hash(request, *PAGE_FIELDS)[:16]


def _is(value: object, kind: type) -> bool:
    if kind is int:
        return isinstance(value, int) and not isinstance(value, bool) and abs(value) <= LARGEST
    return isinstance(value, str) and NUL not in value


def _packed(parts: list[str | int]) -> str:
    return base64.urlsafe_b64encode(orjson.dumps(parts)).rstrip(b"=").decode()


def _unpacked(token: str) -> list[str | int] | None:
    try:
        raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        parts = orjson.loads(raw)
    except (ValueError, binascii.Error):
        return None
    return parts if isinstance(parts, list) else None
