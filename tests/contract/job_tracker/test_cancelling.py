"""CancelJob and WatchDirectives, over the wire."""

import asyncio
from collections.abc import Callable

import grpc
import pytest
from google.protobuf import duration_pb2
from job_tracker.__main__ import TrackerSettings, running
from nhanhsync.jobs.v1 import job_pb2
from nhanhsync.jobs.v1 import job_tracker_service_pb2 as pb
from nhanhsync.jobs.v1.job_tracker_service_pb2_grpc import JobTrackerStub

from tests.contract.job_tracker.conftest import TYPE, Rig, exclusive, held, refusal

Code = grpc.StatusCode
LONG = duration_pb2.Duration(seconds=60)


async def cancel(rig: Rig, job_id: str) -> job_pb2.Job:
    """Ask for a job to be cancelled."""
    request = pb.CancelJobRequest(job_id=job_id, reason="wrong store", requested_by="operator")
    job: job_pb2.Job = (await rig.stub.CancelJob(request)).job
    return job


async def test_a_waiting_job_is_cancelled_at_once(rig: Rig) -> None:
    """Nobody works on a PENDING job, so nobody has to be asked; its locks are free, and asking again is OK."""
    job = await rig.create(locks=[exclusive("k")])
    cancelled = await cancel(rig, job.job_id)
    assert cancelled.state == job_pb2.JOB_STATE_CANCELLED
    assert (cancelled.cancel_requested, cancelled.state_message) == (True, "wrong store")
    assert await cancel(rig, job.job_id) == cancelled
    assert await rig.kinds(job.job_id) == ["CREATED", "CANCEL_REQUESTED", "ENDED"]
    assert await rig.claim() == []
    await rig.create(locks=[exclusive("k")])


async def test_the_worker_is_told_at_once_and_lets_go(rig: Rig) -> None:
    """A cancel reaches the worker through its stream; when it lets go, the job is CANCELLED."""
    claimed = await rig.running()
    directives = rig.stub.WatchDirectives(pb.WatchDirectivesRequest(worker_id="worker-1"))
    assert await directives.read() == pb.WatchDirectivesResponse()
    asked = await cancel(rig, claimed.job.job_id)
    assert asked.state == job_pb2.JOB_STATE_CANCELLING
    told = await asyncio.wait_for(directives.read(), 10)
    assert (told.job_id, told.directive, told.reason) == (
        claimed.job.job_id,
        job_pb2.DIRECTIVE_CANCEL,
        "wrong store",
    )
    assert await cancel(rig, claimed.job.job_id) == asked
    released = await rig.stub.ReleaseJob(pb.ReleaseJobRequest(**held(claimed)))
    assert released.job.state == job_pb2.JOB_STATE_CANCELLED
    assert (await rig.kinds(claimed.job.job_id))[2:] == ["CANCEL_REQUESTED", "RELEASED", "ENDED"]
    directives.cancel()


async def test_a_worker_that_comes_late_is_told_what_stands(rig: Rig) -> None:
    """A stream that opens after the cancel begins with it, and a report's answer says the same."""
    claimed = await rig.running()
    await cancel(rig, claimed.job.job_id)
    directives = rig.stub.WatchDirectives(pb.WatchDirectivesRequest(worker_id="worker-1"))
    assert await directives.read() == pb.WatchDirectivesResponse()
    assert (await asyncio.wait_for(directives.read(), 10)).directive == job_pb2.DIRECTIVE_CANCEL
    directives.cancel()
    assert (await rig.report(claimed, 1)).directive == job_pb2.DIRECTIVE_CANCEL


async def test_a_worker_that_lost_its_lease_is_told(rig: Rig) -> None:
    """A worker that still listens hears that its lease was taken back."""
    claimed = await rig.running()
    directives = rig.stub.WatchDirectives(pb.WatchDirectivesRequest(worker_id="worker-1"))
    assert await directives.read() == pb.WatchDirectivesResponse()
    rig.clock.advance(31)
    told = await asyncio.wait_for(directives.read(), 10)
    assert (told.job_id, told.directive) == (claimed.job.job_id, job_pb2.DIRECTIVE_LEASE_LOST)
    directives.cancel()


@pytest.mark.parametrize("name", ["FailJob", "CompleteJob"])
async def test_other_ends_of_a_cancelled_job(rig: Rig, name: str) -> None:
    """An attempt that fails while it is cancelled is CANCELLED; work that was done first is COMPLETED."""
    claimed = await rig.running()
    await cancel(rig, claimed.job.job_id)
    if name == "FailJob":
        request = pb.FailJobRequest(**held(claimed), code="C", message="m", retryable=True)
        job = (await rig.stub.FailJob(request)).job
        assert job.state == job_pb2.JOB_STATE_CANCELLED
    else:
        job = await rig.complete(claimed)
        assert (job.state, job.cancel_requested) == (job_pb2.JOB_STATE_COMPLETED, True)


async def test_a_cancelled_job_whose_worker_is_lost_ends(rig: Rig) -> None:
    """CANCELLING does not outlive the lease."""
    claimed = await rig.running()
    await cancel(rig, claimed.job.job_id)
    rig.clock.advance(31)
    job = (await rig.stub.WaitJob(pb.WaitJobRequest(job_id=claimed.job.job_id, timeout=LONG))).job
    assert job.state == job_pb2.JOB_STATE_CANCELLED
    assert (await rig.kinds(job.job_id))[-2:] == ["LEASE_LOST", "ENDED"]


async def test_a_worker_that_does_not_let_go_loses_the_job_but_its_locks_stand(rig: Rig) -> None:
    """After the grace the job ends and the lease is revoked; the locks stand until that lease would have run out."""
    claimed = await rig.forced_to_end(locks=[exclusive("k")])
    assert (await refusal(rig.report(claimed, 4))).reason == "LEASE_LOST"
    following = await rig.create(locks=[exclusive("k")], conflict_policy=job_pb2.CONFLICT_POLICY_QUEUE)
    assert await rig.claim() == []
    rig.clock.advance(27)
    (taken,) = await rig.claim(wait=LONG)
    assert taken.job.job_id == following.job_id


async def test_locks_of_a_revoked_lease_outlive_a_restart_and_then_go(
    settings: Callable[..., TrackerSettings],
) -> None:
    """A restart gives a revoked lease its whole time again, not for ever."""
    own = settings(cancel_grace_seconds=0.01)
    ttl = duration_pb2.Duration(seconds=5)
    async with running(own) as handle, grpc.aio.insecure_channel(handle.address) as channel:
        stub = JobTrackerStub(channel)
        made = await stub.CreateJob(
            pb.CreateJobRequest(type=TYPE, locks=[exclusive("k")], claim=pb.ClaimOnCreate(worker_id="w", lease_ttl=ttl))
        )
        await stub.CancelJob(pb.CancelJobRequest(job_id=made.job.job_id))
        ended = await stub.WaitJob(pb.WaitJobRequest(job_id=made.job.job_id, timeout=LONG))
        assert ended.job.state == job_pb2.JOB_STATE_CANCELLED
    async with running(own) as handle, grpc.aio.insecure_channel(handle.address) as channel:
        stub = JobTrackerStub(channel)
        queued = pb.CreateJobRequest(type=TYPE, locks=[exclusive("k")], conflict_policy=job_pb2.CONFLICT_POLICY_QUEUE)
        job = (await stub.CreateJob(queued)).job
        claim = pb.ClaimJobsRequest(request_id="now", worker_id="w", types=[TYPE])
        assert (await stub.ClaimJobs(claim)).claimed_jobs == []
        claim = pb.ClaimJobsRequest(request_id="later", worker_id="w", types=[TYPE], wait=LONG)
        (taken,) = (await stub.ClaimJobs(claim)).claimed_jobs
        assert taken.job.job_id == job.job_id


async def test_what_has_ended_is_not_cancelled(rig: Rig) -> None:
    """Final is final."""
    claimed = await rig.running()
    await rig.complete(claimed)
    seen = await refusal(rig.stub.CancelJob(pb.CancelJobRequest(job_id=claimed.job.job_id)))
    assert (seen.code, seen.reason) == (Code.FAILED_PRECONDITION, "ILLEGAL_TRANSITION")
    assert seen.metadata == {"job_id": claimed.job.job_id, "state": "COMPLETED", "call": "CancelJob"}
