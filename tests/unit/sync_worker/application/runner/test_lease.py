"""No call to a vendor outlives the lease under which it is made."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sync_worker.application.runner.lease import MARGIN, Lease, LeaseGate
from sync_worker.application.runner.stopping import Stopping
from sync_worker.domain.failures import Draining, JobCancelled, LeaseLost, OperationFailure

from tests.fakes.clock import ManualClock


class Asked:
    """Counts how often a renewal was asked for."""

    def __init__(self) -> None:
        self.times = 0

    def __call__(self) -> None:
        """Count."""
        self.times += 1


def leased(clock: ManualClock, ttl: float = 30.0) -> tuple[Lease, Stopping, Asked, LeaseGate]:
    """A lease that was just granted, and its gate."""
    lease, stopping, renew = Lease(clock, ttl=ttl, renew_after=ttl / 3, sent=clock.monotonic()), Stopping(), Asked()
    return lease, stopping, renew, LeaseGate(lease, stopping, renew)


async def waiting(gate: LeaseGate, seconds: float) -> "asyncio.Task[None]":
    """A call that waits at the gate."""
    task = asyncio.create_task(gate.pass_through(seconds))
    for _ in range(3):
        await asyncio.sleep(0)
    assert not task.done()
    return task


async def test_a_fresh_lease_lets_a_call_pass_without_asking() -> None:
    """15 s fit into 30 s less 6 s."""
    _, _, renew, gate = leased(ManualClock())
    await gate.pass_through(15.0)
    assert renew.times == 0


@given(
    ttl=st.floats(5, 300),
    age=st.floats(0, 400),
    call=st.floats(0.001, 300),
)
def test_a_call_is_covered_only_if_it_ends_before_the_margin(ttl: float, age: float, call: float) -> None:
    """Whatever the numbers, a covered call ends before the lease does, less a fifth of it."""
    clock = ManualClock()
    lease = Lease(clock, ttl=ttl, renew_after=ttl / 3, sent=0.0)
    clock.advance(age)
    if lease.covers(call):
        assert age + call <= ttl * (1 - MARGIN) + 1e-9
    else:
        assert age + call >= ttl * (1 - MARGIN) - 1e-9


async def test_it_counts_from_the_sending_not_from_the_answer() -> None:
    """A renewal that was answered late is worth what was left of it."""
    clock = ManualClock()
    lease, *_ = leased(clock)
    clock.advance(20.0)
    sent = clock.monotonic()
    clock.advance(8.0)
    lease.renewed(sent)
    assert lease.left == pytest.approx(22.0)


async def test_an_older_renewal_takes_nothing_away() -> None:
    """Answers that come out of order leave the best of them."""
    clock = ManualClock()
    lease, *_ = leased(clock)
    clock.advance(10.0)
    lease.renewed(10.0)
    lease.renewed(5.0)
    assert lease.left == pytest.approx(30.0)


async def test_a_short_lease_is_renewed_and_the_call_goes_on() -> None:
    """At the margin the call waits, a renewal is asked for at once, and its answer lets the call pass."""
    clock = ManualClock()
    lease, _, renew, gate = leased(clock)
    clock.advance(12.0)
    call = await waiting(gate, 15.0)
    assert renew.times == 1
    lease.renewed(clock.monotonic())
    await call


async def test_a_lease_that_has_run_out_is_not_lost_until_jobtracker_says_so() -> None:
    """JobTracker may have let it stand: a call waits, and goes on when a renewal is accepted after all."""
    clock = ManualClock()
    lease, _, _, gate = leased(clock)
    clock.advance(100.0)
    call = await waiting(gate, 1.0)
    lease.renewed(clock.monotonic())
    await call


async def test_a_lease_that_was_taken_ends_the_call() -> None:
    """A refused renewal raises LeaseLost in the call that waits."""
    clock = ManualClock()
    _, stopping, _, gate = leased(clock)
    clock.advance(100.0)
    call = await waiting(gate, 1.0)
    stopping.ask(LeaseLost("taken"), at_once=True)
    with pytest.raises(LeaseLost):
        await call


async def test_several_calls_wait_and_go_on_together() -> None:
    """One renewal serves every call that waits for it."""
    clock = ManualClock()
    lease, _, _, gate = leased(clock)
    clock.advance(12.0)
    calls = [await waiting(gate, 15.0), await waiting(gate, 14.0)]
    lease.renewed(clock.monotonic())
    await asyncio.gather(*calls)


@pytest.mark.parametrize("stop", [JobCancelled("no"), Draining("stopping"), LeaseLost("taken")])
async def test_a_stop_closes_the_gate(stop: Exception) -> None:
    """After a stop was asked for no call begins, however fresh the lease is."""
    _, stopping, _, gate = leased(ManualClock())
    stopping.ask(stop, at_once=False)  # type: ignore[arg-type]  # each is a WorkStopped
    with pytest.raises(type(stop)):
        await gate.pass_through(1.0)


async def test_a_drain_wakes_a_call_that_waits_at_the_gate() -> None:
    """A call that waits for a renewal does not hold up a drain."""
    clock = ManualClock()
    _, stopping, _, gate = leased(clock)
    clock.advance(12.0)
    call = await waiting(gate, 15.0)
    stopping.ask(Draining("stopping"), at_once=False)
    with pytest.raises(Draining):
        await call


async def test_a_call_that_no_lease_covers_is_refused_rather_than_waited_for() -> None:
    """A lease of 5 s never covers a call of 15 s: it says so, and which setting to change."""
    _, _, _, gate = leased(ManualClock(), ttl=5.0)
    with pytest.raises(OperationFailure, match=r"SYNC_WORKER_LEASE_SECONDS to at least 18\.75") as raised:
        await gate.pass_through(15.0)
    assert (raised.value.code, raised.value.retryable) == ("LEASE_TOO_SHORT", False)


async def test_word_of_a_loss_closes_the_gate_until_a_later_report_is_accepted() -> None:
    """A report that was sent before the word came proves nothing."""
    clock = ManualClock()
    lease, _, renew, gate = leased(clock)
    clock.advance(1.0)
    lease.doubt()
    call = await waiting(gate, 1.0)
    assert renew.times == 1
    lease.renewed(0.5)
    assert not lease.covers(1.0)
    lease.renewed(1.0)
    await call
