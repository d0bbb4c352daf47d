"""When a job starts: not_before_time, priorities and tickets, over the wire."""

from typing import Any

import grpc
import pytest
from google.protobuf import duration_pb2, timestamp_pb2
from nhanhsync.jobs.v1 import job_pb2
from nhanhsync.jobs.v1 import job_tracker_service_pb2 as pb

from tests.contract.job_tracker.conftest import Rig, exclusive, refusal, shared

Code = grpc.StatusCode
LONG = duration_pb2.Duration(seconds=60)
DAY = 86_400
K = [exclusive("k")]
QUEUE = job_pb2.CONFLICT_POLICY_QUEUE


def due_in(rig: Rig, seconds: float) -> timestamp_pb2.Timestamp:
    """A time some seconds from now."""
    time = timestamp_pb2.Timestamp()
    time.FromMicroseconds(rig.clock.now_micros() + round(seconds * 1_000_000))
    return time


async def claimed_ids(rig: Rig, worker_id: str = "worker-1", **fields: Any) -> list[str]:
    """Claim, and name what was claimed."""
    return [one.job.job_id for one in await rig.claim(worker_id, **fields)]


async def test_a_job_is_not_claimed_before_its_time(rig: Rig) -> None:
    """It is PENDING and says until when; when its time has come a waiting claim gets it."""
    job = await rig.create(not_before_time=due_in(rig, 60))
    assert job.state == job_pb2.JOB_STATE_PENDING
    assert job.not_before_time == due_in(rig, 60)
    rig.clock.advance(59.9)
    assert await rig.claim() == []
    rig.clock.advance(0.1)
    (claimed,) = await rig.claim(wait=LONG)
    assert claimed.job.job_id == job.job_id
    assert not claimed.job.HasField("not_before_time")


async def test_a_job_takes_its_place_when_it_is_due(rig: Rig) -> None:
    """Until then it is in nobody's way; who is due earlier goes first, and who came before both were due, before them."""
    late = await rig.create(locks=K, not_before_time=due_in(rig, 20))
    early = await rig.create(locks=K, not_before_time=due_in(rig, 10))
    marker = await rig.create(not_before_time=due_in(rig, 21))
    first = await rig.running(locks=K)
    behind = await rig.create(locks=K, conflict_policy=QUEUE)
    rig.clock.advance(21)
    assert await claimed_ids(rig, "worker-2", max_jobs=5, wait=LONG) == [marker.job_id]
    await rig.complete(first)
    for expected in (behind, early, late):
        (claimed,) = await rig.claim(max_jobs=5)
        assert claimed.job.job_id == expected.job_id
        await rig.complete(claimed)


async def test_a_time_that_has_passed_is_at_once(rig: Rig) -> None:
    """It takes its place with its creation, and any policy and a claim go with it."""
    request = pb.CreateJobRequest(
        type="T",
        locks=K,
        not_before_time=due_in(rig, -1),
        claim=pb.ClaimOnCreate(worker_id="w"),
        conflict_policy=job_pb2.CONFLICT_POLICY_FAIL,
    )
    made = await rig.stub.CreateJob(request)
    assert made.claimed.job.state == job_pb2.JOB_STATE_RUNNING
    assert not made.job.HasField("not_before_time")
    assert (await refusal(rig.stub.CreateJob(request))).reason == "CONFLICTING_JOB_ACTIVE"


@pytest.mark.parametrize(
    ("seconds", "fields", "fault"),
    [
        (366 * DAY + 1, {}, "not_before_time"),
        (60, {"conflict_policy": job_pb2.CONFLICT_POLICY_FAIL}, "conflict_policy"),
        (60, {"conflict_policy": job_pb2.CONFLICT_POLICY_USE_EXISTING}, "conflict_policy"),
        (60, {"conflict_policy": job_pb2.CONFLICT_POLICY_REPLACE}, "conflict_policy"),
        (60, {"claim": pb.ClaimOnCreate(worker_id="w")}, "claim"),
    ],
)
async def test_what_does_not_go_with_a_later_time_is_refused(
    rig: Rig, seconds: float, fields: dict[str, Any], fault: str
) -> None:
    """Whether a lock is taken is known only when the job is due, and so is whether it can start; nothing is stored."""
    seen = await refusal(rig.create(not_before_time=due_in(rig, seconds), **fields))
    assert (seen.code, seen.reason) == (Code.INVALID_ARGUMENT, "INVALID_FIELD")
    assert list(seen.fields) == [fault]
    assert list((await rig.stub.ListJobs(pb.ListJobsRequest())).jobs) == []


async def test_the_furthest_time_and_a_queue_are_allowed(rig: Rig) -> None:
    """366 days ahead, and QUEUE said aloud."""
    job = await rig.create(not_before_time=due_in(rig, 366 * DAY), conflict_policy=QUEUE)
    assert job.not_before_time == due_in(rig, 366 * DAY)


async def test_a_repeat_after_the_time_has_come_is_the_same_job(rig: Rig) -> None:
    """A request_id means one job, whenever it is asked for again."""
    ask = {"request_id": "r-1", "locks": K, "not_before_time": due_in(rig, 5)}
    job = await rig.create(**ask)
    rig.clock.advance(6)
    again = await rig.stub.CreateJob(pb.CreateJobRequest(type=job.type, **ask))
    assert (again.created, again.job.job_id) == (False, job.job_id)


async def test_a_job_that_is_not_due_is_cancelled_for_good(rig: Rig) -> None:
    """It never starts, and never takes its place."""
    job = await rig.create(locks=K, not_before_time=due_in(rig, 10))
    cancelled = (await rig.stub.CancelJob(pb.CancelJobRequest(job_id=job.job_id))).job
    assert cancelled.state == job_pb2.JOB_STATE_CANCELLED
    rig.clock.advance(11)
    other = await rig.create(not_before_time=due_in(rig, 1))
    rig.clock.advance(1)
    assert [one.job.job_id for one in await rig.claim(wait=LONG)] == [other.job_id]
    await rig.create(locks=K)
    assert await rig.get(job.job_id) == cancelled


async def test_a_job_that_is_paused_before_it_is_due_takes_its_place_and_waits(rig: Rig) -> None:
    """The locks of a paused job stand from its time on; it starts when it is resumed."""
    job = await rig.create(locks=K, not_before_time=due_in(rig, 10))
    marker = await rig.create(not_before_time=due_in(rig, 10))
    await rig.stub.PauseJob(pb.PauseJobRequest(job_id=job.job_id))
    rig.clock.advance(10)
    assert [one.job.job_id for one in await rig.claim(max_jobs=2, wait=LONG)] == [marker.job_id]
    assert (await refusal(rig.create(locks=K))).metadata["job_id"] == job.job_id
    await rig.stub.ResumeJob(pb.ResumeJobRequest(job_id=job.job_id))
    assert await claimed_ids(rig) == [job.job_id]


async def test_a_resumed_job_that_is_not_due_waits_on(rig: Rig) -> None:
    """A resume takes back the pause, not the time."""
    job = await rig.create(not_before_time=due_in(rig, 10))
    await rig.stub.PauseJob(pb.PauseJobRequest(job_id=job.job_id))
    await rig.stub.ResumeJob(pb.ResumeJobRequest(job_id=job.job_id))
    assert await rig.claim() == []
    rig.clock.advance(10)
    assert await claimed_ids(rig, wait=LONG) == [job.job_id]


async def test_priority_goes_before_age(rig: Rig) -> None:
    """The highest priority first, whatever the order of creation; equals in order of their tickets, those due later behind."""
    due = await rig.create(priority=5, not_before_time=due_in(rig, 1))
    low, high, usual, high_too = [(await rig.create(priority=priority)).job_id for priority in (-100, 5, 0, 5)]
    marker = await rig.create(type="OTHER", not_before_time=due_in(rig, 1))
    rig.clock.advance(1)
    assert await claimed_ids(rig, types=["OTHER"], wait=LONG) == [marker.job_id]
    assert await claimed_ids(rig, max_jobs=5) == [high, high_too, due.job_id, usual, low]


async def test_a_higher_priority_does_not_overtake_on_a_lock(rig: Rig) -> None:
    """Who wants a lock that an earlier job waits for waits behind it, however urgent; on other locks it is first."""
    first = await rig.create(locks=K, priority=-100)
    urgent = await rig.create(locks=[exclusive("k"), exclusive("l")], priority=100, conflict_policy=QUEUE)
    behind = await rig.create(locks=[exclusive("l")], conflict_policy=QUEUE)
    free = await rig.create(locks=[exclusive("m")], priority=-50)
    assert await claimed_ids(rig, max_jobs=5) == [free.job_id, first.job_id]
    await rig.stub.CancelJob(pb.CancelJobRequest(job_id=urgent.job_id))
    assert await claimed_ids(rig, max_jobs=5) == [behind.job_id]


async def test_sharers_do_not_overtake_one_who_wants_to_be_alone(rig: Rig) -> None:
    """A stream of shared jobs starves nobody: those behind an exclusive one wait for it."""
    holder = await rig.running(locks=[shared("k")])
    alone = await rig.create(locks=K, conflict_policy=QUEUE, priority=-1)
    behind = [(await rig.create(locks=[shared("k")], conflict_policy=QUEUE, priority=p)).job_id for p in (9, 1)]
    assert await rig.claim(max_jobs=5) == []
    await rig.complete(holder)
    (taken,) = await rig.claim(max_jobs=5)
    assert taken.job.job_id == alone.job_id
    await rig.complete(taken)
    assert await claimed_ids(rig, max_jobs=5) == behind
