"""Two JobTrackers on one PostgreSQL: whatever is done at one is seen at the other."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import grpc
import pytest
from job_tracker.__main__ import MIGRATIONS, TrackerSettings, running
from nhanhsync.jobs.v1 import job_pb2
from nhanhsync.jobs.v1 import job_tracker_service_pb2 as pb
from nhanhsync.jobs.v1.job_tracker_service_pb2_grpc import JobTrackerStub

from tests.contract.job_tracker.conftest import TYPE, Rig
from tests.fakes import postgres
from tests.fakes.tracker_world import TrackerClock


@pytest.fixture
def shared(tmp_path: Path) -> Iterator[str]:
    """The address of a database that both have."""
    with postgres.fresh_database("postgresql", tmp_path, MIGRATIONS) as url:
        yield url


@pytest.fixture(params=["notify", "poll"])
async def pair(request: pytest.FixtureRequest, shared: str) -> AsyncIterator[tuple[Rig, Rig]]:
    """Two replicas that run by the database's clock, each with a client of its own."""
    settings = TrackerSettings(listen="127.0.0.1:0", database_url=shared, wakeups=request.param)
    async with (
        running(settings) as one,
        running(settings) as other,
        grpc.aio.insecure_channel(one.address) as to_one,
        grpc.aio.insecure_channel(other.address) as to_other,
    ):
        rigs = [Rig(JobTrackerStub(to_one), one.address, TrackerClock())]
        rigs.append(Rig(JobTrackerStub(to_other), other.address, TrackerClock(), itertools.count(1_000)))
        yield rigs[0], rigs[1]


async def test_a_watcher_of_one_follows_work_at_the_other(pair: tuple[Rig, Rig]) -> None:
    """From its creation over its progress to its end, after which the stream is over."""
    here, there = pair
    created = await here.create()
    watch = there.stub.WatchJob(pb.WatchJobRequest(job_id=created.job_id))
    assert (await watch.read()).job.state == job_pb2.JOB_STATE_PENDING
    (claimed,) = await here.claim()
    assert (await watch.read()).job.state == job_pb2.JOB_STATE_RUNNING
    await here.report(claimed, 1, progress={"processed": 3, "successful": 3})
    assert (await watch.read()).job.progress.processed == 3
    waiting = asyncio.ensure_future(there.stub.WaitJob(_wait(created.job_id)))
    await here.complete(claimed, progress=pb.ProgressReport(processed=3, successful=3))
    assert (await watch.read()).job.state == job_pb2.JOB_STATE_COMPLETED
    assert await watch.read() is grpc.aio.EOF
    assert (await waiting).job.state == job_pb2.JOB_STATE_COMPLETED


def _wait(job_id: str) -> pb.WaitJobRequest:
    request = pb.WaitJobRequest(job_id=job_id)
    request.timeout.FromSeconds(30)
    return request


async def test_a_watcher_of_all_hears_of_a_job_of_the_other(pair: tuple[Rig, Rig]) -> None:
    """New jobs and their ends arrive at every replica."""
    here, there = pair
    watch = there.stub.WatchJobs(pb.WatchJobsRequest())
    assert (await watch.read()).snapshot_complete
    created = await here.create()
    assert (await watch.read()).job.job_id == created.job_id
    await here.stub.CancelJob(pb.CancelJobRequest(job_id=created.job_id))
    assert (await watch.read()).job.state == job_pb2.JOB_STATE_CANCELLED
    watch.cancel()


async def test_a_cancel_at_one_reaches_a_worker_at_the_other(pair: tuple[Rig, Rig]) -> None:
    """A worker that waits there is given the job that was created here, and told to stop it."""
    here, there = pair
    directives = there.stub.WatchDirectives(pb.WatchDirectivesRequest(worker_id="worker-1"))
    await directives.read()
    request = pb.ClaimJobsRequest(request_id="c", types=[TYPE], worker_id="worker-1")
    request.wait.FromSeconds(30)
    claiming = asyncio.ensure_future(there.stub.ClaimJobs(request))
    created = await here.create()
    (claimed,) = (await claiming).claimed_jobs
    assert claimed.job.job_id == created.job_id
    await here.stub.CancelJob(pb.CancelJobRequest(job_id=created.job_id, reason="hết hàng"))
    told = await directives.read()
    assert (told.job_id, told.directive) == (created.job_id, job_pb2.DIRECTIVE_CANCEL)
    assert told.fence == claimed.lease.fence
    directives.cancel()


async def test_both_claim_at_once_and_no_job_is_given_twice(pair: tuple[Rig, Rig]) -> None:
    """However many ask at both, each job has one holder."""
    for number in range(20):
        await pair[number % 2].create()
    claims = await asyncio.gather(*(rig.claim(f"worker-{n}", max_jobs=3) for n in range(5) for rig in pair))
    held = [claimed.job.job_id for answer in claims for claimed in answer]
    assert len(held) == len(set(held)) == 20
