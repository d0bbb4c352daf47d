"""An attempt ends with the one final call that fits what happened, or with none when the lease is gone."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import pytest
from structlog.testing import capture_logs
from sync_worker.application.ports.call_gate import CallGate
from sync_worker.application.ports.job import Fence, JobContext, OperationResult
from sync_worker.application.ports.shopify import SpendChange
from sync_worker.application.ports.vendors import Vendors
from sync_worker.application.ports.work_queue import Claim
from sync_worker.application.runner.attempt import Attempt
from sync_worker.domain.failures import (
    AccessRefused,
    Draining,
    ItemFailure,
    JobCancelled,
    LeaseLost,
    Origin,
    VendorUnavailable,
)
from sync_worker.domain.operations import Operation
from sync_worker.domain.progress import Progress

from tests.fakes.job_tracker import Ended, FakeWorkQueue, refusal
from tests.fakes.stepped_clock import SteppedClock
from tests.fakes.workshop import CatalogAwayError, OneShopify, SlowShopify, Work, a_workshop

JOB = "job-1"
RESULT = OperationResult(Progress(total=3, successful=2, failed=1), {"pages": 1}, "three rows")
FAILURE = ItemFailure("nhanh:1", "inventory", Origin.WORKER, "NOT_FOUND", "gone", retryable=False)


@dataclass
class Rig:
    """An attempt under way."""

    clock: SteppedClock
    queue: FakeWorkQueue
    attempt: Attempt
    task: "asyncio.Task[None]"

    async def ended(self) -> Ended:
        """Wait for the attempt's end; its one final call."""
        await self.clock.until(self.task.done)
        self.task.result()
        (ended,) = self.queue.ended
        return ended


async def begin(work: Work, *, vendors: Vendors | None = None, **job: Any) -> Rig:
    """Claim a job and begin an attempt whose operation is `work`."""
    clock = SteppedClock()
    queue = FakeWorkQueue(clock)
    queue.put(JOB, Operation.PULL_NHANH_PRODUCTS, **job)
    (claimed,) = await queue.claim(Claim("r", "w", (), 1, 30.0), wait=0.0)
    attempt = Attempt(claimed, clock.monotonic(), a_workshop(queue, clock, work, vendors=vendors))
    return Rig(clock, queue, attempt, asyncio.create_task(attempt.run()))


async def done(_job: JobContext, _vendors: Vendors) -> OperationResult:
    """An operation that has nothing left to do."""
    return RESULT


def raising(error: Exception) -> Work:
    """An operation that fails."""

    async def work(_job: JobContext, _vendors: Vendors) -> OperationResult:
        raise error

    return work


def waiting(entered: asyncio.Event, wait: Callable[[], Awaitable[object]]) -> Work:
    """An operation that waits, and would then be done."""

    async def work(job: JobContext, _vendors: Vendors) -> OperationResult:
        await job.report(Progress(successful=1))
        entered.set()
        await wait()
        return RESULT

    return work


async def test_work_that_is_done_completes_the_job() -> None:
    """Counts, result, message and the last failures go out with CompleteJob."""
    result = OperationResult(RESULT.progress, RESULT.result, RESULT.message, (FAILURE,))
    rig = await begin(_giving(result))
    ended = await rig.ended()
    assert ended == Ended("complete", JOB, RESULT.progress, (FAILURE,), message="three rows", result={"pages": 1})


def _giving(result: OperationResult) -> Work:
    async def work(_job: JobContext, _vendors: Vendors) -> OperationResult:
        return result

    return work


async def test_an_operation_sees_its_job() -> None:
    """Id, attempt, store, and a fence of the exclusive keys alone."""
    seen: list[JobContext] = []

    async def work(job: JobContext, _vendors: Vendors) -> OperationResult:
        seen.append(job)
        return RESULT

    rig = await begin(work, exclusive_keys=("hanoi/nhanh/products",))
    await rig.ended()
    (job,) = seen
    assert (job.job_id, job.attempt, job.store.store_id) == (JOB, 1, "hanoi")
    assert job.fence == Fence(1_001, ("hanoi/nhanh/products",))


async def test_the_lease_is_renewed_before_anything_else() -> None:
    """The claim may have waited a whole long poll: the first call makes the lease count from now."""
    entered = asyncio.Event()
    rig = await begin(waiting(entered, asyncio.Event().wait))
    await rig.clock.settle()
    assert [at for at, _ in rig.queue.reports] == [0.0]
    rig.task.cancel()
    await asyncio.wait((rig.task,))


@pytest.mark.parametrize(
    ("error", "code", "retryable"),
    [
        (AccessRefused("shopify", "ACCESS_TOKEN_INVALID", "put a new token into the stores file"), None, False),
        (VendorUnavailable("nhanh", "NHANH_UNAVAILABLE", "no answer"), None, True),
        (CatalogAwayError("the disk is full"), "CATALOG_UNAVAILABLE", True),
    ],
)
async def test_a_failure_fails_the_job_as_it_says(error: Any, code: str | None, retryable: bool) -> None:
    """Code, sentence and whether trying again could help are the failure's own; counts so far go along."""

    async def work(job: JobContext, _vendors: Vendors) -> OperationResult:
        await job.report(Progress(successful=4), (FAILURE,))
        raise error

    rig = await begin(work)
    ended = await rig.ended()
    assert (ended.call, ended.code, ended.retryable) == ("fail", code or error.code, retryable)
    assert ended.message == str(error)
    assert (ended.progress, ended.failures) == (Progress(successful=4), (FAILURE,))


async def test_a_fault_of_our_own_is_an_incident() -> None:
    """The job says under which id the log has the details; trying again may help, since faults depend on circumstances."""
    with capture_logs() as logs:
        rig = await begin(raising(KeyError("colour")))
        ended = await rig.ended()
    assert (ended.call, ended.code, ended.retryable) == ("fail", "INTERNAL", True)
    (logged,) = [line for line in logs if "incident_id" in line]
    assert logged["incident_id"] in ended.message
    assert "colour" not in ended.message


async def test_an_operation_that_cancels_itself_is_a_fault() -> None:
    """Nobody asked for it to stop, so it is not taken for a stop."""
    rig = await begin(raising(asyncio.CancelledError()))  # type: ignore[arg-type]  # that is the fault
    assert (await rig.ended()).code == "INTERNAL"


async def test_params_that_cannot_be_read_fail_the_job_for_good() -> None:
    """No attempt of them ever helps."""
    rig = await begin(done, params={"surprise": 1})
    ended = await rig.ended()
    assert (ended.call, ended.code, ended.retryable) == ("fail", "INVALID_PARAMS", False)


async def test_a_store_that_is_not_known_here_fails_the_job_for_good() -> None:
    """The sentence says which store, and where it is missing."""
    rig = await begin(done, store_id="hue")
    ended = await rig.ended()
    assert (ended.call, ended.code, ended.retryable) == ("fail", "STORE_UNKNOWN", False)
    assert "'hue' is not in this worker's stores file" in ended.message


async def test_a_cancel_cuts_a_wait_at_once() -> None:
    """No time passes between the directive and the release, wherever the operation waits."""
    entered = asyncio.Event()
    rig = await begin(waiting(entered, asyncio.Event().wait))
    await entered.wait()
    rig.attempt.stop(JobCancelled("not wanted"), at_once=True)
    ended = await rig.ended()
    assert (ended.call, ended.message, ended.progress) == ("release", "not wanted", Progress(successful=1))
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


async def test_work_goes_on_while_jobtracker_is_away() -> None:
    """Only calls to vendors pause at the margin; they go on when JobTracker is back and the lease still stands."""
    passed: list[float] = []
    rig: Rig

    async def work(job: JobContext, _vendors: Vendors) -> OperationResult:
        rig.queue.go_away()
        for _ in range(4):
            await rig.clock.sleep(4.0)
            await job.gate.pass_through(15.0)
            passed.append(rig.clock.elapsed)
        return RESULT

    rig = await begin(work)
    await rig.clock.pass_time(50.0)
    assert passed == [4.0, 8.0]
    rig.queue.come_back()
    assert (await rig.ended()).call == "complete"
    assert len(passed) == 4


async def test_a_final_call_is_repeated_until_it_is_answered() -> None:
    """JobTracker was away when the work was done, and longer than the lease; it is told when it is back."""
    rig: Rig

    async def work(_job: JobContext, _vendors: Vendors) -> OperationResult:
        rig.queue.go_away()
        return RESULT

    rig = await begin(work)
    await rig.clock.pass_time(100.0)
    assert not rig.task.done()
    rig.queue.come_back()
    assert (await rig.ended()).call == "complete"


async def test_a_final_call_whose_answer_was_lost_is_repeated() -> None:
    """The repeat is the same, and takes effect once."""
    entered, finish = asyncio.Event(), asyncio.Event()
    rig = await begin(waiting(entered, finish.wait))
    await entered.wait()
    await rig.clock.pass_time(1.0)
    rig.queue.lose_answers = 1
    finish.set()
    assert (await rig.ended()).call == "complete"
    assert rig.queue.calls.count("complete") == 2


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


@pytest.mark.parametrize("reason", ["TOTAL_NOT_REACHED", "INVALID_FIELD", "PROGRESS_INVALID"])
async def test_a_result_that_is_refused_fails_the_job(reason: str) -> None:
    """The operation broke the contract: the job says so, without the counts that were refused."""
    rig = await begin(done)
    rig.queue.refuse["complete"] = refusal(reason)
    ended = await rig.ended()
    assert (ended.call, ended.code, ended.retryable, ended.progress) == ("fail", "INTERNAL", False, None)


async def test_reports_that_are_refused_fail_the_job() -> None:
    """Counts that run backwards are a fault of the operation, and stop it."""

    async def work(job: JobContext, _vendors: Vendors) -> OperationResult:
        await job.report(Progress(successful=1))
        await asyncio.Event().wait()
        return RESULT

    rig = await begin(work)
    rig.queue.refuse["update"] = refusal("PROGRESS_INVALID")
    ended = await rig.ended()
    assert (ended.call, ended.code, ended.retryable, ended.progress) == ("fail", "INTERNAL", False, None)


async def test_a_failure_whose_counts_are_refused_is_said_without_them() -> None:
    """That the attempt failed is worth more than its counts."""

    async def work(job: JobContext, _vendors: Vendors) -> OperationResult:
        await job.report(Progress(successful=1))
        rig.queue.refuse["fail"] = refusal("PROGRESS_INVALID")
        raise VendorUnavailable("nhanh", "NHANH_UNAVAILABLE", "no answer")

    rig = await begin(work)
    with capture_logs() as logs:
        await rig.clock.until(rig.task.done)
    assert rig.queue.calls.count("fail") == 2
    assert [line["event"] for line in logs if line["log_level"] == "error"] == [
        "final call refused; the lease will run out"
    ]


async def test_a_job_that_ended_otherwise_is_left_alone() -> None:
    """ILLEGAL_TRANSITION is an answer: there is nothing left to do."""
    rig = await begin(done)
    rig.queue.refuse["complete"] = refusal("ILLEGAL_TRANSITION")
    await rig.clock.until(rig.task.done)
    rig.task.result()
    assert rig.queue.calls.count("complete") == 1
    assert rig.queue.ended == []


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
