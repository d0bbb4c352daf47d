"""Facts about the sliding window."""

import asyncio

import pytest
from sync_worker.adapters.nhanh.limiter import SlidingWindows
from sync_worker.domain.traffic import Traffic

from tests.fakes.nhanh_traffic import Flow, a_flow, a_window
from tests.fakes.quota_ledger import MemoryLedger
from tests.fakes.scripted_nhanh import an_account
from tests.fakes.stepped_clock import SteppedClock


async def test_calls_within_the_quota_do_not_wait() -> None:
    """So many calls leave at once; the next one leaves a whole window after the first answer."""
    flow = a_flow(3)
    calls = [flow.start(1.0) for _ in range(4)]
    await flow.clock.pass_time(30.9)
    assert flow.sent == [0.0, 0.0, 0.0]
    await flow.clock.pass_time(1.2)
    assert flow.sent == [0.0, 0.0, 0.0, 31.0]
    await asyncio.gather(*calls)
    assert flow.waited == [0.0, 0.0, 0.0, 31.0]


async def test_a_call_under_way_counts_however_long_it_takes() -> None:
    """Nhanh may count it late; it leaves the window only a whole window after its answer."""
    flow = a_flow(1)
    slow, quick = flow.start(100.0), flow.start(1.0)
    await flow.clock.until(quick.done, within=200.0)
    await asyncio.gather(slow, quick)
    assert flow.sent == [0.0, 130.0]


async def test_a_quota_of_zero_is_none() -> None:
    """A sandbox without limits is not slowed down."""
    flow = a_flow(0)
    calls = [flow.start(1.0) for _ in range(500)]
    await flow.clock.pass_time(1.0)
    await asyncio.gather(*calls)
    assert set(flow.sent) == {0.0}


async def test_first_come_first_served() -> None:
    """Nobody overtakes, so nobody starves."""
    flow = a_flow(1, 10.0)
    calls = [flow.start(0.0, name) for name in "abcde"]
    await flow.clock.until(lambda: all(call.done() for call in calls))
    assert flow.names == list("abcde")
    assert flow.sent == [0.0, 10.0, 20.0, 30.0, 40.0]


async def test_a_lock_is_obeyed_to_the_second_and_then_one_call_goes_first() -> None:
    """No call leaves while it lasts. The first one after it goes alone, since a second could lengthen the lock."""
    flow = a_flow(10)
    first = flow.start(1.0, lock=10.0)
    await flow.clock.until(first.done)
    calls = [flow.start(2.0) for _ in range(3)]
    await flow.clock.pass_time(9.9)
    assert flow.names == [""]
    await flow.clock.until(lambda: all(call.done() for call in calls))
    assert flow.sent == [0.0, 11.0, 13.0, 13.0]


async def test_a_lock_holds_even_without_a_quota() -> None:
    """Nhanh's word counts more than ours."""
    flow = a_flow(0)
    flow.window.lock(10.0)
    call = flow.start(0.0)
    await flow.clock.until(call.done)
    assert flow.sent == [10.0]


async def test_a_lengthened_lock_is_obeyed_again() -> None:
    """When the call that goes first is refused too, all others go on waiting."""
    flow = a_flow(10)
    flow.window.lock(5.0)
    first, second = flow.start(1.0, lock=20.0), flow.start(1.0)
    await flow.clock.until(second.done)
    await first
    assert flow.sent == [5.0, 26.0]


async def test_a_shorter_lock_does_not_end_a_longer_one() -> None:
    """Answers may come in any order."""
    flow = a_flow(10)
    flow.window.lock(20.0)
    flow.window.lock(5.0)
    assert flow.window.locked_seconds == 20.0
    call = flow.start(0.0)
    await flow.clock.until(call.done)
    assert flow.sent == [20.0]


async def test_a_call_that_never_left_costs_nothing() -> None:
    """The gate refused it: its place is free at once."""
    flow = a_flow(1)
    async with flow.window.place():
        waiting = flow.start(0.0)
        await flow.clock.settle()
        assert not flow.names
    await flow.clock.until(waiting.done)
    assert flow.sent == [0.0]


async def test_a_call_first_after_a_lock_that_never_left_leaves_the_next_one_first() -> None:
    """The lock is only behind us once a call has been answered."""
    flow = a_flow(10)
    flow.window.lock(5.0)
    unsent = asyncio.create_task(_gives_up(flow))
    await flow.clock.until(unsent.done)
    assert unsent.cancelled()
    calls = [flow.start(1.0), flow.start(1.0)]
    await flow.clock.until(lambda: all(call.done() for call in calls))
    assert flow.sent == [5.0, 6.0]


@pytest.mark.parametrize("victim", [1, 2])
async def test_a_cancelled_wait_leaves_the_window_as_it_was(victim: int) -> None:
    """The one in front or one behind: the others get their turns, and the wait so far was counted."""
    flow = a_flow(1, 10.0)
    calls = [flow.start(0.0, name) for name in "abc"]
    await flow.clock.pass_time(3.0)
    calls[victim].cancel()
    rest = [call for call in calls if call is not calls[victim]]
    await flow.clock.until(lambda: all(call.done() for call in rest))
    await asyncio.gather(*calls, return_exceptions=True)
    assert calls[victim].cancelled()
    assert flow.sent == [0.0, 10.0]
    assert 3.0 in flow.waited


async def test_calls_that_give_up_leave_no_room_empty() -> None:
    """A person's calls that are cancelled together, the last ones of their process, keep no bulk call of another waiting."""
    ledger = MemoryLedger(SteppedClock())
    one, two = (Flow(a_window(ledger, 3, 10.0, process), ledger.clock) for process in ("one", "two"))
    before = [one.start(0.0) for _ in range(3)]
    await one.clock.until(lambda: all(call.done() for call in before))
    manual = [one.start(0.0, traffic=Traffic.MANUAL) for _ in range(3)]
    bulk = [two.start(0.0) for _ in range(3)]
    await one.clock.pass_time(9.5)
    for call in manual:
        call.cancel()
    await one.clock.until(lambda: all(call.done() for call in bulk))
    await asyncio.gather(*before, *bulk)
    assert two.sent == [10.0, 10.0, 10.0]


async def test_a_call_that_is_cancelled_under_way_counts() -> None:
    """Nhanh has counted it."""
    flow = a_flow(1, 10.0)
    cut = flow.start(100.0)
    await flow.clock.pass_time(4.0)
    cut.cancel()
    following = flow.start(0.0)
    await flow.clock.until(following.done)
    assert flow.sent == [14.0]


def test_windows_are_shared_by_account_and_path() -> None:
    """Whoever opens them; other paths and other businesses have windows of their own."""
    windows = some_windows(SteppedClock())
    mine = windows.of(an_account(), "product/list")
    assert windows.of(an_account(access_token="another", quota_calls=145), "product/list") is mine
    others = [
        windows.of(an_account(), "customer/list"),
        windows.of(an_account(business_id=1002), "product/list"),
        windows.of(an_account(app_id=102), "product/list"),
        windows.of(an_account(base_url="http://other.test"), "product/list"),
    ]
    assert mine not in others
    assert len({id(window) for window in others}) == 4


@pytest.mark.parametrize("quotas", [(1, 2), (2, 1), (0, 1), (1, 0)])
async def test_the_stricter_of_two_quotas_holds(quotas: tuple[int, int]) -> None:
    """Two stores of one account may name different ones; no quota is the loosest."""
    clock = SteppedClock()
    windows = some_windows(clock)
    for quota in quotas:
        window = windows.of(an_account(quota_calls=quota), "product/list")
    flow = Flow(window, clock)
    calls = [flow.start(0.0), flow.start(0.0)]
    await flow.clock.until(lambda: all(call.done() for call in calls))
    assert flow.sent == [0.0, 30.0]


def some_windows(clock: SteppedClock) -> SlidingWindows:
    """The windows of a process."""
    return SlidingWindows(MemoryLedger(clock), clock, process="one", call_seconds=15.0)


async def _gives_up(flow: Flow) -> None:
    async with flow.window.place():
        raise asyncio.CancelledError
