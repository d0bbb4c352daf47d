"""An attempt stops when it is asked to, settles what it has begun, and makes no call once its lease is gone."""

import asyncio

import pytest
from sync_worker.application.ports.call_gate import CallGate
from sync_worker.application.ports.job import JobContext, OperationResult
from sync_worker.application.ports.shopify import SpendChange
from sync_worker.application.ports.vendors import Vendors
from sync_worker.domain.failures import (
    Draining,
    ItemFailure,
    JobCancelled,
    JobPaused,
    LeaseLost,
    Origin,
    WorkStopped,
)
from sync_worker.domain.progress import Progress

from tests.fakes.attempt import JOB, RESULT, begin, raising, waiting
from tests.fakes.workshop import OneShopify, SlowShopify


async def test_a_cancel_cuts_a_wait_at_once() -> None:
    """No time passes between the directive and the release, wherever the operation waits."""
    entered = asyncio.Event()
    rig = await begin(waiting(entered, asyncio.Event().wait))
    await entered.wait()
    rig.attempt.stop(JobCancelled("not wanted"), at_once=True)
    ended = await rig.ended()
    assert (ended.call, ended.message, ended.progress) == ("release", "not wanted", Progress(successful=1))
    assert rig.clock.elapsed == 0.0


@pytest.mark.parametrize("stop", [JobCancelled("not wanted"), JobPaused()])
async def test_a_stop_reaches_an_attempt_that_has_not_begun_its_work(stop: WorkStopped) -> None:
    """What the job asks for may take long to find out; the operation is then never begun."""
    reading = asyncio.Event()

    async def read() -> None:
        reading.set()
        await asyncio.Event().wait()

    rig = await begin(raising(AssertionError("begun")), read=read)
    await reading.wait()
    rig.attempt.stop(stop, at_once=True)
    ended = await rig.ended()
    assert (ended.call, ended.message, ended.progress) == ("release", str(stop), None)
    assert rig.clock.elapsed == 0.0


async def test_a_cancel_lets_a_write_in_flight_be_settled() -> None:
    """The vendor's answer is waited for and stored; then the operation stops, before the next batch."""
    at_vendor, answer = asyncio.Event(), asyncio.Event()
    settled: list[str] = []

    async def no_wait() -> None:
        """A limiter with room."""

    async def answered() -> None:
        at_vendor.set()
        await answer.wait()

    async def work(job: JobContext, vendors: Vendors) -> OperationResult:
        shopify = vendors.shopify(job.store, job.gate)
        for batch in ("first", "second"):
            await shopify.set_spends([SpendChange(1, 2)])
            await asyncio.sleep(0)
            settled.append(batch)
            job.check()
        return RESULT

    vendors = OneShopify(lambda gate: SlowShopify(gate, no_wait, answered))
    rig = await begin(work, vendors=vendors)
    await at_vendor.wait()
    rig.attempt.stop(JobCancelled("not wanted"), at_once=True)
    await rig.clock.settle()
    assert not rig.task.done()
    answer.set()
    assert (await rig.ended()).call == "release"
    assert (vendors.opened[0].applied, settled) == ([SpendChange(1, 2)], ["first"])


async def test_a_cancel_cuts_a_write_that_waits_for_its_turn() -> None:
    """A limiter's wait before a write is a wait like any other: nothing was sent."""
    waits = asyncio.Event()

    async def turn() -> None:
        waits.set()
        await asyncio.Event().wait()

    async def work(job: JobContext, vendors: Vendors) -> OperationResult:
        await vendors.shopify(job.store, job.gate).set_spends([SpendChange(1, 2)])
        return RESULT

    def make(gate: CallGate) -> SlowShopify:
        return SlowShopify(gate, turn, turn)

    vendors = OneShopify(make)
    rig = await begin(work, vendors=vendors)
    await waits.wait()
    rig.attempt.stop(JobCancelled("not wanted"), at_once=True)
    assert (await rig.ended()).call == "release"
    assert vendors.opened[0].applied == []


async def test_work_that_is_done_wins_over_a_cancel() -> None:
    """What is done is said to be done."""
    entered, finish = asyncio.Event(), asyncio.Event()

    async def work(_job: JobContext, _vendors: Vendors) -> OperationResult:
        entered.set()
        try:
            await finish.wait()
        except asyncio.CancelledError:
            return RESULT  # it was at its end anyway
        return RESULT

    rig = await begin(work)
    await entered.wait()
    rig.attempt.stop(JobCancelled("not wanted"), at_once=True)
    assert (await rig.ended()).call == "complete"


async def test_a_drain_stops_at_the_next_page() -> None:
    """The page under way is finished, and the job goes back."""
    entered, page = asyncio.Event(), asyncio.Event()
    pages: list[int] = []

    async def work(job: JobContext, _vendors: Vendors) -> OperationResult:
        for number in range(3):
            entered.set()
            await page.wait()
            pages.append(number)
            job.check()
        return RESULT

    rig = await begin(work)
    await entered.wait()
    rig.attempt.stop(Draining("the worker is stopping"), at_once=False)
    page.set()
    ended = await rig.ended()
    assert (ended.call, ended.message, pages) == ("release", "the worker is stopping", [0])


async def test_a_lost_lease_ends_without_a_call() -> None:
    """The job may be another's: no report and no final call is made any more."""
    entered = asyncio.Event()
    rig = await begin(waiting(entered, asyncio.Event().wait))
    await entered.wait()
    await rig.clock.settle()
    rig.queue.lose(JOB, tell=False)
    await rig.clock.until(rig.task.done)
    assert rig.queue.ended == []
    calls = len(rig.queue.calls)
    await rig.clock.pass_time(60.0)
    assert len(rig.queue.calls) == calls


async def test_a_fence_that_was_overtaken_ends_without_a_call() -> None:
    """The catalog has seen a later attempt."""
    rig = await begin(raising(LeaseLost("a later attempt holds hanoi/nhanh/products")))
    await rig.clock.until(rig.task.done)
    rig.task.result()
    assert rig.queue.ended == []


async def test_word_of_an_earlier_lease_does_not_stop_the_work() -> None:
    """A lease that a report finds standing was not the one that was lost."""
    entered, finish = asyncio.Event(), asyncio.Event()
    rig = await begin(waiting(entered, finish.wait))
    await entered.wait()
    rig.attempt.doubt_lease()
    await rig.clock.settle()
    finish.set()
    assert (await rig.ended()).call == "complete"


async def test_word_of_a_lost_lease_is_found_true_at_once() -> None:
    """The renewal that checks it goes out without waiting, and is refused."""
    entered = asyncio.Event()
    rig = await begin(waiting(entered, asyncio.Event().wait))
    await entered.wait()
    await rig.clock.settle()
    rig.queue.lose(JOB, tell=False)
    rig.attempt.doubt_lease()
    await rig.clock.until(rig.task.done)
    assert (rig.clock.elapsed, rig.queue.ended) == (0.0, [])


async def test_a_lease_that_was_lost_before_the_final_call_ends_quietly() -> None:
    """Somebody else does the work; it is not an error of this worker."""
    entered, finish = asyncio.Event(), asyncio.Event()
    rig = await begin(waiting(entered, finish.wait))
    await entered.wait()
    await rig.clock.settle()
    rig.queue.lose(JOB, tell=False)
    finish.set()
    await rig.clock.until(rig.task.done)
    rig.task.result()
    assert rig.queue.ended == []


async def test_no_final_call_is_made_once_a_report_has_found_the_lease_lost() -> None:
    """The last report before the final call is refused, so the final call is not tried."""

    async def work(job: JobContext, _vendors: Vendors) -> OperationResult:
        await rig.clock.settle()
        rig.queue.lose(JOB, tell=False)
        failures = [ItemFailure(str(n), "price", Origin.WORKER, "C", "m", retryable=False) for n in range(501)]
        return OperationResult(RESULT.progress, {}, failures=failures)

    rig = await begin(work)
    await rig.clock.until(rig.task.done)
    rig.task.result()
    assert "complete" not in rig.queue.calls


async def test_no_call_to_a_vendor_begins_on_a_lease_in_doubt() -> None:
    """Between the word of a loss and the report that finds it untrue, the gate is closed."""
    passed: list[float] = []
    entered, go_on = asyncio.Event(), asyncio.Event()

    async def work(job: JobContext, _vendors: Vendors) -> OperationResult:
        entered.set()
        await go_on.wait()
        await job.gate.pass_through(1.0)
        passed.append(rig.clock.elapsed)
        return RESULT

    rig = await begin(work)
    await entered.wait()
    await rig.clock.settle()
    rig.queue.answer_seconds = 3.0
    rig.attempt.doubt_lease()
    go_on.set()
    assert (await rig.ended()).call == "complete"
    assert passed == [3.0]


async def test_an_attempt_that_is_cut_off_takes_its_operation_along() -> None:
    """At the end of the grace nothing keeps running; the lease runs out by itself."""
    entered, cleaned = asyncio.Event(), asyncio.Event()

    async def work(_job: JobContext, _vendors: Vendors) -> OperationResult:
        entered.set()
        try:
            await asyncio.Event().wait()
        finally:
            cleaned.set()
        return RESULT

    rig = await begin(work)
    await entered.wait()
    rig.task.cancel()
    await asyncio.wait((rig.task,))
    assert cleaned.is_set()
    assert rig.queue.ended == []
