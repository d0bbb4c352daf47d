"""What a call asks: filters, page size, sort and cursor, checked."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from sandbox.nhanh.envelope import NhanhError

MAX_SIZE = 100
MAX_IDS = 100
DEFAULT_SIZE = 20


@dataclass(slots=True)
class Question:
    """One call's body. `after` is the id behind which the page begins; None begins."""

    filters: Mapping[str, Any] = field(default_factory=dict)
    size: int = DEFAULT_SIZE
    descending: bool = False
    after: int | None = None
    given_next: object = None


def read_question(body: bytes, sort_key: str | None, *, descending: bool = False) -> Question:
    """Read a call's body.

    Raises:
        NhanhError: ERR_INVALID_DATA for what is no JSON object, ERR_INVALID_FORM_FIELDS naming every bad field.
    """
    try:
        document = orjson.loads(body or b"{}")
    except orjson.JSONDecodeError:
        document = None
    if not isinstance(document, dict):
        raise NhanhError("ERR_INVALID_DATA", "The body is not valid JSON")
    faults: dict[str, str] = {}
    filters = document.get("filters", {})
    if not isinstance(filters, dict):
        faults["filters"] = "must be an object"
        filters = {}
    ids = filters.get("ids", [])
    if not isinstance(ids, list) or len(ids) > MAX_IDS:
        faults["filters.ids"] = f"must be a list of at most {MAX_IDS} ids"
    paginator = document.get("paginator", {})
    if not isinstance(paginator, dict):
        faults["paginator"] = "must be an object"
        paginator = {}
    size = paginator.get("size", DEFAULT_SIZE)
    if not isinstance(size, int) or not 1 <= size <= MAX_SIZE:
        faults["paginator.size"] = f"must be between 1 and {MAX_SIZE}"
    sort = paginator.get("sort") or {}
    if sort and (sort_key is None or not isinstance(sort, dict) or set(sort) != {sort_key}):
        faults["paginator.sort"] = f"can only be by {sort_key}" if sort_key else "is not supported"
    elif sort:
        descending = str(sort[sort_key]).lower() == "desc"
    given = paginator.get("next") or None
    after = None
    if given is not None:
        try:
            after = int(given["id"])
        except (TypeError, KeyError, ValueError):
            faults["paginator.next"] = "is not a cursor of this list"
    if faults:
        raise NhanhError("ERR_INVALID_FORM_FIELDS", faults)
    return Question(filters, size, descending, after, given)
