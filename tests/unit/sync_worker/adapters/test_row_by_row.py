"""Rows that are read one by one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sync_worker.adapters.row_by_row import read_rows
from sync_worker.application.ports.pages import RowRefusal
from sync_worker.domain.failures import MalformedAnswer

Given = tuple[int, int | None]


def id_of(row: Given) -> int:
    """Its id."""
    return row[0]


def value_of(row: Given) -> Given:
    """The row, if it has a value."""
    if row[1] is None:
        raise MalformedAnswer("nhanh", f"{row[0]} cannot be read")
    return row


@given(st.lists(st.tuples(st.integers(1, 9), st.none() | st.integers(0, 3)), max_size=20))
def test_every_row_is_read_or_refused(rows: list[Given]) -> None:
    """An id is refused once if any row of it is unreadable, and only then; all other rows come in their order."""
    readable, refused = read_rows(rows, id_of, value_of)
    bad = {one for one, value in rows if value is None}
    assert readable == [row for row in rows if row[0] not in bad]
    assert sorted(row.vendor_id for row in refused) == sorted(bad)
    assert all(row == RowRefusal(row.vendor_id, f"{row.vendor_id} cannot be read") for row in refused)


def test_a_row_without_an_id_is_nobodys() -> None:
    """No row of its answer is read."""

    def no_id(row: Given) -> int:
        raise MalformedAnswer("nhanh", "no id")

    with pytest.raises(MalformedAnswer, match="no id"):
        read_rows([(1, None)], no_id, value_of)


def test_a_fault_of_ours_is_no_unreadable_row() -> None:
    """It ends the read."""
    with pytest.raises(ZeroDivisionError):
        read_rows([(1, 0)], id_of, lambda row: row[0] // (row[1] or 0))
