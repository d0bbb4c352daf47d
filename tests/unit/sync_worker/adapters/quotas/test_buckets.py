"""The bucket's decisions, against one that does what Shopify says of its own."""

from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sync_worker.adapters.quotas.buckets import BucketAnswer, BucketState, BucketVisit, Word, visit_bucket
from sync_worker.adapters.quotas.moments import Moment, micros
from sync_worker.adapters.quotas.turns import Want
from sync_worker.domain.traffic import Traffic

from tests.fakes.set_clock import START, STEPS, Calendar, SetClock

LEASE_SECONDS = 30.0


def want(points: float, call_id: str = "call", waited: float = 0.0) -> Want:
    """A call that waits."""
    return Want(call_id, Traffic.BULK, points, waited)


def full(maximum: float = 100.0, rate: float = 1.0) -> BucketState:
    """A full bucket of which an answer has told."""
    return BucketState(seen=START, maximum=maximum, rate=rate, free=maximum, heard=True)


def visit(state: BucketState, seconds: float, *wants: Want, process: str = "one", **told: object) -> BucketAnswer:
    """Visit a bucket so many seconds after the start."""
    asked = BucketVisit(process, f"lease of {process}", LEASE_SECONDS, wants=wants, **told)  # type: ignore[arg-type]
    return visit_bucket(state, asked, Moment(START + micros(seconds), even_since=START))


@dataclass
class VendorsBucket:
    """Shopify's side: takes the requested cost at the start of a call and refunds at its end what was not used."""

    clock: SetClock
    maximum: float
    rate: float

    def __post_init__(self) -> None:
        self.level, self.at = self.maximum, 0.0

    def change(self, points: float) -> float:
        """Take points, or give some back; what is there then."""
        now = self.clock.elapsed
        self.level = min(self.maximum, self.level + (now - self.at) * self.rate)
        self.at = now
        self.level = min(self.maximum, self.level + points)
        return self.level


@dataclass(frozen=True)
class Call:
    """A call: when it is wanted, what it costs, how long each leg takes, and whether its process dies under way."""

    at: float
    requested: int
    used: float
    legs: tuple[float, float, float]
    died: bool


_leg = st.floats(0.0, 5.0)
_calls = st.builds(
    Call,
    st.floats(0.0, 60.0),
    st.integers(1, 900),
    st.floats(0.0, 1.0),
    st.tuples(_leg, _leg, _leg),
    st.sampled_from([False, False, False, True]),
)


@settings(deadline=None, max_examples=200)
@given(st.lists(_calls, min_size=1, max_size=20), st.floats(1_000.0, 4_000.0), st.floats(50.0, 200.0), STEPS)
def test_no_call_asks_for_more_than_the_bucket_holds(
    calls: list[Call], maximum: float, rate: float, steps: list[tuple[float, float]]
) -> None:
    """Each call is one of a process of its own, which may die; and the clock is set: Shopify refuses none."""
    clock = SetClock(steps)
    calendar = Calendar(clock)
    vendor = VendorsBucket(clock, maximum, rate)
    state = BucketState()
    answered = 0

    def ask(index: int) -> None:
        call = calls[index]
        waiting = want(min(call.requested, state.maximum), str(index), clock.elapsed - call.at)
        asked = BucketVisit(f"process {index}", f"lease {index}", LEASE_SECONDS, wants=(waiting,))
        answer = visit_bucket(state, asked, clock.seen_by(f"process {index}"))
        if not answer.granted:
            assert answer.wait is not None
            calendar.after(min(max(answer.wait, 0.01), 1.0), lambda: ask(index))
            return
        calendar.after(call.legs[0], lambda: begin(index, answer.spent, clock.elapsed - call.legs[0]))

    def begin(index: int, spent_before: float, left: float) -> None:
        call = calls[index]
        assert vendor.change(-call.requested) >= -1e-3
        calendar.after(call.legs[1], lambda: end(index, spent_before, left))

    def end(index: int, spent_before: float, left: float) -> None:
        call = calls[index]
        level = vendor.change(call.requested * (1.0 - call.used))
        if not call.died:
            calendar.after(call.legs[2], lambda: tell(index, level, spent_before, left))

    def tell(index: int, level: float, spent_before: float, left: float) -> None:
        nonlocal answered
        answered += 1
        cost = calls[index].requested * calls[index].used
        word = Word(level, maximum, rate, spent_before, cost, clock.elapsed - left)
        told = BucketVisit(f"process {index}", f"lease {index}", LEASE_SECONDS, spent=cost, word=word)
        visit_bucket(state, told, clock.seen_by(f"process {index}"))

    for index, call in enumerate(calls):
        calendar.at(call.at, lambda index=index: ask(index))  # type: ignore[misc]  # its type is that of its default
    calendar.run()
    assert answered == sum(not call.died for call in calls)
    assert state.free <= vendor.change(0.0) + 1e-3


def test_more_is_lent_where_there_is_plenty_and_nothing_where_it_is_scarce() -> None:
    """A tenth of what is free: so a bucket that is far from empty costs few visits."""
    answer = visit(full(), 0.0, want(10.0))
    assert (answer.extra, answer.scarce) == (pytest.approx(9.0), False)
    state = full()
    visit(state, 0.0, want(10.0, "a"), want(80.0, "b"), process="two")
    answer = visit(state, 0.0, want(9.0))
    assert (len(answer.granted), answer.scarce) == (1, True)
    assert answer.extra < 0.2


def test_nothing_is_lent_beyond_what_is_asked_while_somebody_waits() -> None:
    """Nor while the bucket's size is only assumed."""
    state = full()
    assert visit(state, 0.0, want(50.0, "a"), want(60.0, "b")).extra == 0.0
    assert visit(BucketState(), 0.0, want(10.0)).extra == 0.0


def test_what_is_not_used_comes_back() -> None:
    """A process tells what it has spent and what it still holds."""
    state = full()
    answer = visit(state, 0.0, want(10.0))
    assert state.free == pytest.approx(90.0 - answer.extra)
    visit(state, 0.0, kept=10.0)
    assert (state.free, state.lent) == (pytest.approx(90.0), 10.0)
    visit(state, 0.0, spent=4.0)
    assert (state.free, state.lent, state.spent) == (pytest.approx(96.0), 0.0, 4.0)


def test_a_process_that_dies_has_spent_what_it_was_lent() -> None:
    """Once its last call must be over."""
    state = full(rate=0.001)
    visit(state, 0.0, want(90.0), process="dead")
    assert not visit(state, LEASE_SECONDS - 1, want(20.0)).granted
    assert state.lent > 90.0 - 1e-6
    visit(state, LEASE_SECONDS)
    assert (state.lent, state.spent) == (0.0, pytest.approx(91.0))


def test_a_smaller_bucket_than_was_known_is_believed_at_once() -> None:
    """A plan may change: nothing that was believed before counts any more."""
    state = full(2_000.0, 100.0)
    visit(state, 0.0, want(50.0))
    visit(state, 1.0, spent=50.0, word=Word(150.0, 200.0, 10.0, 0.0, 50.0, 1.0))
    assert (state.maximum, state.rate, state.free) == (200.0, 10.0, 150.0)


def test_a_refusal_is_believed() -> None:
    """Somebody who is none of our workers has spent: what is there is what Shopify says."""
    state = full()
    visit(state, 0.0, want(50.0))
    visit(state, 0.0, word=Word(5.0, 100.0, 1.0, 0.0, 0.0, 0.0, refused=50.0))
    assert state.free == 5.0
    assert visit(state, 0.0, want(50.0)).wait == pytest.approx(45.0, rel=0.01)


def test_a_pause_holds_every_process() -> None:
    """As Shopify asked with `Retry-After`."""
    state = full()
    visit(state, 0.0, pause=3.0)
    answer = visit(state, 1.0, want(1.0), process="two")
    assert (answer.granted, answer.wait) == ((), 2.0)
    assert visit(state, 3.0, want(1.0), process="two").granted


def test_what_is_known_survives_its_writing() -> None:
    """A restart begins with the bucket as it was."""
    state = full()
    visit(state, 0.0, want(50.0, "a"), want(60.0, "b"))
    assert BucketState.read(state.text()) == state
    assert BucketState.read("") == BucketState()
