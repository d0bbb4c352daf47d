"""PauseJob and ResumeJob, over the wire."""

import asyncio
from typing import Any

import grpc
import pytest
from google.protobuf import duration_pb2
from nhanhsync.jobs.v1 import job_pb2
from nhanhsync.jobs.v1 import job_tracker_service_pb2 as pb

from tests.contract.job_tracker.conftest import Rig, exclusive, held, refusal

Code = grpc.StatusCode
LONG = duration_pb2.Duration(seconds=60)


async def pause(rig: Rig, job_id: str, **fields: str) -> job_pb2.Job:
    """Pause a job."""
    request = pb.PauseJobRequest(**({"job_id": job_id, "reason": "stocktaking", "requested_by": "linh"} | fields))
    job: job_pb2.Job = (await rig.stub.PauseJob(request)).job
    return job


async def resume(rig: Rig, job_id: str) -> job_pb2.Job:
    """Let a job go on."""
    job: job_pb2.Job = (await rig.stub.ResumeJob(pb.ResumeJobRequest(job_id=job_id, requested_by="minh"))).job
    return job


async def release(rig: Rig, claimed: job_pb2.ClaimedJob, **fields: Any) -> job_pb2.Job:
    """Give a job back."""
    job: job_pb2.Job = (await rig.stub.ReleaseJob(pb.ReleaseJobRequest(**held(claimed), **fields))).job
    return job


async def test_a_paused_job_is_not_claimed_until_it_is_resumed(rig: Rig) -> None:
    """A PENDING job stays PENDING while it is paused; a claim that waits gets it as soon as it is resumed."""
    job = await rig.create()
    paused = await pause(rig, job.job_id)
    assert (paused.state, paused.paused, paused.state_message) == (job_pb2.JOB_STATE_PENDING, True, "stocktaking")
    assert await rig.claim() == []
    waiting = asyncio.ensure_future(rig.claim(wait=LONG))
    assert await rig.claim() == []
    resumed = await resume(rig, job.job_id)
    assert (resumed.state, resumed.paused, resumed.state_message) == (job_pb2.JOB_STATE_PENDING, False, "")
    (claimed,) = await asyncio.wait_for(waiting, 10)
    assert claimed.job.job_id == job.job_id
    assert not claimed.job.paused


async def test_the_worker_of_a_paused_job_is_told_at_once(rig: Rig) -> None:
    """Its stream says which lease is meant, the answer to its next report says the same, and so does a stream that comes late."""
    claimed = await rig.running()
    directives = rig.stub.WatchDirectives(pb.WatchDirectivesRequest(worker_id="worker-1"))
    assert await directives.read() == pb.WatchDirectivesResponse()
    paused = await pause(rig, claimed.job.job_id)
    assert (paused.state, paused.paused) == (job_pb2.JOB_STATE_RUNNING, True)
    expected = pb.WatchDirectivesResponse(
        job_id=claimed.job.job_id,
        directive=job_pb2.DIRECTIVE_PAUSE,
        reason="stocktaking",
        fence=claimed.lease.fence,
    )
    assert await asyncio.wait_for(directives.read(), 10) == expected
    assert (await rig.report(claimed, 1)).directive == job_pb2.DIRECTIVE_PAUSE
    late = rig.stub.WatchDirectives(pb.WatchDirectivesRequest(worker_id="worker-1"))
    assert await late.read() == pb.WatchDirectivesResponse()
    assert await asyncio.wait_for(late.read(), 10) == expected
    late.cancel()
    await resume(rig, claimed.job.job_id)
    taken_back = await asyncio.wait_for(directives.read(), 10)
    assert (taken_back.directive, taken_back.fence) == (job_pb2.DIRECTIVE_CONTINUE, claimed.lease.fence)
    assert (await rig.report(claimed, 2)).directive == job_pb2.DIRECTIVE_CONTINUE
    directives.cancel()


async def test_a_paused_job_that_is_given_back_waits_where_it_was(rig: Rig) -> None:
    """The release uses up no attempt and keeps the checkpoint; the job's locks stand while it is paused."""
    claimed = await rig.running(locks=[exclusive("k")])
    await pause(rig, claimed.job.job_id)
    job = await release(rig, claimed, checkpoint=b"page 7", reason="paused")
    assert (job.state, job.paused, job.attempts_used) == (job_pb2.JOB_STATE_PENDING, True, 0)
    behind = await rig.create(locks=[exclusive("k")], conflict_policy=job_pb2.CONFLICT_POLICY_QUEUE)
    seen = await refusal(rig.create(locks=[exclusive("k")]))
    assert (seen.reason, seen.metadata["job_id"]) == ("CONFLICTING_JOB_ACTIVE", job.job_id)
    assert await rig.claim(max_jobs=2) == []
    await resume(rig, job.job_id)
    (again,) = await rig.claim("worker-2", max_jobs=2)
    assert (again.job.job_id, again.job.attempt, again.checkpoint) == (job.job_id, 2, b"page 7")
    await rig.complete(again)
    assert [one.job.job_id for one in await rig.claim(max_jobs=2)] == [behind.job_id]


async def test_who_paused_and_resumed_and_why_is_told(rig: Rig) -> None:
    """Both are events that move nothing; who does not say a name is unknown."""
    job = await rig.create()
    await pause(rig, job.job_id)
    await resume(rig, job.job_id)
    await pause(rig, job.job_id, requested_by="", reason="")
    response = await rig.stub.ListJobEvents(pb.ListJobEventsRequest(job_id=job.job_id))
    pending = job_pb2.JOB_STATE_PENDING
    assert [
        (event.kind, event.from_state, event.to_state, event.actor, event.message, event.revision)
        for event in response.events[1:]
    ] == [
        (job_pb2.JOB_EVENT_KIND_PAUSED, pending, pending, "linh", "stocktaking", 2),
        (job_pb2.JOB_EVENT_KIND_RESUMED, pending, pending, "minh", "", 3),
        (job_pb2.JOB_EVENT_KIND_PAUSED, pending, pending, "unknown", "", 4),
    ]


async def test_asking_again_changes_nothing(rig: Rig) -> None:
    """A repeated pause keeps the first one's reason; a resume of what is not paused is OK."""
    claimed = await rig.running()
    assert await resume(rig, claimed.job.job_id) == claimed.job
    paused = await pause(rig, claimed.job.job_id)
    assert await pause(rig, claimed.job.job_id, reason="another") == paused
    resumed = await resume(rig, claimed.job.job_id)
    assert await resume(rig, claimed.job.job_id) == resumed
    assert await rig.kinds(claimed.job.job_id) == ["CREATED", "CLAIMED", "PAUSED", "RESUMED"]


async def test_work_that_is_done_before_the_worker_hears_wins(rig: Rig) -> None:
    """A pause does not promise that the work stops before it is done: the job completes, and what is final is not paused."""
    claimed = await rig.running(locks=[exclusive("k")])
    await pause(rig, claimed.job.job_id)
    done = await rig.complete(claimed)
    assert (done.state, done.paused) == (job_pb2.JOB_STATE_COMPLETED, False)
    await rig.create(locks=[exclusive("k")])


async def test_a_failed_attempt_of_a_paused_job_leaves_it_paused(rig: Rig) -> None:
    """The job is PENDING after a failure that may pass, and waits for the resume even when its back-off is over."""
    claimed = await rig.running()
    await pause(rig, claimed.job.job_id)
    request = pb.FailJobRequest(**held(claimed), code="C", message="m", retryable=True)
    failed = (await rig.stub.FailJob(request)).job
    assert (failed.state, failed.paused) == (job_pb2.JOB_STATE_PENDING, True)
    rig.clock.advance(600)
    assert await rig.claim() == []
    await resume(rig, claimed.job.job_id)
    assert len(await rig.claim()) == 1


async def test_a_paused_job_whose_worker_is_lost_stays_paused(rig: Rig) -> None:
    """The lease runs out, the worker hears of it if it listens, and nobody claims the job before it is resumed."""
    claimed = await rig.running()
    directives = rig.stub.WatchDirectives(pb.WatchDirectivesRequest(worker_id="worker-1"))
    assert await directives.read() == pb.WatchDirectivesResponse()
    await pause(rig, claimed.job.job_id)
    assert (await asyncio.wait_for(directives.read(), 10)).directive == job_pb2.DIRECTIVE_PAUSE
    rig.clock.advance(31)
    lost = await asyncio.wait_for(directives.read(), 10)
    assert (lost.directive, lost.fence) == (job_pb2.DIRECTIVE_LEASE_LOST, claimed.lease.fence)
    directives.cancel()
    job = await rig.get(claimed.job.job_id)
    assert (job.state, job.paused, job.attempts_used) == (job_pb2.JOB_STATE_PENDING, True, 1)
    assert await rig.claim() == []
    await resume(rig, job.job_id)
    (again,) = await rig.claim("worker-2")
    assert (again.job.attempt, again.job.paused) == (2, False)


@pytest.mark.parametrize("running", [False, True])
async def test_a_cancel_ends_a_paused_job(rig: Rig, running: bool) -> None:
    """A paused job is cancelled as any other, its worker is told to cancel, and a final job is not paused."""
    claimed = None
    if running:
        claimed = await rig.running()
        job_id = claimed.job.job_id
    else:
        job_id = (await rig.create()).job_id
    await pause(rig, job_id)
    job = (await rig.stub.CancelJob(pb.CancelJobRequest(job_id=job_id))).job
    if claimed is not None:
        assert job.state == job_pb2.JOB_STATE_CANCELLING
        assert (await rig.report(claimed, 1)).directive == job_pb2.DIRECTIVE_CANCEL
        job = await release(rig, claimed)
    assert (job.state, job.paused) == (job_pb2.JOB_STATE_CANCELLED, False)


@pytest.mark.parametrize("name", ["PauseJob", "ResumeJob"])
async def test_what_ends_or_has_ended_is_neither_paused_nor_resumed(rig: Rig, name: str) -> None:
    """A CANCELLING job is on its way out, a final one is final, and one that never was is not found."""
    ask, request = getattr(rig.stub, name), getattr(pb, f"{name}Request")
    cancelling = await rig.running()
    await pause(rig, cancelling.job.job_id)
    await rig.stub.CancelJob(pb.CancelJobRequest(job_id=cancelling.job.job_id))
    done = await rig.complete(await rig.running())
    for job_id, state in ((cancelling.job.job_id, "CANCELLING"), (done.job_id, "COMPLETED")):
        before = await rig.get(job_id)
        seen = await refusal(ask(request(job_id=job_id)))
        assert (seen.code, seen.reason) == (Code.FAILED_PRECONDITION, "ILLEGAL_TRANSITION")
        assert seen.metadata == {"job_id": job_id, "state": state, "call": name}
        assert await rig.get(job_id) == before
    seen = await refusal(ask(request(job_id="nobody")))
    assert (seen.code, seen.reason, seen.resource) == (Code.NOT_FOUND, "JOB_NOT_FOUND", "nobody")
