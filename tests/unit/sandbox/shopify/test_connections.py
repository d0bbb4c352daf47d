"""Pages behind opaque cursors."""

import base64
from typing import Any

import pytest
from graphql import GraphQLError
from hypothesis import given
from hypothesis import strategies as st
from sandbox.faults import FaultKind, Rule
from sandbox.shopify.connections import Place, connection, cursor_of, read_cursor


def page(ids: list[int], **asked: Any) -> dict[str, Any]:
    """Ask for a page of numbers."""
    given = {"first": 3, "after": None, **asked}
    return connection(ids, lambda one: {"id": one}, given.pop("keep", lambda _one: True), **given)


def numbers(found: dict[str, Any]) -> list[int]:
    """List a page's rows."""
    return [node["id"] for node in found["nodes"]]


@given(st.sets(st.integers(0, 40)), st.integers(1, 6), st.booleans(), st.integers(1, 3))
def test_pages_give_every_row_once_in_order(ids: set[int], first: int, reverse: bool, step: int) -> None:
    """Forward and backward, through any filter, and by any order whose ties the id breaks."""

    def place_of(one: int) -> Place:
        return one % step, one

    listed: list[int] = []
    after, more = None, True
    while more:
        found = page(
            sorted(ids, key=place_of),
            first=first,
            after=after,
            reverse=reverse,
            keep=lambda one: one % 5 != 0,
            place_of=place_of,
        )
        listed += numbers(found)
        assert [edge["node"]["id"] for edge in found["edges"]] == numbers(found)
        assert found["pageInfo"]["hasPreviousPage"] == (after is not None)
        after, more = found["pageInfo"]["endCursor"], found["pageInfo"]["hasNextPage"]
    assert listed == sorted((one for one in ids if one % 5), key=place_of, reverse=reverse)


def test_the_last_page_says_so_even_when_it_is_full() -> None:
    """HasNextPage looks behind the page's last row."""
    assert not page([1, 2, 3])["pageInfo"]["hasNextPage"]
    assert page([1, 2, 3, 4])["pageInfo"]["hasNextPage"]
    assert not page([1, 2, 3, 4], keep=lambda one: one < 4)["pageInfo"]["hasNextPage"]


@pytest.mark.parametrize("first", [None, -1, 251])
def test_a_page_has_a_size_of_at_most_250(first: int | None) -> None:
    """BAD_REQUEST otherwise."""
    with pytest.raises(GraphQLError) as refused:
        page([1], first=first)
    assert refused.value.extensions == {"code": "BAD_REQUEST"}


@pytest.mark.parametrize(
    "text", ["", "nonsense", base64.b64encode(b"[1]garbage").decode(), cursor_of(None)[:-2] + "!!"]
)
def test_a_cursor_of_somebody_else_is_refused(text: str) -> None:
    """BAD_REQUEST, not the first page."""
    with pytest.raises(GraphQLError) as refused:
        page([1], after=text)
    assert refused.value.extensions == {"code": "BAD_REQUEST"}


@given(st.none() | st.tuples(st.integers(0, 2**40), st.integers(0, 2**40)), st.integers(0, 9))
def test_cursors_are_read_as_written(place: Place | None, again: int) -> None:
    """Place and count come back."""
    assert read_cursor(cursor_of(place, again=again)) == (place, again)


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("read", [0, 3])
def test_empty_pages_in_a_row_have_cursors_of_their_own(reverse: bool, read: int) -> None:
    """Each is another one, none is the end, and behind them comes the row that was next."""
    ids = list(range(1, 9))
    after = page(ids, reverse=reverse)["pageInfo"]["endCursor"] if read else None
    cursors = [after]
    for _ in range(3):
        found = page(ids, after=cursors[-1], reverse=reverse, rule=Rule("shopify", "*", FaultKind.EMPTY_PAGE))
        assert found["nodes"] == found["edges"] == []
        assert found["pageInfo"]["hasNextPage"]
        cursors.append(found["pageInfo"]["endCursor"])
    assert len(set(cursors)) == 4
    expected = sorted(ids, reverse=reverse)[read : read + 3]
    assert numbers(page(ids, after=cursors[-1], reverse=reverse)) == expected


def test_a_short_page_is_half_a_page() -> None:
    """And says that there is more; one row is never none."""
    rule = Rule("shopify", "*", FaultKind.SHORT_PAGE)
    found = page([1, 2, 3, 4], first=4, rule=rule)
    assert numbers(found) == [1, 2]
    assert found["pageInfo"]["hasNextPage"]
    assert numbers(page([1, 2], first=1, rule=rule)) == [1]


def test_a_repeated_cursor_leads_nowhere() -> None:
    """The page's end is where it began; on the first page there is nothing to repeat."""
    rule = Rule("shopify", "*", FaultKind.REPEAT_CURSOR)
    after = page([1, 2, 3, 4])["pageInfo"]["endCursor"]
    assert page([1, 2, 3, 4], after=after, rule=rule)["pageInfo"] == {
        "hasNextPage": True,
        "hasPreviousPage": True,
        "startCursor": cursor_of((0, 4)),
        "endCursor": after,
    }
    assert page([1, 2, 3, 4], rule=rule)["pageInfo"]["endCursor"] == after


@given(st.integers(1, 30), st.integers(1, 6), st.integers(1, 12), st.booleans(), st.booleans())
def test_a_walk_ends_at_the_deepest_row(rows: int, first: int, deepest: int, reverse: bool, filtered: bool) -> None:
    """Pages come as long as fewer rows were listed before them; the one behind is refused, unless it would be empty anyway."""
    ids = list(range(rows))
    keep = (lambda one: one % 3 != 0) if filtered else None
    kept = [one for one in ids if keep is None or keep(one)]
    seen = 0
    after, more = None, True
    while more and seen < deepest:
        found = page(ids, first=first, after=after, reverse=reverse, keep=keep, deepest=deepest)
        seen += len(numbers(found))
        after, more = found["pageInfo"]["endCursor"], found["pageInfo"]["hasNextPage"]
    assert seen == min(len(kept), -(-deepest // first) * first)
    if more:
        with pytest.raises(GraphQLError, match="beyond") as refused:
            page(ids, first=first, after=after, reverse=reverse, keep=keep, deepest=deepest)
        assert refused.value.extensions == {"code": "BAD_REQUEST"}
