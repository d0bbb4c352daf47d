"""The conflict policies USE_EXISTING and REPLACE, and clicks that come twice, over the wire."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import grpc
import pytest
from google.protobuf import duration_pb2, struct_pb2
from job_tracker.__main__ import TrackerSettings
from nhanhsync.jobs.v1 import job_pb2
from nhanhsync.jobs.v1 import job_tracker_service_pb2 as pb
from nhanhsync.jobs.v1.job_tracker_service_pb2_grpc import JobTrackerStub

from tests.contract.job_tracker.conftest import TYPE, Rig, exclusive, held, refusal, running_by, shared
from tests.fakes.tracker_world import TrackerClock

Code = grpc.StatusCode
LONG = duration_pb2.Duration(seconds=60)
K = [exclusive("k")]


def request(policy: str, **fields: Any) -> pb.CreateJobRequest:
    """Ask for a job that wants k."""
    usual = {"type": TYPE, "locks": K, "conflict_policy": f"CONFLICT_POLICY_{policy}"}
    return pb.CreateJobRequest(**(usual | fields))


def struct(**values: Any) -> struct_pb2.Struct:
    """A Struct."""
    made = struct_pb2.Struct()
    made.update(values)
    return made


async def state(rig: Rig, job_id: str) -> str:
    """The name of a job's state."""
    return job_pb2.JobState.Name((await rig.get(job_id)).state).removeprefix("JOB_STATE_")


async def in_the_way(rig: Rig, policy: str, job_id: str, **fields: Any) -> None:
    """Ask for a job that must be refused for another."""
    seen = await refusal(rig.stub.CreateJob(request(policy, **fields)))
    assert (seen.code, seen.reason) == (Code.ABORTED, "CONFLICTING_JOB_ACTIVE")
    assert seen.metadata == {"job_id": job_id, "lock_key": "k"}


ALIKE = {"variant": "SQL", "store_id": "hanoi", "params": struct(pages=[1, 2], dry_run=True)}


@pytest.mark.parametrize("running", [False, True])
async def test_use_existing_answers_with_the_job_that_does_the_same(rig: Rig, running: bool) -> None:
    """Same type, variant, store and params: that job, not created; its lease goes to nobody else."""
    job = await rig.create(locks=K, **ALIKE)
    if running:
        await rig.claim()
        job = await rig.get(job.job_id)
    ask = request("USE_EXISTING", **ALIKE, request_id="r-1", claim=pb.ClaimOnCreate(worker_id="w"))
    for _ in range(2):
        used = await rig.stub.CreateJob(ask)
        assert (used.created, used.job) == (False, job)
        assert not used.HasField("claimed")
    seen = await refusal(rig.stub.CreateJob(request("USE_EXISTING", request_id="r-1")))
    assert (seen.reason, seen.metadata["job_id"]) == ("REQUEST_ID_REUSED", job.job_id)


async def test_use_existing_remembers_the_request_beyond_the_jobs_end(rig: Rig) -> None:
    """A repeat of the call is answered with the job that was used, even when nothing is in the way any more."""
    claimed = await rig.running(locks=K, **ALIKE)
    ask = request("USE_EXISTING", **ALIKE, request_id="r-1")
    await rig.stub.CreateJob(ask)
    done = await rig.complete(claimed)
    again = await rig.stub.CreateJob(ask)
    assert (again.created, again.job) == (False, done)
    new = await rig.stub.CreateJob(request("USE_EXISTING", **ALIKE, request_id="r-2"))
    assert (new.created, new.job.state) == (True, job_pb2.JOB_STATE_PENDING)


@pytest.mark.parametrize(
    "other",
    [
        {"type": "OTHER"},
        {"variant": ""},
        {"store_id": "hue"},
        {"params": struct(pages=[1, 2])},
        {"params": struct(pages=[1, 2], dry_run=1)},
        {"params": struct(pages=[2, 1], dry_run=True)},
    ],
)
async def test_use_existing_refuses_for_a_job_that_does_something_else(rig: Rig, other: dict[str, Any]) -> None:
    """One that differs in anything that matters is in the way; true is not 1."""
    job = await rig.create(locks=K, **ALIKE)
    await in_the_way(rig, "USE_EXISTING", job.job_id, **(ALIKE | other))


async def test_use_existing_refuses_for_several_in_the_way(rig: Rig) -> None:
    """It is not for the tracker to choose among them."""
    first = await rig.create(locks=[shared("k")], **ALIKE)
    await rig.create(locks=[shared("k")], **ALIKE)
    await in_the_way(rig, "USE_EXISTING", first.job_id, **ALIKE)


async def test_use_existing_refuses_for_a_job_that_is_being_cancelled(rig: Rig) -> None:
    """What somebody wants stopped is not what another wants done."""
    claimed = await rig.running(locks=K, **ALIKE)
    await rig.stub.CancelJob(pb.CancelJobRequest(job_id=claimed.job.job_id))
    await in_the_way(rig, "USE_EXISTING", claimed.job.job_id, **ALIKE)


async def test_use_existing_refuses_for_a_job_that_has_ended_but_may_still_write(rig: Rig) -> None:
    """A job whose worker did not let go does nothing any more, and its locks stand."""
    job_id = (await rig.forced_to_end(locks=K, **ALIKE)).job.job_id
    await in_the_way(rig, "USE_EXISTING", job_id, **ALIKE)


async def test_replace_cancels_a_waiting_job_at_once(rig: Rig) -> None:
    """Nobody works on it: the new job starts in the same call if that is asked for, and its creator is who cancelled."""
    old = await rig.create(locks=K)
    ask = request("REPLACE", created_by="linh", claim=pb.ClaimOnCreate(worker_id="w"))
    new = await rig.stub.CreateJob(ask)
    assert (new.created, new.job.state) == (True, job_pb2.JOB_STATE_RUNNING)
    replaced = await rig.get(old.job_id)
    assert replaced.state == job_pb2.JOB_STATE_CANCELLED
    assert replaced.state_message == f"replaced by job {new.job.job_id}"
    events = (await rig.stub.ListJobEvents(pb.ListJobEventsRequest(job_id=old.job_id))).events
    assert [event.actor for event in events] == ["unknown", "linh", "linh"]
    assert await rig.kinds(old.job_id) == ["CREATED", "CANCEL_REQUESTED", "ENDED"]


async def test_replace_waits_until_a_running_job_has_let_go(rig: Rig) -> None:
    """Its worker is told at once; the new job is PENDING until then, and a waiting claim gets it as soon as it may start."""
    old = await rig.running(locks=K)
    directives = rig.stub.WatchDirectives(pb.WatchDirectivesRequest(worker_id="worker-1"))
    assert await directives.read() == pb.WatchDirectivesResponse()
    new = await rig.stub.CreateJob(request("REPLACE", claim=pb.ClaimOnCreate(worker_id="w")))
    assert (new.created, new.job.state, new.HasField("claimed")) == (True, job_pb2.JOB_STATE_PENDING, False)
    told = await asyncio.wait_for(directives.read(), 10)
    directives.cancel()
    assert (told.directive, told.reason) == (job_pb2.DIRECTIVE_CANCEL, f"replaced by job {new.job.job_id}")
    waiting = asyncio.ensure_future(rig.claim("worker-2", wait=LONG))
    assert await rig.claim("worker-2") == []
    await rig.stub.ReleaseJob(pb.ReleaseJobRequest(**held(old)))
    (claimed,) = await asyncio.wait_for(waiting, 10)
    assert claimed.job.job_id == new.job.job_id
    assert await state(rig, old.job.job_id) == "CANCELLED"


async def test_replace_waits_until_the_lease_of_a_lost_worker_is_gone(rig: Rig) -> None:
    """A worker that is never heard of again holds up the new job for its lease, and no longer."""
    old = await rig.running(locks=K)
    new = await rig.stub.CreateJob(request("REPLACE"))
    rig.clock.advance(29)
    assert await rig.claim("worker-2") == []
    rig.clock.advance(2)
    (claimed,) = await rig.claim("worker-2", wait=LONG)
    assert claimed.job.job_id == new.job.job_id
    assert await state(rig, old.job.job_id) == "CANCELLED"


async def test_replace_waits_for_the_locks_of_a_job_that_was_forced_to_end(rig: Rig) -> None:
    """There is nothing left to cancel; the new job starts when the revoked lease would have run out."""
    old = (await rig.forced_to_end(locks=K)).job.job_id
    before = await rig.get(old)
    new = await rig.stub.CreateJob(request("REPLACE"))
    assert await rig.get(old) == before
    assert await rig.claim("worker-2") == []
    rig.clock.advance(27)
    (claimed,) = await rig.claim("worker-2", wait=LONG)
    assert claimed.job.job_id == new.job.job_id


async def test_replace_takes_the_place_of_several(rig: Rig) -> None:
    """All that stand in the way go, whatever their params and variants: the one that runs and the one that waits."""
    running = await rig.running(locks=K, variant="SQL")
    waiting = (await rig.stub.CreateJob(request("QUEUE", params=struct(a=1)))).job
    new = await rig.stub.CreateJob(request("REPLACE"))
    assert await state(rig, running.job.job_id) == "CANCELLING"
    assert await state(rig, waiting.job_id) == "CANCELLED"
    await rig.stub.ReleaseJob(pb.ReleaseJobRequest(**held(running)))
    assert [one.job.job_id for one in await rig.claim(max_jobs=5)] == [new.job.job_id]


@pytest.mark.parametrize("other", [{"type": "OTHER"}, {"store_id": "hue"}])
async def test_replace_of_another_kind_is_refused_and_nothing_is_cancelled(rig: Rig, other: dict[str, Any]) -> None:
    """One job of another type or store among those in the way is enough."""
    first = await rig.create(locks=[shared("k")])
    second = await rig.create(locks=[shared("k")], **other)
    third = await rig.create(locks=[shared("k")])
    await in_the_way(rig, "REPLACE", second.job_id)
    assert [await rig.get(job.job_id) for job in (first, second, third)] == [first, second, third]


async def test_a_repeated_replace_replaces_once(rig: Rig) -> None:
    """The same request_id answers with the same job, and does not cancel what came after it."""
    ask = request("REPLACE", request_id="r-1")
    first = await rig.stub.CreateJob(ask)
    second = await rig.stub.CreateJob(request("REPLACE"))
    again = await rig.stub.CreateJob(ask)
    assert (again.created, again.job.job_id) == (False, first.job.job_id)
    assert await state(rig, second.job.job_id) == "PENDING"


async def test_a_retry_may_replace(rig: Rig) -> None:
    """RetryJob has the same policies."""
    failed = await rig.running(locks=K)
    await rig.stub.FailJob(pb.FailJobRequest(**held(failed), code="C", message="m"))
    later = await rig.create(locks=K)
    retry = pb.RetryJobRequest(job_id=failed.job.job_id, conflict_policy=job_pb2.CONFLICT_POLICY_REPLACE)
    made = await rig.stub.RetryJob(retry)
    assert (made.created, await state(rig, later.job_id)) == (True, "CANCELLED")


CLICKS = 12


@asynccontextmanager
async def replicas(make: Callable[..., TrackerSettings], number: int) -> AsyncIterator[list[Any]]:
    """Clients of some JobTrackers on one database."""
    clock = TrackerClock()
    async with AsyncExitStack() as stack:
        stubs = []
        for _ in range(number):
            handle = await stack.enter_async_context(running_by(clock, make()))
            channel = await stack.enter_async_context(grpc.aio.insecure_channel(handle.address))
            stubs.append(JobTrackerStub(channel))
        yield stubs


@pytest.mark.parametrize("policy", ["FAIL", "USE_EXISTING", "REPLACE"])
@pytest.mark.parametrize("named", [False, True])
async def test_many_clicks_at_once_leave_one_job(
    settings: Callable[..., TrackerSettings], database_url: str, policy: str, named: bool
) -> None:
    """Two replicas where there may be two: one job stands, and every click is answered in its policy's way."""
    async with replicas(settings, 2 if database_url.startswith("postgresql") else 1) as stubs:
        ask = request(policy, request_id="r-1" if named else "")
        answers = await asyncio.gather(
            *(stubs[number % len(stubs)].CreateJob(ask) for number in range(CLICKS)), return_exceptions=True
        )
        made = [one for one in answers if isinstance(one, pb.CreateJobResponse)]
        refusals = [one for one in answers if not isinstance(one, pb.CreateJobResponse)]
        jobs = (await stubs[0].ListJobs(pb.ListJobsRequest())).jobs
    standing = [job for job in jobs if job.state == job_pb2.JOB_STATE_PENDING]
    assert len(standing) == 1
    if named or policy == "USE_EXISTING":
        assert (refusals, [one.created for one in made].count(True), len(jobs)) == ([], 1, 1)
        assert {one.job.job_id for one in made} == {standing[0].job_id}
    elif policy == "FAIL":
        assert [one.created for one in made] == [True]
        assert len(jobs) == 1
        assert {one.code() for one in refusals if isinstance(one, grpc.aio.AioRpcError)} == {Code.ABORTED}
    else:
        assert refusals == []
        assert [one.created for one in made] == [True] * CLICKS
        assert [job.state for job in jobs].count(job_pb2.JOB_STATE_CANCELLED) == CLICKS - 1
