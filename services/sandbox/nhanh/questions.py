"""What a call asks: filters, page size, sort and cursor, checked."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from sandbox.nhanh import cursors
from sandbox.nhanh.envelope import NhanhError

MAX_SIZE = 100
MAX_IDS = 100
DEFAULT_SIZE = 20
WHOLE_FILTERS = frozenset({"gpid", "parentId", "type", "updatedAtFrom", "updatedAtTo"})
LIST_FILTERS = frozenset({"brandIds", "categoryIds", "status"})


@dataclass(slots=True)
class Question:
    """One call's body. `after` is the id behind which the page begins; None begins. `again` counts empty pages there."""

    filters: Mapping[str, Any] = field(default_factory=dict)
    size: int = DEFAULT_SIZE
    descending: bool = False
    after: int | None = None
    again: int = 0
    given_next: object = None


def read_object(body: bytes) -> dict[str, Any]:
    """Read a call's body as an object; an empty body is an empty one.

    Raises:
        NhanhError: ERR_INVALID_DATA for anything else.
    """
    try:
        document = orjson.loads(body or b"{}")
    except orjson.JSONDecodeError:
        document = None
    if not isinstance(document, dict):
        raise NhanhError("ERR_INVALID_DATA", "The body is not valid JSON")
    return document


def read_question(
    body: bytes, sort_key: str | None, *, descending: bool = False, clamps_size: bool = False
) -> Question:
    """Read a call's body; with `clamps_size` a page that is too large is made as large as may be.

    Raises:
        NhanhError: ERR_INVALID_DATA for what is no JSON object, ERR_INVALID_FORM_FIELDS naming every bad field.
    """
    document = read_object(body)
    faults: dict[str, str] = {}
    filters = _read_filters(document, faults)
    paginator = document.get("paginator", {})
    if not isinstance(paginator, dict):
        faults["paginator"] = "must be an object"
        paginator = {}
    size = paginator.get("size", DEFAULT_SIZE)
    if clamps_size and isinstance(size, int):
        size = min(size, MAX_SIZE)
    if not isinstance(size, int) or not 1 <= size <= MAX_SIZE:
        faults["paginator.size"] = f"must be between 1 and {MAX_SIZE}"
    sort = paginator.get("sort") or {}
    if sort and (sort_key is None or not isinstance(sort, dict) or set(sort) != {sort_key}):
        faults["paginator.sort"] = f"can only be by {sort_key}" if sort_key else "is not supported"
    elif sort:
        descending = str(sort[sort_key]).lower() == "desc"
    given = paginator.get("next") or None
    after, again = None, 0
    if given is not None:
        try:
            after, again = cursors.read(given)
        except (TypeError, KeyError, ValueError):
            faults["paginator.next"] = "is not a cursor of this list"
    if faults:
        raise NhanhError("ERR_INVALID_FORM_FIELDS", faults)
    return Question(filters, size, descending, after, again, given)


def _read_filters(document: Mapping[str, Any], faults: dict[str, str]) -> Mapping[str, Any]:
    """Read the filters, and add what is wrong with them to `faults`."""
    filters = document.get("filters", {})
    if not isinstance(filters, dict):
        faults["filters"] = "must be an object"
        return {}
    ids = filters.get("ids", [])
    if not isinstance(ids, list) or len(ids) > MAX_IDS or not all(_whole(one) for one in ids):
        faults["filters.ids"] = f"must be a list of at most {MAX_IDS} ids"
    for name in sorted(WHOLE_FILTERS & filters.keys()):
        if not _whole(filters[name]):
            faults[f"filters.{name}"] = "must be a whole number"
    for name in sorted(LIST_FILTERS & filters.keys()):
        if not isinstance(filters[name], list):
            faults[f"filters.{name}"] = "must be a list"
    return filters


def _whole(given: object) -> bool:
    """Whether a whole number was given, as such or as text."""
    return isinstance(given, int) or (isinstance(given, str) and given.removeprefix("-").isdecimal())
