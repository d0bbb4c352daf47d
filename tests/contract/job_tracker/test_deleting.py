"""DeleteJob, over the wire."""

import asyncio

import grpc
import pytest
from google.protobuf import duration_pb2
from nhanhsync.jobs.v1 import job_pb2
from nhanhsync.jobs.v1 import job_tracker_service_pb2 as pb

from tests.contract.job_tracker.conftest import TYPE, Rig, exclusive, held, refusal, refused

Code = grpc.StatusCode
LONG = duration_pb2.Duration(seconds=60)


async def delete(rig: Rig, job_id: str) -> None:
    """Remove a job."""
    assert await rig.stub.DeleteJob(pb.DeleteJobRequest(job_id=job_id)) == pb.DeleteJobResponse()


async def test_a_deleted_job_is_gone_with_all_that_was_its_own(rig: Rig) -> None:
    """Nobody reads it, its events or its failures, in lists and counts neither, and it is not deleted twice."""
    claimed = await rig.running()
    failure = job_pb2.ItemFailure(item_key="nhanh:1", code="C", message="m", origin=job_pb2.ITEM_FAILURE_ORIGIN_NHANH)
    kept = await rig.create()
    job = await rig.complete(claimed, item_failures=[failure])
    await delete(rig, job.job_id)
    assert list((await rig.stub.ListJobs(pb.ListJobsRequest())).jobs) == [kept]
    assert [one.count for one in (await rig.stub.GetJobStats(pb.GetJobStatsRequest())).counts] == [1]
    calls = {
        name: getattr(rig.stub, name)(getattr(pb, f"{name}Request")(job_id=job.job_id))
        for name in ("GetJob", "WaitJob", "CancelJob", "RetryJob", "DeleteJob", "ListJobEvents", "ListItemFailures")
    }
    calls["WatchJob"] = rig.stub.WatchJob(pb.WatchJobRequest(job_id=job.job_id)).read()
    calls["CompleteJob"] = rig.complete(claimed, item_failures=[failure])
    for name, call in calls.items():
        seen = await refusal(call)
        assert (name, seen.code, seen.reason, seen.resource) == (name, Code.NOT_FOUND, "JOB_NOT_FOUND", job.job_id)


@pytest.mark.parametrize("state", ["PENDING", "RUNNING", "CANCELLING"])
async def test_a_job_that_lives_is_not_deleted(rig: Rig, state: str) -> None:
    """Cancel it first, and wait for its end."""
    job_id = (await rig.create()).job_id
    if state != "PENDING":
        await rig.claim()
    if state == "CANCELLING":
        await rig.stub.CancelJob(pb.CancelJobRequest(job_id=job_id))
    seen = await refusal(rig.stub.DeleteJob(pb.DeleteJobRequest(job_id=job_id)))
    assert (seen.code, seen.reason) == (Code.FAILED_PRECONDITION, "ILLEGAL_TRANSITION")
    assert seen.metadata == {"job_id": job_id, "state": state, "call": "DeleteJob"}
    assert job_pb2.JobState.Name((await rig.get(job_id)).state) == f"JOB_STATE_{state}"


async def test_a_job_whose_locks_still_stand_is_not_deleted(rig: Rig) -> None:
    """With the job its locks would go, while a worker that did not let go may still be writing."""
    job = (await rig.forced_to_end(locks=[exclusive("k")])).job
    with pytest.raises(grpc.aio.AioRpcError, match="its locks still stand") as raised:
        await rig.stub.DeleteJob(pb.DeleteJobRequest(job_id=job.job_id))
    seen = refused(raised.value)
    assert (seen.reason, seen.metadata["state"]) == ("ILLEGAL_TRANSITION", "CANCELLED")
    behind = await rig.create(locks=[exclusive("k")], conflict_policy=job_pb2.CONFLICT_POLICY_QUEUE)
    assert await rig.claim() == []
    rig.clock.advance(27)
    assert [one.job.job_id for one in await rig.claim(wait=LONG)] == [behind.job_id]
    await delete(rig, job.job_id)
    assert (await refusal(rig.get(job.job_id))).reason == "JOB_NOT_FOUND"


async def test_the_request_of_a_deleted_job_makes_no_other(rig: Rig) -> None:
    """A repeat that comes late is told what became of the job; with other content it is told that the id was used."""
    request = pb.CreateJobRequest(type=TYPE, request_id="r-1")
    job = (await rig.stub.CreateJob(request)).job
    await rig.stub.CancelJob(pb.CancelJobRequest(job_id=job.job_id))
    await delete(rig, job.job_id)
    seen = await refusal(rig.stub.CreateJob(request))
    assert (seen.code, seen.reason, seen.resource) == (Code.NOT_FOUND, "JOB_DELETED", job.job_id)
    assert seen.metadata == {"request_id": "r-1", "job_id": job.job_id}
    request.priority = 1
    assert (await refusal(rig.stub.CreateJob(request))).reason == "REQUEST_ID_REUSED"
    assert list((await rig.stub.ListJobs(pb.ListJobsRequest())).jobs) == []


async def test_a_retry_outlives_what_it_repeats(rig: Rig) -> None:
    """The old job and its parent may go: the new one says which it repeats, and can be repeated itself."""
    parent = await rig.create(type="PARENT")
    claimed = await rig.running(parent_job_id=parent.job_id)
    for job in (parent, claimed.job):
        await rig.stub.CancelJob(pb.CancelJobRequest(job_id=job.job_id))
    await rig.stub.ReleaseJob(pb.ReleaseJobRequest(**held(claimed)))
    await delete(rig, parent.job_id)
    retry = (await rig.stub.RetryJob(pb.RetryJobRequest(job_id=claimed.job.job_id))).job
    await delete(rig, claimed.job.job_id)
    assert (await rig.get(retry.job_id)).retry_of_job_id == claimed.job.job_id
    await rig.stub.CancelJob(pb.CancelJobRequest(job_id=retry.job_id))
    assert (await rig.stub.RetryJob(pb.RetryJobRequest(job_id=retry.job_id))).created


async def test_a_new_job_does_not_stand_behind_a_deleted_one(rig: Rig) -> None:
    """A parent must be there when a job is created."""
    parent = await rig.create()
    await rig.stub.CancelJob(pb.CancelJobRequest(job_id=parent.job_id))
    await delete(rig, parent.job_id)
    seen = await refusal(rig.create(parent_job_id=parent.job_id))
    assert (seen.reason, seen.resource) == ("JOB_NOT_FOUND", parent.job_id)


async def test_a_stream_of_many_jobs_goes_on_without_a_deleted_one(rig: Rig) -> None:
    """Nothing is sent of a deletion, and what changes afterwards is."""
    job = await rig.create()
    await rig.stub.CancelJob(pb.CancelJobRequest(job_id=job.job_id))
    stream = rig.stub.WatchJobs(pb.WatchJobsRequest(min_interval=duration_pb2.Duration()))
    assert (await asyncio.wait_for(stream.read(), 10)).snapshot_complete
    await delete(rig, job.job_id)
    other = await rig.create()
    assert (await asyncio.wait_for(stream.read(), 10)).job == other
    stream.cancel()
