"""The guard against lists that lead round and round."""

from hypothesis import given
from hypothesis import strategies as st
from sync_worker.adapters.nhanh.walks import CircleGuard


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
