"""One attempt of a job whose operation a test makes up."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from sync_worker.application.ports.job import JobContext, OperationResult
from sync_worker.application.ports.vendors import Vendors
from sync_worker.application.ports.work_queue import Claim
from sync_worker.application.runner.attempt import Attempt
from sync_worker.domain.operations import Operation
from sync_worker.domain.progress import Progress

from tests.fakes.job_tracker import Ended, FakeWorkQueue
from tests.fakes.stepped_clock import SteppedClock
from tests.fakes.workshop import Work, a_workshop

JOB = "job-1"
RESULT = OperationResult(Progress(total=3, successful=2, failed=1), {"pages": 1}, "three rows")


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


async def begin(
    work: Work, *, vendors: Vendors | None = None, read: Callable[[], Awaitable[object]] | None = None, **job: Any
) -> Rig:
    """Claim a job and begin an attempt whose operation is `work`, asked with what is read once `read` has come back."""
    clock = SteppedClock()
    queue = FakeWorkQueue(clock)
    queue.put(JOB, Operation.PULL_NHANH_PRODUCTS, **job)
    (claimed,) = await queue.claim(Claim("r", "w", (), 1, 30.0), wait=0.0)
    attempt = Attempt(claimed, clock.monotonic(), a_workshop(queue, clock, work, vendors=vendors, read=read))
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


def giving(result: OperationResult) -> Work:
    """An operation that ends with this."""

    async def work(_job: JobContext, _vendors: Vendors) -> OperationResult:
        return result

    return work
