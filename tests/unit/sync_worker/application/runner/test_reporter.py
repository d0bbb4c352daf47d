"""Reports are throttled, never lost, sent in order, and keep the lease."""

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest
from sync_worker.application.ports.work_queue import MAX_FAILURES, Claim
from sync_worker.application.runner.lease import Lease
from sync_worker.application.runner.reporter import MOST_WAITING, THROTTLE_SECONDS, Reporter
from sync_worker.application.runner.stopping import Stopping
from sync_worker.domain.failures import ItemFailure, JobCancelled, LeaseLost, Origin
from sync_worker.domain.operations import Operation
from sync_worker.domain.progress import Progress

from tests.fakes.job_tracker import FakeWorkQueue, refusal
from tests.fakes.stepped_clock import SteppedClock

JOB = "job-1"


@dataclass
class Rig:
    """A reporter at work."""

    clock: SteppedClock
    queue: FakeWorkQueue
    lease: Lease
    stopping: Stopping
    reporter: Reporter
    keeping: "asyncio.Task[None]"


def failure(number: int, message: str = "no") -> ItemFailure:
    """A failure of an item of its own."""
    return ItemFailure(f"nhanh:{number}", "inventory", Origin.SHOPIFY, "NOT_FOUND", message, retryable=False)


def done(count: int) -> Progress:
    """So many items went well."""
    return Progress(successful=count)


@asynccontextmanager
async def reporting() -> AsyncIterator[Rig]:
    """Claim a job and let its reporter work."""
    clock = SteppedClock()
    queue = FakeWorkQueue(clock)
    queue.put(JOB, Operation.PULL_NHANH_PRODUCTS)
    (claimed,) = await queue.claim(Claim("r", "w", (), 1, 30.0), wait=0.0)
    lease = Lease(clock, ttl=30.0, renew_after=10.0, sent=clock.monotonic())
    stopping = Stopping()
    reporter = Reporter(queue, claimed.lease, lease, stopping, clock, uniform=lambda _low, high: high)
    keeping = asyncio.create_task(reporter.keep())
    try:
        yield Rig(clock, queue, lease, stopping, reporter, keeping)
    finally:
        keeping.cancel()
        await asyncio.wait((keeping,))


async def test_the_latest_progress_wins_and_reports_are_throttled() -> None:
    """A thousand reports in a second are five calls, each with the newest counts."""
    async with reporting() as rig:
        for count in range(1, 1_001):
            await rig.reporter.report(done(count))
            await rig.clock.pass_time(0.001)
        assert 4 <= len(rig.queue.reports) <= 6
        times = [at for at, _ in rig.queue.reports]
        assert all(later - earlier >= THROTTLE_SECONDS - 1e-9 for earlier, later in itertools.pairwise(times))
        await rig.clock.pass_time(THROTTLE_SECONDS)
        assert rig.queue.reports[-1][1].progress == done(1_000)


async def test_sequences_rise_by_one() -> None:
    """JobTracker can tell which of two reports is the later."""
    async with reporting() as rig:
        for count in range(3):
            await rig.reporter.report(done(count))
            await rig.clock.pass_time(1.0)
        assert [report.sequence for _, report in rig.queue.reports] == [1, 2, 3]


async def test_a_silent_operation_keeps_its_lease() -> None:
    """With nothing to say, the lease is renewed when it is due, without counts."""
    async with reporting() as rig:
        await rig.clock.pass_time(35.0)
        assert [at for at, _ in rig.queue.reports] == pytest.approx([10.0, 20.0, 30.0])
        assert all(report.progress is None for _, report in rig.queue.reports)
        assert rig.lease.left == pytest.approx(25.0)


async def test_a_renewal_counts_from_its_sending() -> None:
    """An answer that took 4 s renews for 26 s from when it came: JobTracker may have counted from the beginning."""
    async with reporting() as rig:
        rig.queue.answer_seconds = 4.0
        await rig.clock.pass_time(14.0)
        assert rig.lease.left == pytest.approx(26.0)


async def test_a_renewal_that_is_asked_for_goes_out_at_once() -> None:
    """The gate need not wait for the throttle."""
    async with reporting() as rig:
        await rig.reporter.report(done(1))
        await rig.clock.pass_time(THROTTLE_SECONDS)
        rig.reporter.renew()
        await rig.clock.settle()
        assert [at for at, _ in rig.queue.reports] == pytest.approx([0.2, 0.2])


async def test_failures_are_sent_in_chunks() -> None:
    """1,200 failures are three calls without a pause between them, and none is lost."""
    async with reporting() as rig:
        await rig.reporter.report(done(0), [failure(number) for number in range(1_200)])
        await rig.clock.pass_time(THROTTLE_SECONDS)
        assert [len(report.failures) for _, report in rig.queue.reports] == [500, 500, 200]
        assert len(rig.queue.failures) == 1_200


async def test_of_two_failures_of_one_item_the_later_is_sent() -> None:
    """What waits to be sent is replaced by what is newer."""
    async with reporting() as rig:
        await rig.reporter.report(done(0), [failure(1, "first")])
        await rig.reporter.report(done(0), [failure(1, "second")])
        await rig.clock.pass_time(1.0)
        assert [one.message for _, report in rig.queue.reports for one in report.failures] == ["second"]


async def test_an_operation_waits_only_while_very_many_failures_are_unsent() -> None:
    """Memory is bounded when JobTracker is away; the operation goes on when there is room."""
    async with reporting() as rig:
        rig.queue.go_away()
        waiting = asyncio.create_task(rig.reporter.report(done(0), [failure(n) for n in range(MOST_WAITING)]))
        await rig.clock.pass_time(10.0)
        assert not waiting.done()
        rig.queue.come_back()
        await rig.clock.until(waiting.done)


async def test_an_unanswered_report_is_repeated_unchanged() -> None:
    """Its effect is the same once or twice, and what came meanwhile follows in a report of its own."""
    async with reporting() as rig:
        rig.queue.lose_answers = 2
        await rig.reporter.report(done(1), [failure(1)])
        await rig.clock.until(lambda: len(rig.queue.reports) == 1)
        await rig.reporter.report(done(2), [failure(2)])
        await rig.clock.pass_time(5.0)
        reports = [report for _, report in rig.queue.reports]
        assert reports[0] == reports[1] == reports[2]
        assert (reports[3].sequence, reports[3].progress, reports[3].failures) == (2, done(2), (failure(2),))
        assert len(reports) == 4


async def test_a_later_failure_of_an_item_outlives_the_report_of_the_earlier() -> None:
    """While the first is under way, the second is kept for the next report."""
    async with reporting() as rig:
        rig.queue.go_away()
        await rig.reporter.report(done(0), [failure(1, "first")])
        await rig.clock.pass_time(1.0)
        await rig.reporter.report(done(0), [failure(1, "second")])
        rig.queue.come_back()
        await rig.clock.pass_time(5.0)
        assert rig.queue.failures[("nhanh:1", "inventory")].message == "second"


async def test_a_report_that_was_passed_over_is_said_again() -> None:
    """JobTracker had a later sequence already: counts and failures go out under the next one."""
    async with reporting() as rig:
        rig.queue._sequences["token-1"] = 2
        await rig.reporter.report(done(7), [failure(7)])
        await rig.clock.pass_time(2.0)
        reports = [report for _, report in rig.queue.reports]
        assert [report.sequence for report in reports] == [1, 2, 3]
        assert [report.progress for report in reports] == [done(7)] * 3
        assert ("nhanh:7", "inventory") in rig.queue.failures


async def test_the_answer_of_a_report_carries_a_cancel() -> None:
    """Without the stream of directives, a cancel comes with the next answer."""
    async with reporting() as rig:
        rig.queue.cancel(JOB, tell=False)
        await rig.clock.pass_time(11.0)
        assert isinstance(rig.stopping.asked, JobCancelled)


async def test_a_lost_lease_stops_the_work_and_the_reports() -> None:
    """After LEASE_LOST nothing more is sent."""
    async with reporting() as rig:
        rig.queue.lose(JOB, tell=False)
        await rig.clock.until(rig.keeping.done)
        assert isinstance(rig.stopping.asked, LeaseLost)
        assert rig.reporter.lost
        calls = len(rig.queue.calls)
        assert await rig.reporter.finish(rig.keeping, [failure(n) for n in range(MAX_FAILURES + 1)])
        assert len(rig.queue.calls) == calls


async def test_counts_that_break_the_rules_stop_the_work_but_not_the_lease() -> None:
    """The operation is at fault; its lease is kept until it has let go."""
    async with reporting() as rig:
        rig.queue.refuse["update"] = refusal("PROGRESS_INVALID")
        await rig.reporter.report(done(1))
        await rig.clock.pass_time(1.0)
        assert rig.reporter.refusal is not None
        assert rig.stopping.asked is not None
        del rig.queue.refuse["update"]
        await rig.reporter.report(done(2), [failure(2)])
        await rig.clock.pass_time(10.0)
        assert [(report.progress, report.failures) for _, report in rig.queue.reports] == [(None, ())]


async def test_the_end_leaves_the_last_failures_for_the_final_call() -> None:
    """All but the last 500 are sent before; nothing waits for the throttle."""
    async with reporting() as rig:
        await rig.reporter.report(done(1), [failure(n) for n in range(300)])
        rest = await rig.reporter.finish(rig.keeping, [failure(n) for n in range(300, 1_300)])
        assert [len(report.failures) for _, report in rig.queue.reports] == [500, 500]
        assert [one.item_key for one in rest] == [f"nhanh:{n}" for n in range(1_000, 1_300)]
        assert rig.clock.elapsed == 0.0
