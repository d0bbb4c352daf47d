"""The cost bucket, against a bucket that does what Shopify says of its own."""

import asyncio
from dataclasses import dataclass
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sync_worker.adapters.quotas.line import ShutError
from sync_worker.adapters.shopify.costs import CostReport, ThrottleStatus, cost_report
from sync_worker.adapters.shopify.documents import Document
from sync_worker.adapters.shopify.limiter import LEAVE_SECONDS
from sync_worker.domain.traffic import Traffic

from tests.fakes.clock import ManualClock
from tests.fakes.quota_ledger import MemoryLedger
from tests.fakes.shopify_traffic import a_bucket, a_ledger, bucket_of
from tests.fakes.stepped_clock import SteppedClock

about = partial(pytest.approx, rel=0.005)
"""Points are taken to come back a little late."""

ROWS = Document("rows", "query Rows { rows }", points=35.0)


def report(requested: float = 35.0, actual: float | None = 35.0, available: float = 965.0) -> CostReport:
    """What an answer says."""
    return CostReport(requested, actual, ThrottleStatus(1_000.0, available, 50.0))


@dataclass
class VendorsBucket:
    """Shopify's side: takes the requested cost at the start of a call and refunds at its end what was not used."""

    clock: SteppedClock
    maximum: float
    rate: float
    refused: int = 0

    def __post_init__(self) -> None:
        self.level, self.at = self.maximum, 0.0

    def _restore(self) -> None:
        self.level = min(self.maximum, self.level + (self.clock.elapsed - self.at) * self.rate)
        self.at = self.clock.elapsed

    def begin(self, requested: float) -> bool:
        """Take the cost, or refuse."""
        self._restore()
        if requested > self.level + 1e-6:
            self.refused += 1
            return False
        self.level -= requested
        return True

    def end(self, requested: float, actual: float) -> CostReport:
        """Refund, and say how things stand."""
        self._restore()
        self.level = min(self.maximum, self.level + requested - actual)
        return CostReport(requested, actual, ThrottleStatus(self.maximum, self.level, self.rate))


@dataclass(frozen=True)
class Call:
    """A call: of which process, when it is wanted, what it costs, and how long it takes on each leg.

    A lost one is never answered.
    """

    process: int
    traffic: Traffic
    at: float
    requested: int
    used: float
    legs: tuple[float, float, float]
    lost: bool


_leg = st.one_of(st.sampled_from([0.0, 0.1, 5.0]), st.floats(0.0, 3.0))
_legs = st.tuples(_leg, _leg, _leg)
_calls = st.builds(
    Call,
    st.integers(0, 2),
    st.sampled_from(list(Traffic)),
    st.floats(0.0, 30.0),
    st.integers(1, 900),
    st.floats(0.0, 1.0),
    _legs,
    st.sampled_from([False] * 9 + [True]),
)


@settings(max_examples=100, deadline=None)
@given(
    st.lists(_calls, min_size=1, max_size=25),
    st.floats(1_000.0, 4_000.0),
    st.floats(50.0, 200.0),
    st.sampled_from([0.0, 0.003, 0.7]),
)
async def test_no_call_asks_for_more_than_the_bucket_holds(
    calls: list[Call], maximum: float, rate: float, ledger_seconds: float
) -> None:
    """However calls of several processes overlap, Shopify never refuses one, and each is let through."""
    clock = SteppedClock()
    vendor = VendorsBucket(clock, maximum, rate)
    ledger = MemoryLedger(clock, ledger_seconds)
    buckets = [bucket_of(ledger, f"process {number}") for number in range(3)]

    async def run(call: Call) -> None:
        bucket = buckets[call.process]
        document = Document(f"of {call.requested}", "", points=float(call.requested))
        await clock.sleep(call.at)
        held = await bucket.reserve(document, 1, call.traffic)
        await clock.sleep(call.legs[0])
        if not vendor.begin(call.requested):
            bucket.throttled(held, CostReport())
            return
        await clock.sleep(call.legs[1])
        answer = vendor.end(call.requested, call.used * call.requested)
        await clock.sleep(call.legs[2])
        if call.lost:
            bucket.unanswered(held)
        else:
            bucket.answered(held, answer)

    tasks = [asyncio.ensure_future(run(call)) for call in calls]
    await clock.until(lambda: all(task.done() for task in tasks), within=3_600.0)
    await asyncio.gather(*tasks)
    assert vendor.refused == 0


async def test_a_full_bucket_lets_calls_through_at_once() -> None:
    """Nobody waits while there are points."""
    clock = ManualClock()
    bucket = a_bucket(clock)
    for _ in range(28):
        bucket.answered(await bucket.reserve(ROWS, 1), CostReport())
    assert clock.elapsed == 0.0
    waits: list[float] = []
    await bucket.reserve(ROWS, 1, waited=waits.append)
    assert waits == [about(15 / 50)]


async def test_the_cost_of_a_document_is_learned() -> None:
    """After one answer the requested cost is Shopify's, for a call of that size."""
    bucket = a_bucket(ManualClock())
    assert bucket.cost_of(ROWS, 1) == 35.0
    bucket.answered(await bucket.reserve(ROWS, 1), report(requested=57.0))
    assert bucket.cost_of(ROWS, 1) == 57.0
    assert bucket.cost_of(ROWS, 2) == 35.0


async def test_nothing_dearer_than_the_whole_bucket_is_waited_for() -> None:
    """An estimate above a small plan's bucket waits for a full one, not for ever."""
    clock = ManualClock()
    bucket = a_bucket(clock, maximum=100.0, restore_rate=10.0)
    bucket.answered(await bucket.reserve(ROWS, 1), CostReport())
    await bucket.reserve(Document("much", "", points=900.0), 1)
    assert clock.elapsed == about(3.5)


async def test_calls_under_way_hold_their_points() -> None:
    """A call waits for one that is under way, and goes when that one ends, not when its own time is up."""
    clock = SteppedClock()
    bucket = a_bucket(clock, maximum=100.0, restore_rate=1.0)
    much = Document("much", "", points=80.0)
    first = await bucket.reserve(much, 1)
    second = asyncio.ensure_future(bucket.reserve(much, 1))
    await clock.settle()
    assert not second.done()
    bucket.answered(first, CostReport(80.0, 5.0, ThrottleStatus(100.0, 95.0, 1.0)))
    await clock.settle()
    assert second.done()
    assert clock.elapsed == 0.0


async def test_an_answer_that_was_overtaken_is_not_taken_at_its_word() -> None:
    """What it says was there has been spent since by a call that was begun after it and ended before it."""
    clock = ManualClock()
    bucket = a_bucket(clock, maximum=100.0, restore_rate=1.0)
    slow, quick = Document("slow", "", points=10.0), Document("quick", "", points=60.0)
    first = await bucket.reserve(slow, 1)
    second = await bucket.reserve(quick, 1)
    bucket.answered(second, CostReport(60.0, 60.0, ThrottleStatus(100.0, 30.0, 1.0)))
    bucket.answered(first, CostReport(10.0, 10.0, ThrottleStatus(100.0, 90.0, 1.0)))
    await bucket.reserve(quick, 1)
    assert clock.elapsed == about(30.0)


async def test_who_comes_first_goes_first() -> None:
    """A cheap call does not overtake a dear one that waits."""
    clock = SteppedClock()
    bucket = a_bucket(clock, maximum=100.0, restore_rate=10.0)
    bucket.unanswered(await bucket.reserve(Document("all", "", points=100.0), 1))
    order: list[str] = []

    async def go(name: str, points: float) -> None:
        await bucket.reserve(Document(name, "", points=points), 1)
        order.append(name)

    tasks = [asyncio.ensure_future(go("dear", 90.0)), asyncio.ensure_future(go("cheap", 1.0))]
    await clock.until(lambda: all(task.done() for task in tasks))
    assert order == ["dear", "cheap"]


async def test_a_waiter_that_is_cancelled_leaves_nothing_behind() -> None:
    """Its turn and its points go to the next."""
    clock = SteppedClock()
    bucket = a_bucket(clock, maximum=100.0, restore_rate=10.0)
    bucket.unanswered(await bucket.reserve(Document("all", "", points=100.0), 1))
    waiter = asyncio.ensure_future(bucket.reserve(Document("dear", "", points=90.0), 1))
    await clock.settle()
    waiter.cancel()
    next_one = asyncio.ensure_future(bucket.reserve(Document("cheap", "", points=1.0), 1))
    await clock.until(next_one.done, within=0.2)
    assert waiter.cancelled()


async def test_a_refusal_without_figures_empties_the_bucket() -> None:
    """Nothing is believed to be there until it has been restored."""
    clock = ManualClock()
    bucket = a_bucket(clock)
    bucket.throttled(await bucket.reserve(ROWS, 1), CostReport())
    await bucket.reserve(ROWS, 1)
    assert clock.elapsed == about(35 / 50)


async def test_a_refusal_that_its_figures_do_not_explain_is_waited_out() -> None:
    """Somebody else was quicker: a second is waited, as Shopify advises."""
    clock = ManualClock()
    bucket = a_bucket(clock)
    bucket.throttled(await bucket.reserve(ROWS, 1), report(available=900.0, actual=None))
    await bucket.reserve(ROWS, 1)
    assert clock.elapsed == about(1.0)


async def test_a_pause_holds_everybody() -> None:
    """After `Retry-After` no call leaves before its time, however full the bucket is."""
    clock = ManualClock()
    bucket = a_bucket(clock)
    bucket.pause(3.0)
    await bucket.reserve(ROWS, 1)
    assert clock.elapsed == about(3.0)


async def test_a_pause_holds_who_had_leave_before_it() -> None:
    """A call that waited at its gate meanwhile asks anew."""
    clock = ManualClock()
    bucket = a_bucket(clock)
    held = await bucket.reserve(ROWS, 1)
    assert bucket.may_leave(held)
    bucket.pause(3.0)
    assert not bucket.may_leave(held)
    bucket.unsent(held)
    assert bucket.may_leave(await bucket.reserve(ROWS, 1))
    assert clock.elapsed == about(3.0)


async def test_a_pause_turns_away_who_does_not_wait_so_long() -> None:
    """In every process, be there points left of what it was lent or not; behind the pause all go on."""
    clock = ManualClock()
    ledger = a_ledger(clock)
    one, other = bucket_of(ledger, "one"), bucket_of(ledger, "other")
    held = await other.reserve(ROWS, 1)
    one.pause(600.0)
    with pytest.raises(ShutError):
        await one.reserve(ROWS, 1, patience=120.0)
    clock.advance(LEAVE_SECONDS + 1.0)  # so late at the latest a process hears of it
    with pytest.raises(ShutError) as shut:
        await other.reserve(ROWS, 1, patience=120.0)
    assert shut.value.seconds == about(600.0 - LEAVE_SECONDS - 1.0)
    assert not other.may_leave(held)
    other.unsent(held)
    with pytest.raises(ShutError):
        await other.reserve(ROWS, 1, patience=120.0)
    await other.reserve(ROWS, 1, patience=600.0)
    assert clock.elapsed == about(600.0)


@pytest.mark.parametrize(
    "body",
    [
        None,
        [],
        {"extensions": None},
        {"extensions": {"cost": {"requestedQueryCost": "many", "throttleStatus": 7}}},
        {
            "extensions": {
                "cost": {"throttleStatus": {"maximumAvailable": 0, "currentlyAvailable": 5, "restoreRate": 1}}
            }
        },
        {
            "extensions": {
                "cost": {"throttleStatus": {"maximumAvailable": True, "currentlyAvailable": 5, "restoreRate": 1}}
            }
        },
    ],
)
def test_unreadable_figures_are_left_out(body: object) -> None:
    """A bucket without a size or a rate is no bucket."""
    assert cost_report(body) == CostReport()
