"""Pages of rows behind opaque cursors, at most 250 at once.

https://shopify.dev/docs/api/usage/pagination-graphql
"""

import base64
import binascii
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from typing import Any

import orjson

from sandbox.faults import FaultKind, Rule
from sandbox.shopify.context import refused
from sandbox.shopify.rows import Row

MAX_ROWS = 250

Place = tuple[int, int]
"""What rows are sorted by: a value (0 where it is the id alone), and the id."""


def cursor_of(place: Place | None, *, again: int = 0) -> str:
    """Write a cursor; `again` makes another one of the same place. None is the beginning."""
    return base64.b64encode(orjson.dumps([*(place or ()), again])).decode()


def read_cursor(cursor: str) -> tuple[Place | None, int]:
    """Read a cursor's place, and how many times it was written again.

    Raises:
        GraphQLError: It is none of ours.
    """
    try:
        *place, again = (int(one) for one in orjson.loads(base64.b64decode(cursor, validate=True)))
        if len(place) not in (0, 2):
            raise ValueError(cursor)
    except (ValueError, TypeError, binascii.Error):
        raise refused("BAD_REQUEST", "Invalid cursor for current pagination sort.") from None
    return (place[0], place[1]) if place else None, again


def by_id(one: int) -> Place:
    """Give the place of a row in a list that is sorted by id."""
    return 0, one


def connection(
    ids: Sequence[int],
    show: Callable[[int], Row],
    keep: Callable[[int], bool] | None,
    *,
    place_of: Callable[[int], Place] = by_id,
    first: int | None,
    after: str | None,
    reverse: bool = False,
    rule: Rule | None = None,
    deepest: int | None = None,
) -> dict[str, Any]:
    """Give a page of the rows with these ids, which stand in order of their places; all of them, or those to `keep`.

    Raises:
        GraphQLError: Without `first`, with one that is too large, with a cursor that is none, or with one behind the
            `deepest` row that can be reached (https://shopify.dev/docs/api/usage/limits).
    """
    if first is None:
        raise refused("BAD_REQUEST", "you must provide one of first or last")
    if not 0 <= first <= MAX_ROWS:
        raise refused("BAD_REQUEST", f"first cannot be greater than {MAX_ROWS} or less than 0")
    kind = rule.kind if rule is not None else None
    behind, again = (None, 0) if after is None else read_cursor(after)
    if kind is FaultKind.EMPTY_PAGE:
        return _empty(behind, again + 1)
    if kind is FaultKind.SHORT_PAGE and first > 1:
        first //= 2
    span = _span(ids, behind, place_of, reverse)
    if deepest is not None and _passed(ids, span, keep, reverse) >= deepest:
        raise refused("BAD_REQUEST", f"Cannot paginate beyond {deepest:,} objects; filter, or use a bulk operation.")
    found: list[int] = []
    more = False
    for one in (ids[index] for index in span):
        if keep is not None and not keep(one):
            continue
        if len(found) == first:
            more = True
            break
        found.append(one)
    cursors = [cursor_of(place_of(one)) for one in found]
    end = cursors[-1] if cursors else None
    if kind is FaultKind.REPEAT_CURSOR and after is not None:
        end, more = after, True
    nodes = [show(one) for one in found]
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


def _span(ids: Sequence[int], behind: Place | None, place_of: Callable[[int], Place], reverse: bool) -> range:
    """Find the indices of what is behind a place, in the order in which it is listed."""
    if reverse:
        end = len(ids) if behind is None else bisect_left(ids, behind, key=place_of)
        return range(end - 1, -1, -1)
    return range(0 if behind is None else bisect_right(ids, behind, key=place_of), len(ids))


def _passed(ids: Sequence[int], span: range, keep: Callable[[int], bool] | None, reverse: bool) -> int:
    """Count the rows that were listed before this span."""
    before = range(span.start + 1, len(ids)) if reverse else range(span.start)
    return len(before) if keep is None else sum(keep(ids[index]) for index in before)


def _empty(behind: Place | None, again: int) -> dict[str, Any]:
    """Give a page without rows that is not the end: its cursor is another one of the same place."""
    return {
        "nodes": [],
        "edges": [],
        "pageInfo": {
            "hasNextPage": True,
            "hasPreviousPage": behind is not None,
            "startCursor": None,
            "endCursor": cursor_of(behind, again=again),
        },
    }
