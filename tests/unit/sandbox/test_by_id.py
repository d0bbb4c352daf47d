"""Rows by id, in order."""

from hypothesis import given
from hypothesis import strategies as st
from sandbox.by_id import ById

STEPS = st.lists(st.tuples(st.booleans(), st.integers(0, 20)))


@given(STEPS)
def test_ids_are_in_order_after_every_change(steps: list[tuple[bool, int]]) -> None:
    """Whatever is put in or taken out, the ids are those of a plain dict, ascending."""
    rows: ById[str] = ById()
    plain: dict[int, str] = {}
    for put, one in steps:
        if put:
            rows[one] = plain[one] = str(one)
        else:
            assert rows.pop(one, None) == plain.pop(one, None)
        assert list(rows.ids) == sorted(plain)
        assert dict(rows) == plain
        assert len(rows) == len(plain)
        assert (one in rows) == (one in plain)


def test_a_changed_row_costs_no_sort() -> None:
    """The list of ids is made anew only when an id came or went."""
    rows: ById[str] = ById()
    rows[2] = "a"
    rows[1] = "b"
    before = rows.ids
    rows[2] = "c"
    assert rows.ids is before
    del rows[2]
    assert list(rows.ids) == [1]
