"""A worker of a service of your own: it does PRICE_REPORT jobs and knows nothing of nhanhsync but JobTracker's stubs.

The work is the mean of the prices in a job's params. What is worth copying is all around it: `Attempt` does one job under
its lease, `work_on_jobs` claims them, `listen` hears directives. Change `TYPE` and `Attempt._work`, and it is yours.
"""

import argparse
import asyncio
import contextlib
import logging
import random
import re
import signal
import uuid
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar, cast

import grpc
from google.protobuf import json_format, struct_pb2
from nhanhsync.jobs.v1 import job_pb2
from nhanhsync.jobs.v1 import job_tracker_service_pb2 as pb
from nhanhsync.jobs.v1.job_tracker_service_pb2_grpc import JobTrackerStub

TYPE = job_pb2.JobType(type="PRICE_REPORT", display_name="Price Report")
UNANSWERED = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED)
CANCEL, PAUSE, LEASE_LOST = job_pb2.DIRECTIVE_CANCEL, job_pb2.DIRECTIVE_PAUSE, job_pb2.DIRECTIVE_LEASE_LOST
STOPS: dict[int, str] = {CANCEL: "cancelled as asked", PAUSE: "paused", LEASE_LOST: ""}  # others let the work go on
LEASE_GONE = (grpc.StatusCode.ABORTED, grpc.StatusCode.NOT_FOUND)  # the reasons LEASE_LOST and JOB_NOT_FOUND
CALL_SECONDS, POLL_SECONDS, REPORT_SECONDS, MOST_FAILURES = 5, 30, 0.2, 500
Answer = TypeVar("Answer")
log = logging.getLogger("price_report")


class ParamsInvalid(Exception):
    """The job asks for something that cannot be done, however often it is tried."""


class LeaseLost(Exception):
    """The job may be another worker's by now: nothing more is written, nothing more is said."""


async def answered(call: Callable[..., Awaitable[Answer]], request: object, patience: float = CALL_SECONDS) -> Answer:
    """Make a call until JobTracker answers: every call of this file is safe to repeat. A refusal is raised."""
    while True:
        try:
            return await call(request, timeout=patience, wait_for_ready=True)
        except grpc.aio.AioRpcError as error:
            if error.code() in LEASE_GONE:
                raise LeaseLost from error
            if error.code() not in UNANSWERED:
                raise
            log.warning("JobTracker does not answer (%s); trying on", error.details())
        await asyncio.sleep(random.uniform(0.1, 1.0))  # noqa: S311 - workers should not all come back at once


class Attempt:
    """One job under its lease. Reports are made one after the other, so none overtakes another."""

    def __init__(self, channel: grpc.aio.Channel, claimed: job_pb2.ClaimedJob) -> None:
        self._stub, self._job, self._lease = JobTrackerStub(channel), claimed.job, claimed.lease
        self._held: dict[str, Any] = {"job_id": claimed.job.job_id, "lease_token": claimed.lease.lease_token}
        self._sequence, self._progress, self._reported = 0, pb.ProgressReport(), pb.ProgressReport()
        self._failures: list[job_pb2.ItemFailure] = []  # those that JobTracker is not known to have
        self._stop: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    def obey(self, directive: int, fence: int = 0) -> None:
        """Take a directive: one of STOPS ends the work at once, wherever it waits, unless an earlier lease was meant."""
        if directive in STOPS and fence in (0, self._lease.fence) and not self._stop.done():
            self._stop.set_result(directive)

    async def run(self) -> str:
        """Do the job and say in a word how it ended; raises `LeaseLost` if it was taken away."""
        working, reporting = asyncio.create_task(self._work()), asyncio.create_task(self._keep_lease())
        running: set[asyncio.Future[Any]] = {working, reporting}
        try:
            try:
                await asyncio.wait({*running, self._stop}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for task in running:
                    task.cancel()
                await asyncio.wait(running)
        except asyncio.CancelledError:  # the process is to stop: another worker goes on, and no attempt is used up
            with contextlib.suppress(LeaseLost):
                await self._end(self._stub.ReleaseJob, pb.ReleaseJobRequest(reason="the worker is stopping"))
            raise
        if not reporting.cancelled():
            reporting.result()  # raises what a report was refused with
        if self._stop.done() and self._stop.result() == LEASE_LOST:
            raise LeaseLost
        if working.cancelled():
            return await self._end(self._stub.ReleaseJob, pb.ReleaseJobRequest(reason=STOPS[self._stop.result()]))
        if fault := working.exception():
            failed = pb.FailJobRequest(code="PARAMS_INVALID", message=str(fault))
            if not isinstance(fault, ParamsInvalid):
                log.error("the work on %s failed", self._job.job_id, exc_info=fault)
                failed = pb.FailJobRequest(code="INTERNAL", message="a fault, see the worker's log", retryable=True)
            return await self._end(self._stub.FailJob, failed)
        return await self._end(self._stub.CompleteJob, pb.CompleteJobRequest(result=working.result()))

    async def _end(self, call: Callable[..., Awaitable[Any]], request: Any) -> str:  # noqa: ANN401 - one of three
        """Make the final call, which carries whatever has not been reported yet."""
        while len(self._failures) > MOST_FAILURES:
            await self._report()
        request.MergeFrom(type(request)(**self._held, progress=self._progress, item_failures=self._failures))
        return job_pb2.JobState.Name((await answered(call, request)).job.state)

    async def _keep_lease(self) -> None:
        """Report what changes, though not every change, and renew the lease while nothing does."""
        clock, renew_at = asyncio.get_running_loop().time, 0.0
        while True:
            if self._progress != self._reported or clock() >= renew_at:
                renew_at = clock() + self._lease.renew_after.ToTimedelta().total_seconds()
                self.obey(await self._report())  # the backstop, should the stream of directives be broken
            await asyncio.sleep(REPORT_SECONDS)

    async def _report(self) -> int:
        self._sequence += 1
        failures = self._failures[:MOST_FAILURES]
        request = pb.UpdateProgressRequest(**self._held, report_sequence=self._sequence, item_failures=failures)
        if self._progress != self._reported:
            request.progress.CopyFrom(self._progress)
        answer = await answered(self._stub.UpdateProgress, request)
        self._reported.MergeFrom(request.progress)
        del self._failures[: len(failures)]
        return answer.directive

    async def _work(self) -> struct_pb2.Struct:
        """Find the mean, in whole đồng. Work that writes to a store shows it `lease.fence`, against writes that are late."""
        params, result, read = json_format.MessageToDict(self._job.params), struct_pb2.Struct(), []
        prices, pause = params.get("prices"), params.get("seconds_per_price", 0.1)
        if not isinstance(prices, dict) or not all(1 <= len(sku) <= 200 for sku in prices):
            raise ParamsInvalid('"prices" must be prices by SKU of 1 to 200 characters, as in {"AO-1": "199000"}')
        if not isinstance(pause, int | float) or not 0 <= pause <= 3600:
            raise ParamsInvalid('"seconds_per_price" must be a number from 0 to 3600')
        self._progress.total = len(prices)
        for sku, price in prices.items():
            await asyncio.sleep(pause)  # a service of yours would ask a shop here, and not block the event loop either
            if isinstance(price, str) and re.fullmatch("[0-9]{1,15}", price):
                read.append(int(price))
                self._progress.successful += 1
            else:
                said = f"{str(price)[:100]!r} is not a whole number of đồng, written in digits alone"
                self._failures.append(job_pb2.ItemFailure(item_key=sku, code="NOT_A_PRICE", message=said, attempts=1))
                self._failures[-1].origin = job_pb2.ITEM_FAILURE_ORIGIN_WORKER
                self._progress.failed += 1
            self._progress.processed += 1
        result.update({"mean_price": str(sum(read) // len(read))} if read else {})  # a Struct's numbers are doubles
        return result


async def listen(channel: grpc.aio.Channel, worker_id: str, attempts: dict[str, Attempt]) -> None:
    """Pass directives on at once. One that comes before its attempt is there is in the first report's answer."""
    while True:
        try:
            async for told in JobTrackerStub(channel).WatchDirectives(pb.WatchDirectivesRequest(worker_id=worker_id)):
                if attempt := attempts.get(told.job_id):
                    attempt.obey(told.directive, told.fence)
        except grpc.aio.AioRpcError as error:
            log.warning("no directives but in the answers to reports (%s); trying on", error.details())
        await asyncio.sleep(random.uniform(0.1, 1.0))  # noqa: S311 - as above


async def work_on_jobs(channel: grpc.aio.Channel, lease_seconds: int, *, once: bool) -> None:
    """Register the type, then do jobs one after the other: a single one, or all that come until this is cancelled."""
    stub, attempts = JobTrackerStub(channel), dict[str, Attempt]()
    worker_id = f"price-report-{uuid.uuid4()}"  # new with every start: what an earlier life of it held is not its own
    await answered(stub.RegisterJobTypes, pb.RegisterJobTypesRequest(job_types=[TYPE]))
    log.info("waiting for jobs")
    async with asyncio.TaskGroup() as group:
        listening = group.create_task(listen(channel, worker_id, attempts))
        while not (once and attempts):
            attempts.clear()
            claim = pb.ClaimJobsRequest(request_id=str(uuid.uuid4()), worker_id=worker_id, types=[TYPE.type])
            claim.lease_ttl.FromSeconds(lease_seconds)
            claim.wait.FromSeconds(POLL_SECONDS)  # repeated under its request_id, a claim gets the same lease again
            for claimed in (await answered(stub.ClaimJobs, claim, POLL_SECONDS + CALL_SECONDS)).claimed_jobs:
                attempt = attempts[claimed.job.job_id] = Attempt(channel, claimed)
                try:
                    log.info("%s: %s", claimed.job.job_id, await attempt.run())
                except LeaseLost:
                    log.warning("%s: the lease was lost", claimed.job.job_id)
        listening.cancel()


async def main() -> None:
    """Read the command line and work until the end, or until a signal comes."""
    parser = argparse.ArgumentParser(description="Do PRICE_REPORT jobs.")
    parser.add_argument("--job-tracker", default="127.0.0.1:50051", metavar="HOST:PORT")
    parser.add_argument("--lease-seconds", type=int, default=30, choices=range(5, 301), metavar="5..300")
    parser.add_argument("--once", action="store_true", help="end after one job")
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, cast(Any, asyncio.current_task()).cancel)
    async with grpc.aio.insecure_channel(options.job_tracker, [("grpc.max_reconnect_backoff_ms", 2000)]) as channel:
        await work_on_jobs(channel, options.lease_seconds, once=options.once)


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt, asyncio.CancelledError):
        asyncio.run(main())
