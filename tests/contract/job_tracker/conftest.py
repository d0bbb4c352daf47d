"""A real JobTracker on a free port with a database of its own, for each test."""

import itertools
import math
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf import duration_pb2
from google.rpc import error_details_pb2
from grpc_status import rpc_status
from job_tracker.__main__ import MIGRATIONS, Handle, TrackerSettings, running
from job_tracker.adapters.store.moment import of_clock
from nhanhsync.jobs.v1 import job_pb2
from nhanhsync.jobs.v1 import job_tracker_service_pb2 as pb
from nhanhsync.jobs.v1.job_tracker_service_pb2_grpc import JobTrackerStub

from tests.fakes import postgres
from tests.fakes.tracker_world import TrackerClock

TYPE = "PULL_NHANH_PRODUCTS"


@dataclass
class Rig:
    """A running JobTracker, a client of it, and its clock."""

    stub: Any
    address: str
    clock: TrackerClock
    requests: "itertools.count[int]" = field(default_factory=itertools.count)

    async def create(self, **fields: Any) -> job_pb2.Job:
        """Create a job."""
        request = pb.CreateJobRequest(**({"type": TYPE} | fields))
        job: job_pb2.Job = (await self.stub.CreateJob(request)).job
        return job

    async def claim(self, worker_id: str = "worker-1", **fields: Any) -> list[job_pb2.ClaimedJob]:
        """Claim jobs."""
        request = {"request_id": f"claim-{next(self.requests)}", "types": [TYPE], "worker_id": worker_id} | fields
        return list((await self.stub.ClaimJobs(pb.ClaimJobsRequest(**request))).claimed_jobs)

    async def running(self, worker_id: str = "worker-1", **fields: Any) -> job_pb2.ClaimedJob:
        """Create a job and claim it."""
        created = await self.create(**fields)
        (claimed,) = await self.claim(worker_id)
        assert claimed.job.job_id == created.job_id
        return claimed

    async def get(self, job_id: str) -> job_pb2.Job:
        """Read a job."""
        job: job_pb2.Job = (await self.stub.GetJob(pb.GetJobRequest(job_id=job_id))).job
        return job

    async def report(self, claimed: job_pb2.ClaimedJob, sequence: int, **fields: Any) -> pb.UpdateProgressResponse:
        """Report on a job; `progress` is a dict of counts."""
        progress = fields.pop("progress", None)
        request = pb.UpdateProgressRequest(**held(claimed), report_sequence=sequence, **fields)
        if progress is not None:
            request.progress.CopyFrom(pb.ProgressReport(**progress))
        response: pb.UpdateProgressResponse = await self.stub.UpdateProgress(request)
        return response

    async def complete(self, claimed: job_pb2.ClaimedJob, **fields: Any) -> job_pb2.Job:
        """Complete a job."""
        request = pb.CompleteJobRequest(**held(claimed), **fields)
        job: job_pb2.Job = (await self.stub.CompleteJob(request)).job
        return job

    async def forced_to_end(self, **fields: Any) -> job_pb2.ClaimedJob:
        """Make a job whose worker reports on but does not let go of it after a cancel.

        It has ended over its worker's head, and its locks stand for another 27 seconds.
        """
        claimed = await self.running(**fields)
        await self.stub.CancelJob(pb.CancelJobRequest(job_id=claimed.job.job_id))
        for sequence in (1, 2, 3):
            self.clock.advance(19)
            await self.report(claimed, sequence)
        self.clock.advance(4)
        request = pb.WaitJobRequest(job_id=claimed.job.job_id, timeout=duration_pb2.Duration(seconds=60))
        assert (await self.stub.WaitJob(request)).job.state == job_pb2.JOB_STATE_CANCELLED
        return claimed

    async def kinds(self, job_id: str) -> list[str]:
        """Read the kinds of a job's events."""
        response = await self.stub.ListJobEvents(pb.ListJobEventsRequest(job_id=job_id, page_size=500))
        return [job_pb2.JobEventKind.Name(event.kind).removeprefix("JOB_EVENT_KIND_") for event in response.events]


@dataclass(frozen=True)
class Refused:
    """A refusal as a caller sees it."""

    code: grpc.StatusCode
    reason: str
    domain: str
    metadata: dict[str, str]
    fields: dict[str, str]
    resource: str
    retry_seconds: float | None


def held(claimed: job_pb2.ClaimedJob) -> dict[str, Any]:
    """The job and the right to work on it."""
    return {"job_id": claimed.job.job_id, "lease_token": claimed.lease.lease_token}


def exclusive(key: str) -> job_pb2.Lock:
    """A lock that one job holds alone."""
    return job_pb2.Lock(key=key, mode=job_pb2.LOCK_MODE_EXCLUSIVE)


def shared(key: str) -> job_pb2.Lock:
    """A lock that jobs share."""
    return job_pb2.Lock(key=key, mode=job_pb2.LOCK_MODE_SHARED)


def refused(error: grpc.aio.AioRpcError) -> Refused:
    """Read a refusal with all its details."""
    status = rpc_status.from_call(error)
    assert status is not None, error.details()
    info, bad = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
    resource, retry = error_details_pb2.ResourceInfo(), error_details_pb2.RetryInfo()
    for detail in status.details:
        unpacked = [message for message in (info, bad, resource, retry) if detail.Unpack(message)]
        assert len(unpacked) == 1
    delay = retry.retry_delay.ToNanoseconds() / 1e9
    return Refused(
        code=error.code(),
        reason=info.reason.removeprefix("ERROR_REASON_"),
        domain=info.domain,
        metadata=dict(info.metadata),
        fields={violation.field: violation.description for violation in bad.field_violations},
        resource=resource.resource_name,
        retry_seconds=delay or None,
    )


async def refusal(call: Any) -> Refused:
    """Await a call that must be refused."""
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await call
    return refused(raised.value)


@pytest.fixture(params=postgres.KINDS)
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of an empty database of either kind, with JobTracker's schema."""
    with postgres.fresh_database(request.param, tmp_path, MIGRATIONS) as url:
        yield url


@pytest.fixture
def settings(database_url: str) -> Callable[..., TrackerSettings]:
    """Make settings for a JobTracker on a free port, with a database of this test."""

    def make(**changed: Any) -> TrackerSettings:
        return TrackerSettings(**({"listen": "127.0.0.1:0", "database_url": database_url} | changed))

    return make


def running_by(clock: TrackerClock, settings: TrackerSettings) -> AbstractAsyncContextManager[Handle]:
    """Run a JobTracker whose time is a test's.

    It leaps, and leases are to run out by it: nobody is to take a leap for a time without a reaper.
    """
    return running(settings, clock=clock, now=of_clock(clock), unwatched=math.inf)


@pytest.fixture
async def rig(settings: Callable[..., TrackerSettings]) -> AsyncIterator[Rig]:
    """A JobTracker whose clock moves only when the test says so."""
    clock = TrackerClock()
    async with (
        running_by(clock, settings()) as handle,
        grpc.aio.insecure_channel(handle.address) as channel,
    ):
        yield Rig(JobTrackerStub(channel), handle.address, clock)
