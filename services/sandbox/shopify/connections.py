"""Pages of rows behind opaque cursors, at most 250 at once.

https://shopify.dev/docs/api/usage/pagination-graphql
"""

import base64
import binascii
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import orjson

from sandbox.faults import FaultKind, Rule
from sandbox.shopify.context import refused
from sandbox.shopify.rows import Row

MAX_ROWS = 250

Place = tuple[int, int]
"""What rows are sorted by: a value (0 where it is the id alone), and the id."""


def cursor_of(place: Place, *, again: int = 0) -> str:
    """Write a cursor; `again` makes another one of the same place."""
    return base64.b64encode(orjson.dumps([*place, again] if again else place)).decode()


def place_of(cursor: str) -> Place:
    """Read a cursor.

    Raises:
        GraphQLError: It is none of ours.
    """
    try:
        value, number, *_ = orjson.loads(base64.b64decode(cursor, validate=True))
        return int(value), int(number)
    except (ValueError, TypeError, binascii.Error):
        raise refused("BAD_REQUEST", "Invalid cursor for current pagination sort.") from None


def connection(
    places: Sequence[Place],
    show: Callable[[int], Row],
    keep: Callable[[int], bool],
    *,
    first: int | None,
    after: str | None,
    reverse: bool = False,
    rule: Rule | None = None,
) -> dict[str, Any]:
    """Give a page of the rows whose ids stand in `places`, which are in order.

    Raises:
        GraphQLError: Without `first`, with one that is too large, or with a cursor that is none.
    """
    if first is None:
        raise refused("BAD_REQUEST", "you must provide one of first or last")
    if not 0 <= first <= MAX_ROWS:
        raise refused("BAD_REQUEST", f"first cannot be greater than {MAX_ROWS} or less than 0")
    kind = rule.kind if rule is not None else None
    if kind is FaultKind.EMPTY_PAGE:
        return _empty(after)
    if kind is FaultKind.SHORT_PAGE:
        first = max(first // 2, 1)
    found: list[Place] = []
    more = False
    for place in _walk(places, after, reverse):
        if not keep(place[1]):
            continue
        if len(found) == first:
            more = True
            break
        found.append(place)
    cursors = [cursor_of(place) for place in found]
    end = cursors[-1] if cursors else None
    if kind is FaultKind.REPEAT_CURSOR and after is not None:
        end, more = after, True
    nodes = [show(number) for _, number in found]
    return {
        "nodes": nodes,
        "edges": [{"cursor": cursor, "node": node} for cursor, node in zip(cursors, nodes, strict=True)],
        "pageInfo": {
            "hasNextPage": more,
            "hasPreviousPage": after is not None,
            "startCursor": cursors[0] if cursors else None,
            "endCursor": end,
        },
    }


def _walk(places: Sequence[Place], after: str | None, reverse: bool) -> Iterator[Place]:
    if reverse:
        behind = len(places) if after is None else bisect_left(places, place_of(after))
        return (places[index] for index in range(behind - 1, -1, -1))
    begin = 0 if after is None else bisect_right(places, place_of(after))
    return (places[index] for index in range(begin, len(places)))


def _empty(after: str | None) -> dict[str, Any]:
    """Give a page without rows that is not the end: its cursor is another one of the same place."""
    place = (0, 0) if after is None else place_of(after)
    return {
        "nodes": [],
        "edges": [],
        "pageInfo": {
            "hasNextPage": True,
            "hasPreviousPage": after is not None,
            "startCursor": None,
            "endCursor": cursor_of(place, again=1),
        },
    }
