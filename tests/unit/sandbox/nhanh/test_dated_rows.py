"""Rows found by the time of their last change."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from sandbox.nhanh.dated_rows import DatedRows

TIMES = st.one_of(st.none(), st.integers(0, 20))
CHANGES = st.lists(st.tuples(st.integers(1, 12), st.one_of(st.just("remove"), TIMES)), max_size=40)
EDGE = st.one_of(st.none(), st.integers(-1, 21))


@given(changes=CHANGES, first=EDGE, last=EDGE, asked_at=st.integers(0, 40))
def test_an_index_finds_what_a_search_finds(
    changes: list[tuple[int, Any]], first: int | None, last: int | None, asked_at: int
) -> None:
    """After any changes, whether or not it was asked before them."""
    rows = DatedRows()
    for number, (one, change) in enumerate(changes):
        if number == asked_at:
            rows.changed_between(first, last)
        if change != "remove":
            rows[one] = {"updatedAt": change}
        elif one in rows:
            del rows[one]
    expected = [
        one
        for one in rows.ids
        if (time := rows[one]["updatedAt"]) is not None
        and (first is None or time >= first)
        and (last is None or time <= last)
    ]
    assert list(rows.changed_between(first, last)) == expected
    assert list(rows.changed_between(first, last)) == expected


def test_ids_of_removed_rows_are_kept() -> None:
    """Until the row is there again."""
    rows = DatedRows()
    rows[1] = rows[2] = {"updatedAt": 5}
    del rows[1], rows[2]
    rows[2] = {"updatedAt": 6}
    assert rows.removed == {1}
