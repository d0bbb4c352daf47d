"""Places of pages."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sandbox.nhanh import cursors


@given(last=st.integers(1, 10**10), mixed=st.booleans())
def test_every_form_leads_to_the_same_place(last: int, mixed: bool) -> None:
    """Whatever form the cursor has."""
    assert cursors.read(cursors.written(last, mixed=mixed)) == (last, 0)


@given(after=st.one_of(st.none(), st.integers(1, 10**10)), again=st.integers(1, 9))
def test_another_cursor_of_a_place_leads_there(after: int | None, again: int) -> None:
    """And says how often it came."""
    assert cursors.read(cursors.same_place(after, again)) == (after, again)


def test_forms_differ_from_row_to_row() -> None:
    """An object with a number, one with text, and a list."""
    assert [cursors.written(last, mixed=True) for last in (3, 4, 5)] == [{"id": 3}, {"id": "4"}, [5]]


@pytest.mark.parametrize("given", ["7", 7, [], [1, 2], {}, {"id": "x"}, {"id": None}])
def test_what_is_no_cursor_is_refused(given: object) -> None:
    """A scalar above all, which is a common mistake."""
    with pytest.raises((ValueError, TypeError, KeyError)):
        cursors.read(given)
