"""The guards against lists that lead round and round, or on and on without rows."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st
from sync_worker.adapters.endless_lists import MOST_EMPTY_PAGES, CircleGuard, EmptyPageGuard, ListGuard


@given(st.integers(0, 60), st.integers(1, 60))
def test_every_circle_is_found(before: int, length: int) -> None:
    """Whatever leads into it and however long it is, it is found within three times as many pages."""
    guard = CircleGuard()
    cursor: str | None = None
    for page in range(3 * (before + length) + 3):
        following = str(page if page < before else before + (page - before) % length)
        if guard.closes(cursor, following):
            assert page >= before + min(length, 1)
            return
        cursor = following
    raise AssertionError("the circle was not found")


@given(st.lists(st.integers(1, 3), max_size=40))
def test_a_straight_list_is_no_circle(readings: list[int]) -> None:
    """However often each of its pages is read again."""
    guard = CircleGuard()
    cursor: str | None = None
    for page, times in enumerate(readings):
        for _ in range(times):
            assert not guard.closes(cursor, str(page))
        cursor = str(page)


LENGTHS = st.lists(st.tuples(st.booleans(), st.integers(1, 3)), max_size=60)


@given(LENGTHS, st.integers(0, 5))
def test_a_gap_is_measured_in_pages_not_in_readings(pages: list[tuple[bool, int]], most: int) -> None:
    """It is too long at the page behind `most` empty ones, and never before, however often each is read."""
    guard = EmptyPageGuard(most)
    gap = 0
    for number, (empty, readings) in enumerate(pages):
        gap = gap + 1 if empty else 0
        for _ in range(readings):
            assert guard.too_many(str(number), empty=empty) == (gap > most)


def test_a_page_that_is_full_when_it_is_read_again_ends_the_gap() -> None:
    """What counts is what was read last."""
    guard = EmptyPageGuard(1)
    assert not guard.too_many(None, empty=True)
    assert guard.too_many("a", empty=True)
    assert not guard.too_many("a", empty=False)
    assert not guard.too_many("b", empty=True)


def test_a_list_without_rows_and_end_is_told() -> None:
    """One page after the longest gap there may be."""
    guard = ListGuard()
    places = [None, *(str(number) for number in range(MOST_EMPTY_PAGES + 1))]
    told = [guard.objection(at, to, empty=True) for at, to in pairwise(places)]
    assert told[:-1] == [None] * MOST_EMPTY_PAGES
    assert "does not end" in str(told[-1])


def test_a_list_that_ends_without_rows_has_ended() -> None:
    """However long the gap at its end."""
    guard = ListGuard()
    places = [None, *(str(number) for number in range(MOST_EMPTY_PAGES))]
    assert {guard.objection(at, to, empty=True) for at, to in pairwise(places)} == {None}
    assert guard.objection(places[-1], None, empty=True) is None


def test_a_list_that_is_read_anew_is_another() -> None:
    """Its old gap and its old cursors are forgotten."""
    guard = ListGuard()
    for _ in range(3):
        places = [None, *(str(number) for number in range(MOST_EMPTY_PAGES))]
        for at, to in pairwise(places):
            assert guard.objection(at, to, empty=True) is None
