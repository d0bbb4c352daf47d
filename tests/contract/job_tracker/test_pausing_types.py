"""PauseJobType and ResumeJobType, over the wire."""

import asyncio
from typing import Any

import grpc
import pytest
from google.protobuf import duration_pb2
from nhanhsync.jobs.v1 import job_pb2
from nhanhsync.jobs.v1 import job_tracker_service_pb2 as pb

from tests.contract.job_tracker.conftest import TYPE, Rig, held, refusal

Code = grpc.StatusCode
LONG = duration_pb2.Duration(seconds=60)


async def register(rig: Rig, **fields: Any) -> None:
    """Register the type, and another one."""
    types = [job_pb2.JobType(type=TYPE, **fields), job_pb2.JobType(type="OTHER")]
    await rig.stub.RegisterJobTypes(pb.RegisterJobTypesRequest(job_types=types))


async def pause(rig: Rig, **fields: Any) -> pb.PauseJobTypeResponse:
    """Pause the type."""
    usual = {"type": TYPE, "reason": "new API version", "requested_by": "linh"}
    response: pb.PauseJobTypeResponse = await rig.stub.PauseJobType(pb.PauseJobTypeRequest(**(usual | fields)))
    return response


async def resume(rig: Rig) -> job_pb2.JobType:
    """Let the type go on."""
    job_type: job_pb2.JobType = (await rig.stub.ResumeJobType(pb.ResumeJobTypeRequest(type=TYPE))).job_type
    return job_type


async def listed(rig: Rig) -> dict[str, job_pb2.JobType]:
    """The registered types by name."""
    return {one.type: one for one in (await rig.stub.ListJobTypes(pb.ListJobTypesRequest())).job_types}


async def test_jobs_of_a_paused_type_wait(rig: Rig) -> None:
    """Old and new jobs of the type are not claimed, those of others are; after the resume a waiting claim gets them."""
    await register(rig)
    jobs = [(await rig.create()).job_id]
    paused = await pause(rig)
    assert paused.running_now == 0
    jobs.append((await rig.create()).job_id)
    other = await rig.create(type="OTHER")
    assert [one.job.job_id for one in await rig.claim(types=[TYPE, "OTHER"], max_jobs=3)] == [other.job_id]
    waiting = asyncio.ensure_future(rig.claim(max_jobs=3, wait=LONG))
    assert await rig.claim() == []
    await resume(rig)
    assert [one.job.job_id for one in await asyncio.wait_for(waiting, 10)] == jobs


async def test_the_pause_is_shown_with_who_and_why(rig: Rig) -> None:
    """ListJobTypes tells it, and so does the call's answer; a repeat keeps the first one's words, and a resume takes it away."""
    await register(rig)
    expected = job_pb2.TypePause(paused_by="linh", reason="new API version")
    expected.pause_time.FromMicroseconds(rig.clock.now_micros())
    assert (await pause(rig)).job_type.pause == expected
    rig.clock.advance(1)
    assert (await pause(rig, reason="another", requested_by="minh")).job_type.pause == expected
    types = await listed(rig)
    assert types[TYPE].pause == expected
    assert not types["OTHER"].HasField("pause")
    resumed = await resume(rig)
    assert not resumed.HasField("pause")
    assert await resume(rig) == resumed
    assert not (await listed(rig))[TYPE].HasField("pause")
    assert (await pause(rig, requested_by="")).job_type.pause.paused_by == "unknown"


async def test_registering_again_leaves_the_pause(rig: Rig) -> None:
    """A worker that restarts during maintenance does not end it, nor can it bring a pause of its own."""
    await register(rig)
    paused = (await pause(rig)).job_type
    await register(rig, display_name="Kéo hàng", pause=job_pb2.TypePause(paused_by="a worker"))
    registered = (await listed(rig))[TYPE]
    assert (registered.display_name, registered.pause) == ("Kéo hàng", paused.pause)
    await resume(rig)
    await register(rig, pause=job_pb2.TypePause(paused_by="a worker"))
    assert not (await listed(rig))[TYPE].HasField("pause")


@pytest.mark.parametrize(
    ("release_running", "directive"), [(False, job_pb2.DIRECTIVE_DRAIN), (True, job_pb2.DIRECTIVE_PAUSE)]
)
async def test_the_workers_of_the_type_are_told(rig: Rig, release_running: bool, directive: int) -> None:
    """Those that hold its jobs are told to finish or to give back, at once, with the reason; the resume takes it back."""
    await register(rig)
    claimed = await rig.running()
    await rig.create(type="OTHER")
    (other,) = await rig.claim(types=["OTHER"])
    directives = rig.stub.WatchDirectives(pb.WatchDirectivesRequest(worker_id="worker-1"))
    assert await directives.read() == pb.WatchDirectivesResponse()
    paused = await pause(rig, release_running=release_running)
    assert paused.running_now == 1
    expected = pb.WatchDirectivesResponse(
        job_id=claimed.job.job_id, directive=directive, reason="new API version", fence=claimed.lease.fence
    )
    assert await asyncio.wait_for(directives.read(), 10) == expected
    assert (await rig.report(claimed, 1)).directive == directive
    assert (await rig.report(other, 1)).directive == job_pb2.DIRECTIVE_CONTINUE
    late = rig.stub.WatchDirectives(pb.WatchDirectivesRequest(worker_id="worker-1"))
    assert await late.read() == pb.WatchDirectivesResponse()
    assert await asyncio.wait_for(late.read(), 10) == expected
    late.cancel()
    await resume(rig)
    taken_back = await asyncio.wait_for(directives.read(), 10)
    assert (taken_back.job_id, taken_back.directive) == (claimed.job.job_id, job_pb2.DIRECTIVE_CONTINUE)
    directives.cancel()
    assert (await rig.report(claimed, 2)).directive == job_pb2.DIRECTIVE_CONTINUE


async def test_what_runs_goes_on_to_its_end(rig: Rig) -> None:
    """A drained job completes as ever; one that is given back waits, is not paused itself, and starts unasked later."""
    await register(rig)
    drained, released = await rig.running(), await rig.running()
    assert (await pause(rig)).running_now == 2
    assert (await pause(rig, release_running=True)).running_now == 2
    assert (await rig.report(drained, 1)).directive == job_pb2.DIRECTIVE_PAUSE
    assert (await rig.complete(drained)).state == job_pb2.JOB_STATE_COMPLETED
    job = (await rig.stub.ReleaseJob(pb.ReleaseJobRequest(**held(released)))).job
    assert (job.state, job.paused, job.attempts_used) == (job_pb2.JOB_STATE_PENDING, False, 0)
    assert await rig.claim() == []
    await resume(rig)
    (again,) = await rig.claim()
    assert (await rig.report(again, 1)).directive == job_pb2.DIRECTIVE_CONTINUE


async def test_a_pause_of_the_job_itself_stands_beside_that_of_its_type(rig: Rig) -> None:
    """Each is taken back by itself, and a cancel is stronger than both."""
    await register(rig)
    claimed = await rig.running()
    await rig.stub.PauseJob(pb.PauseJobRequest(job_id=claimed.job.job_id))
    await pause(rig)
    assert (await rig.report(claimed, 1)).directive == job_pb2.DIRECTIVE_PAUSE
    await rig.stub.ResumeJob(pb.ResumeJobRequest(job_id=claimed.job.job_id))
    assert (await rig.report(claimed, 2)).directive == job_pb2.DIRECTIVE_DRAIN
    await rig.stub.CancelJob(pb.CancelJobRequest(job_id=claimed.job.job_id))
    assert (await rig.report(claimed, 3)).directive == job_pb2.DIRECTIVE_CANCEL


async def test_a_job_of_a_paused_type_is_not_claimed_by_its_creation(rig: Rig) -> None:
    """It is created and waits; the answer carries no lease."""
    await register(rig)
    await pause(rig)
    request = pb.CreateJobRequest(type=TYPE, claim=pb.ClaimOnCreate(worker_id="w"))
    made = await rig.stub.CreateJob(request)
    assert (made.created, made.job.state) == (True, job_pb2.JOB_STATE_PENDING)
    assert not made.HasField("claimed")
    await resume(rig)
    assert (await rig.stub.CreateJob(request)).claimed.job.state == job_pb2.JOB_STATE_RUNNING


@pytest.mark.parametrize("name", ["PauseJobType", "ResumeJobType"])
async def test_a_type_that_nobody_registered_is_refused(rig: Rig, name: str) -> None:
    """A typing error is not stored as a pause that would hold up the type that is meant to come."""
    await rig.create()
    seen = await refusal(getattr(rig.stub, name)(getattr(pb, f"{name}Request")(type=TYPE)))
    assert (seen.code, seen.reason) == (Code.FAILED_PRECONDITION, "JOB_TYPE_NOT_REGISTERED")
    assert seen.metadata == {"type": TYPE}
    await register(rig)
    assert len(await rig.claim()) == 1
