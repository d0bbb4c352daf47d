"""A JobTracker process under a thousand watchers: its memory, and its stop."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf import struct_pb2
from nhanhsync.client import refused
from nhanhsync.client.channels import WATCHING
from nhanhsync.jobs.v1 import job_pb2
from nhanhsync.jobs.v1 import job_tracker_service_pb2 as pb
from nhanhsync.jobs.v1.job_tracker_service_pb2_grpc import JobTrackerStub
from stack.processes import ServiceProcess

WATCHERS = 1_000
ASLEEP = 20
ROOM_MIB = 16
"""For what warms up and for the allocator's moods. Keeping what is offered to a thousand watchers for two thousand changes,
some seventy bytes each, would take 140 MiB."""
RARELY = {"seconds": 60}


class Tracker:
    """A JobTracker process, with one channel for calls and one for watches."""

    def __init__(self, process: ServiceProcess, calls: grpc.aio.Channel, watching: grpc.aio.Channel) -> None:
        self.process = process
        self.calls: Any = JobTrackerStub(calls)
        self.watching: Any = JobTrackerStub(watching)
        self.job_id = self.lease_token = ""
        self._sequence = 0

    def rss_mib(self) -> float:
        """How much memory the process has resident now."""
        (line,) = [
            line
            for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines()
            if line.startswith("VmRSS")
        ]
        return int(line.split()[1]) / 1024

    async def start_job(self, params: str = "") -> None:
        """Create a job and hold it."""
        struct = struct_pb2.Struct()
        struct.update({"text": params})
        request = pb.CreateJobRequest(type="T", params=struct, claim=pb.ClaimOnCreate(worker_id="w"))
        claimed = (await self.calls.CreateJob(request)).claimed
        self.job_id, self.lease_token = claimed.job.job_id, claimed.lease.lease_token

    async def report(self, times: int) -> None:
        """Report so often that one more row is done."""
        for _ in range(times):
            self._sequence += 1
            counts = pb.ProgressReport(processed=self._sequence, successful=self._sequence)
            request = pb.UpdateProgressRequest(
                job_id=self.job_id, lease_token=self.lease_token, report_sequence=self._sequence, progress=counts
            )
            assert (await self.calls.UpdateProgress(request)).applied

    async def complete(self) -> None:
        """End the job."""
        await self.calls.CompleteJob(pb.CompleteJobRequest(job_id=self.job_id, lease_token=self.lease_token))

    def watch(self, method: str, interval: dict[str, int]) -> Any:
        """Open a stream that has the job."""
        if method == "WatchJob":
            return self.watching.WatchJob(pb.WatchJobRequest(job_id=self.job_id, min_interval=interval))
        return self.watching.WatchJobs(pb.WatchJobsRequest(min_interval=interval))


@asynccontextmanager
async def tracker(folder: Path) -> AsyncIterator[Tracker]:
    """Run a JobTracker process with a job that is held."""
    environment = {
        "JOB_TRACKER_LISTEN": "127.0.0.1:0",
        "JOB_TRACKER_DATABASE_URL": f"sqlite:///{folder / 'jobs.db'}",
    }
    process = await ServiceProcess.start("job_tracker", ["job_tracker"], log=folder / "log", environment=environment)
    address = str(process.ready["address"])
    try:
        async with (
            grpc.aio.insecure_channel(address) as calls,
            grpc.aio.insecure_channel(address, options=WATCHING) as watching,
        ):
            yield Tracker(process, calls, watching)
    finally:
        await process.stop()


async def read_to_the_end(stream: Any, began: asyncio.Semaphore) -> tuple[int, int]:
    """Read a stream until the job has ended: how often the job came, and its last state."""
    times = state = 0
    async for message in stream:
        if not message.HasField("job"):
            continue
        times += 1
        if times == 1:
            began.release()
        state = message.job.state
        if state == job_pb2.JOB_STATE_COMPLETED:
            break
    return times, state


@pytest.mark.parametrize("method", ["WatchJob", "WatchJobs"])
async def test_a_thousand_watchers_cost_memory_by_their_number_not_by_the_changes(tmp_path: Path, method: str) -> None:
    """One slot a subscriber: two thousand changes that wait for an interval take no more memory than the first five hundred."""
    async with tracker(tmp_path) as running:
        await running.start_job()
        began = asyncio.Semaphore(0)
        reading = [
            asyncio.ensure_future(read_to_the_end(running.watch(method, RARELY), began)) for _ in range(WATCHERS)
        ]
        for _ in reading:
            await began.acquire()
        await running.report(500)
        before = running.rss_mib()
        await running.report(2_000)
        grown = running.rss_mib() - before
        await running.complete()
        ended = await asyncio.gather(*reading)
        assert grown < ROOM_MIB
        assert {state for _, state in ended} == {job_pb2.JOB_STATE_COMPLETED}
        assert {times for times, _ in ended} == {2}


@pytest.mark.parametrize("method", ["WatchJob", "WatchJobs"])
async def test_watchers_that_do_not_read_cost_memory_by_their_number_not_by_the_changes(
    tmp_path: Path, method: str
) -> None:
    """Messages of 10 KB for twenty who never read: a thousand changes would take 200 MB if they were kept."""
    async with tracker(tmp_path) as running:
        await running.start_job("x" * 10_000)
        asleep = [running.watch(method, {}) for _ in range(ASLEEP)]
        for stream in asleep:
            await stream.read()
        await running.report(200)
        before = running.rss_mib()
        await running.report(1_000)
        assert running.rss_mib() - before < ROOM_MIB


async def test_a_thousand_watches_end_first_and_say_try_again(tmp_path: Path) -> None:
    """At SIGTERM each stream is ended by JobTracker itself, with its reason, and the process ends with 0."""
    async with tracker(tmp_path) as running:
        await running.start_job()
        streams = [running.watch("WatchJob" if number % 2 else "WatchJobs", {}) for number in range(WATCHERS)]
        for stream in streams:
            await stream.read()
        assert await running.process.stop() == 0
        for stream in streams:
            seen = refused(await _error(stream))
            assert (seen.code, seen.reason) == (grpc.StatusCode.UNAVAILABLE, "ERROR_REASON_UNAVAILABLE")
            assert seen.retry_seconds == 0.5


async def _error(stream: Any) -> grpc.aio.AioRpcError:
    try:
        while await stream.read() is not grpc.aio.EOF:
            pass
    except grpc.aio.AioRpcError as error:
        return error
    raise AssertionError("the stream ended OK before the job did")
