"""The sliding window's decisions, against a vendor that counts calls whenever it likes."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sync_worker.adapters.quotas.moments import SECOND, Moment, micros
from sync_worker.adapters.quotas.turns import Want
from sync_worker.adapters.quotas.windows import Ended, Quota, WindowAnswer, WindowState, WindowVisit, visit_window
from sync_worker.domain.traffic import Traffic

from tests.fakes.set_clock import START, STEPS, Calendar, SetClock

LONGEST_CALL = 20.0
ROUNDING = 1e-5


def want(call_id: str, traffic: Traffic = Traffic.BULK, waited: float = 0.0) -> Want:
    """A call that waits."""
    return Want(call_id, traffic, 1.0, waited)


def visit(
    state: WindowState,
    when: float | Moment,
    *wants: str,
    quota: Quota | None = None,
    ended: tuple[Ended, ...] = (),
    lock: float | None = None,
    process: str = "one",
) -> WindowAnswer:
    """Visit a window, by an even clock so many seconds after the start, having written it down and read it again."""
    read = WindowState.read(state.text() if state.seen else "")
    asked = WindowVisit(
        process,
        quota or Quota(2, 30.0),
        micros(LONGEST_CALL),
        ended,
        None if lock is None else micros(lock),
        tuple(want(each) for each in wants),
    )
    answer = visit_window(read, asked, when if isinstance(when, Moment) else Moment(START + micros(when), START))
    for name in WindowState.__slots__:  # type: ignore[attr-defined]  # a dataclass with slots has them
        setattr(state, name, getattr(read, name))
    return answer


def granted(answer: WindowAnswer) -> list[str]:
    """Which calls may go."""
    return [each.call_id for each in answer.granted]


_calls = st.tuples(
    st.sampled_from(["one", "two", "three"]),
    st.floats(0.0, 60.0),
    st.floats(0.0, LONGEST_CALL),
    st.floats(0.0, 1.0),
    st.sampled_from(["told", "told", "told", "told late", "died"]),
    st.sampled_from(list(Traffic)),
)


@settings(deadline=None, max_examples=150)
@given(st.integers(1, 4), st.sampled_from([2.0, 30.0]), st.lists(_calls, min_size=1, max_size=20), STEPS)
def test_never_more_than_the_quota_in_any_window(
    calls: int,
    seconds: float,
    traffic: list[tuple[str, float, float, float, str, Traffic]],
    steps: list[tuple[float, float]],
) -> None:
    """Whoever dies in the middle of a call, whoever tells of its end late, and however the clock is set."""
    clock = SetClock(steps)
    calendar = Calendar(clock)
    state = WindowState()
    counted: list[float] = []
    quota = Quota(calls, seconds)

    def ask(index: int) -> None:
        process, came, takes, part, fate, kind = traffic[index]
        waiting = want(str(index), kind, clock.elapsed - came)
        answer = visit_window(
            state, WindowVisit(process, quota, micros(LONGEST_CALL), wants=(waiting,)), clock.seen_by(process)
        )
        if not answer.granted:
            assert answer.wait is not None
            calendar.after(min(max(answer.wait, 0.01), 1.0), lambda: ask(index))
            return
        counted.append(clock.elapsed + takes * part)
        if fate != "died":
            calendar.after(takes + (50.0 if fate == "told late" else 0.0), lambda: tell(index))

    def tell(index: int) -> None:
        over = WindowVisit(traffic[index][0], quota, micros(LONGEST_CALL), (Ended(str(index), sent=True),))
        visit_window(state, over, clock.seen_by(traffic[index][0]))

    for index, (_, came, *_) in enumerate(traffic):
        calendar.at(came, lambda index=index: ask(index))  # type: ignore[misc]  # its type is that of its default
    calendar.run()
    assert len(counted) == len(traffic)
    counted.sort()
    for first, beyond in zip(counted, counted[calls:], strict=False):
        assert beyond - first >= seconds - ROUNDING


def test_what_is_known_survives_its_writing() -> None:
    """A restart begins with the window as it was."""
    state = WindowState()
    assert granted(visit(state, 0.0, "a", "b", "c")) == ["a", "b"]
    visit(state, 1.0, ended=(Ended("a", sent=True), Ended("b", sent=True)))
    assert WindowState.read(state.text()) == state
    answer = visit(state, 2.0, "c")
    assert (granted(answer), answer.wait) == ([], 29.0)
    assert granted(visit(state, 31.1, "c")) == ["c"]


def test_a_call_that_nobody_tells_of_counts_until_it_must_be_over() -> None:
    """Its process died: it may have been counted as late as at its time-out."""
    state = WindowState()
    visit(state, 0.0, "a", "b", process="dead")
    assert granted(visit(state, LONGEST_CALL + 29.9, "c")) == []
    assert granted(visit(state, LONGEST_CALL + 30.1, "c")) == ["c"]


def test_an_answer_that_is_told_twice_counts_once() -> None:
    """Nobody knows whether the first telling was kept."""
    state = WindowState()
    visit(state, 0.0, "a")
    for _ in range(2):
        visit(state, 1.0, ended=(Ended("a", sent=True),))
    assert len(state.answered) == 1


def test_a_lock_holds_all_and_then_one_goes_first() -> None:
    """Whichever process was answered it; a probe whose process dies holds the others no longer than it can last."""
    state = WindowState()
    visit(state, 0.0, "a")
    visit(state, 1.0, ended=(Ended("a", sent=True),), lock=10.0)
    answer = visit(state, 5.0, "b", "c", process="two")
    assert (granted(answer), answer.wait, answer.locked_seconds) == ([], 6.0, 6.0)
    assert granted(visit(state, 11.0, "b", "c", process="two", quota=Quota(9, 30.0))) == ["b"]
    assert granted(visit(state, 12.0, "d", quota=Quota(9, 30.0))) == []
    assert granted(visit(state, 11.0 + LONGEST_CALL, "e", quota=Quota(9, 30.0))) == ["e"]
    visit(state, 33.0, ended=(Ended("e", sent=True),))
    assert granted(visit(state, 34.0, "f", "g", quota=Quota(9, 30.0))) == ["f", "g"]


def test_a_clock_that_is_set_back_ends_no_lock_early_and_none_late() -> None:
    """What was to last for ten seconds more lasts for ten seconds more."""
    state = WindowState()
    visit(state, 5_000.0, lock=20.0)
    visit(state, 5_010.0)
    assert visit(state, 0.0, "a").locked_seconds == 10.0
    assert granted(visit(state, 9.9, "a")) == []
    assert granted(visit(state, 10.0, "a")) == ["a"]


@pytest.mark.parametrize("forward", [1.0, 31.0, 4_000.0])
@pytest.mark.parametrize("process", ["one", "new"])
def test_a_clock_that_is_set_forward_forgets_no_call(forward: float, process: str) -> None:
    """Whether the first to come has seen the clock before, or is new: what nobody has witnessed has not passed."""
    clock, state = SetClock([(10.0, -forward)]), WindowState()

    def come(seconds: float, *wants: str, process: str = "one", ended: tuple[Ended, ...] = ()) -> WindowAnswer:
        clock.elapsed = seconds
        return visit(state, clock.seen_by(process), *wants, process=process, ended=ended)

    come(0.0, "a", "b")
    come(9.9, ended=(Ended("a", sent=True), Ended("b", sent=True)))
    assert granted(come(10.0, "c", process=process)) == []
    assert granted(come(39.8, "c", process=process)) == []
    assert granted(come(40.1, "c", process=process)) == ["c"]


def test_without_a_quota_nothing_is_counted_and_locks_are_obeyed() -> None:
    """For a sandbox without limits, and for a vendor that speaks up all the same."""
    state, free = WindowState(), Quota(0, 30.0)
    answer = visit(state, 0.0, *(str(number) for number in range(50)), quota=free)
    assert (len(answer.granted), answer.free, state.under_way) == (50, True, {})
    visit(state, 1.0, lock=10.0, quota=free)
    answer = visit(state, 2.0, "a", quota=free, process="two")
    assert (granted(answer), answer.free, answer.wait) == ([], False, 9.0)
    assert granted(visit(state, 11.0, "a", "b", quota=free)) == ["a"]


def test_the_wait_names_when_there_is_room_at_the_earliest() -> None:
    """So that nobody asks in vain, and nobody sleeps too long."""
    state = WindowState()
    visit(state, 0.0, "a", "b")
    assert visit(state, 1.0, "c").wait == 30.0
    visit(state, 2.0, ended=(Ended("a", sent=True),))
    assert visit(state, 3.0, "c").wait == 29.0
    assert state.seen == START + 3 * SECOND
