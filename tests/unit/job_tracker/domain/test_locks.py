"""Compatibility of locks."""

from hypothesis import given
from hypothesis import strategies as st
from job_tracker.domain.locks import Lock, compatible

locks = st.builds(Lock, st.sampled_from("ab"), st.booleans())


@given(locks, locks)
def test_two_locks_conflict_when_they_share_a_key_and_one_is_exclusive(one: Lock, other: Lock) -> None:
    """Readers share; a writer is alone; other keys do not matter; and it is the same from both sides."""
    conflict = one.key == other.key and (one.exclusive or other.exclusive)
    assert compatible(one, other) == compatible(other, one) == (not conflict)
