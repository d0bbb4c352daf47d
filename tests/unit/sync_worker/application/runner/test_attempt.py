"""An attempt ends with the one final call that fits what happened."""

import asyncio
from typing import Any

import pytest
from structlog.testing import capture_logs
from sync_worker.application.ports.job import Fence, JobContext, OperationResult
from sync_worker.application.ports.vendors import Vendors
from sync_worker.application.runner.endings import OUTAGE_SECONDS
from sync_worker.domain.failures import (
    AccessRefused,
    CatalogUnavailable,
    ItemFailure,
    OperationFailure,
    Origin,
    VendorUnavailable,
)
from sync_worker.domain.progress import Progress

from tests.fakes.attempt import JOB, RESULT, begin, done, giving, raising, waiting
from tests.fakes.job_tracker import Ended, refusal
from tests.fakes.workshop import CatalogAwayError

FAILURE = ItemFailure("nhanh:1", "inventory", Origin.WORKER, "NOT_FOUND", "gone", retryable=False)


async def test_work_that_is_done_completes_the_job() -> None:
    """Counts, result, message and the last failures go out with CompleteJob."""
    result = OperationResult(RESULT.progress, RESULT.result, RESULT.message, (FAILURE,))
    rig = await begin(giving(result))
    ended = await rig.ended()
    assert ended == Ended("complete", JOB, RESULT.progress, (FAILURE,), message="three rows", result={"pages": 1})


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


@pytest.mark.parametrize(
    ("error", "seconds"),
    [
        (VendorUnavailable("nhanh", "HTTP_503", "busy"), OUTAGE_SECONDS),
        (VendorUnavailable("nhanh", "RATE_LIMITED", "locked", retry_after=1_800.0), 1_800.0),
        (VendorUnavailable("shopify", "HTTP_429", "call less", retry_after=2.0), OUTAGE_SECONDS),
        (CatalogUnavailable("it restarts"), OUTAGE_SECONDS),
        (CatalogAwayError("it restarts"), OUTAGE_SECONDS),
        (OperationFailure("PLACE_CLEARED", "begins anew", retryable=True), None),
        (OperationFailure("LATER", "it says when", retryable=True, retry_after=7.0), 7.0),
        (OperationFailure("NEVER", "nobody can help", retryable=False, retry_after=7.0), None),
        (KeyError("colour"), None),
    ],
)
async def test_an_outage_is_given_time_to_end(error: Exception, seconds: float | None) -> None:
    """Three attempts within seconds would all meet the same outage; what needs no time is left to JobTracker's back-off."""
    rig = await begin(raising(error))
    assert (await rig.ended()).retry_after == seconds


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


async def test_work_goes_on_while_jobtracker_is_away() -> None:
    """Only calls to vendors pause at the margin; they go on when JobTracker is back and the lease still stands."""
    passed: list[float] = []

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
