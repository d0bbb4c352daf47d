"""ListWorkers, over the wire: nobody registers, workers are known from their calls."""

import asyncio
from collections.abc import Callable
from typing import Any

import grpc
import pytest
from job_tracker.__main__ import TrackerSettings
from job_tracker.entrypoints import pages
from nhanhsync.jobs.v1 import job_pb2
from nhanhsync.jobs.v1 import job_tracker_service_pb2 as pb
from nhanhsync.jobs.v1.job_tracker_service_pb2_grpc import JobTrackerStub

from tests.contract.job_tracker.conftest import TYPE, Rig, held, refusal, running_by
from tests.fakes.tracker_world import TrackerClock

DAY = 86_400


async def workers(rig: Rig, **fields: Any) -> list[job_pb2.Worker]:
    """List workers."""
    return list((await rig.stub.ListWorkers(pb.ListWorkersRequest(**fields))).workers)


async def worker(rig: Rig) -> job_pb2.Worker:
    """The only worker."""
    (one,) = await workers(rig)
    return one


def seen(one: job_pb2.Worker) -> tuple[int, int]:
    """When a worker was heard of first and last, in microseconds."""
    return one.first_seen_time.ToMicroseconds(), one.last_seen_time.ToMicroseconds()


async def test_a_claim_makes_a_worker_known(rig: Rig) -> None:
    """Even one that finds nothing, with the types that it asked for last."""
    began = rig.clock.now_micros()
    await rig.claim("w", types=["A", "B"])
    one = await worker(rig)
    assert (one.worker_id, list(one.types), one.listening, list(one.held_job_ids)) == ("w", ["A", "B"], False, [])
    assert seen(one) == (began, began)
    rig.clock.advance(60)
    await rig.claim("w", types=["C"])
    one = await worker(rig)
    assert (list(one.types), seen(one)) == (["C"], (began, rig.clock.now_micros()))


async def test_creators_and_operators_are_no_workers(rig: Rig) -> None:
    """Only who claims, reports or listens is one."""
    await rig.create(created_by="linh")
    await rig.stub.ListJobs(pb.ListJobsRequest())
    assert await workers(rig) == []


async def test_a_report_is_heard(rig: Rig) -> None:
    """Alone and in a batch; what is heard within ten seconds of the last is not written."""
    await rig.stub.CreateJob(pb.CreateJobRequest(type=TYPE))
    (claimed,) = await rig.claim("w")
    began = rig.clock.now_micros()
    rig.clock.advance(9)
    await rig.report(claimed, 1)
    assert seen(await worker(rig)) == (began, began)
    rig.clock.advance(11)
    await rig.report(claimed, 2)
    assert seen(await worker(rig)) == (began, rig.clock.now_micros())
    rig.clock.advance(11)
    report = pb.UpdateProgressRequest(**held(claimed), report_sequence=3)
    await rig.stub.BatchUpdateProgress(pb.BatchUpdateProgressRequest(reports=[report]))
    one = await worker(rig)
    assert (seen(one), list(one.types)) == ((began, rig.clock.now_micros()), [TYPE])


async def test_a_worker_that_starts_its_own_jobs_is_heard_of_by_its_reports(rig: Rig) -> None:
    """It never claims, so its types are not known; its jobs are."""
    made = await rig.stub.CreateJob(pb.CreateJobRequest(type=TYPE, claim=pb.ClaimOnCreate(worker_id="w")))
    await rig.report(made.claimed, 1)
    one = await worker(rig)
    assert (one.worker_id, list(one.types), list(one.held_job_ids)) == ("w", [], [made.job.job_id])


async def test_a_worker_says_what_it_holds(rig: Rig) -> None:
    """What runs and what is being cancelled; not what it let go, lost, or never had."""
    first, second, third = [await rig.running("w") for _ in range(3)]
    await rig.stub.CancelJob(pb.CancelJobRequest(job_id=second.job.job_id))
    await rig.stub.ReleaseJob(pb.ReleaseJobRequest(**held(third)))
    (other,) = await rig.claim("x")
    listed = {one.worker_id: list(one.held_job_ids) for one in await workers(rig)}
    assert listed == {"w": [first.job.job_id, second.job.job_id], "x": [other.job.job_id]}


async def test_a_worker_listens_while_its_stream_lives(settings: Callable[..., TrackerSettings]) -> None:
    """It listens from the stream's first message on, however often heartbeats come, and no more some time after the end."""
    clock = TrackerClock()
    async with (
        running_by(clock, settings(heartbeat_seconds=0.05)) as handle,
        grpc.aio.insecure_channel(handle.address) as channel,
    ):
        rig = Rig(JobTrackerStub(channel), handle.address, clock)
        await rig.claim("w")
        assert not (await worker(rig)).listening
        stream = rig.stub.WatchDirectives(pb.WatchDirectivesRequest(worker_id="w"))
        for _ in range(4):
            assert await asyncio.wait_for(stream.read(), 10) == pb.WatchDirectivesResponse()
            one = await worker(rig)
            assert (one.listening, list(one.types)) == (True, [TYPE])
            clock.advance(0.1)
            for _ in range(2):  # the first may have been on its way before the clock moved
                await asyncio.wait_for(stream.read(), 10)
        stream.cancel()
        async with asyncio.timeout(20):
            while (await worker(rig)).listening:
                clock.advance(0.005)  # slower than the stream would be noted again, if it lived


async def test_workers_come_in_pages_by_name(rig: Rig) -> None:
    """Each page goes on after the last name of the one before; names are compared byte by byte on either database."""
    names = ["Z", "a", "a-1", "a_1", "b", "é"]
    for name in reversed(names):
        await rig.claim(name)
    assert [one.worker_id for one in await workers(rig)] == names
    token, pages = "", []
    while True:
        page = await rig.stub.ListWorkers(pb.ListWorkersRequest(page_size=4, page_token=token))
        pages.append([one.worker_id for one in page.workers])
        token = page.next_page_token
        if not token:
            break
    assert pages == [names[:4], names[4:]]
    for page_token in ("AAAA", (await rig.stub.ListJobs(pb.ListJobsRequest(page_size=1))).next_page_token or "né"):
        assert (await refusal(workers(rig, page_token=page_token))).reason == "PAGE_TOKEN_INVALID"
    assert (await refusal(workers(rig, page_size=501))).fields == {"page_size": "must be from 0 to 500, is 501"}


async def test_a_page_ends_before_it_is_too_large(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker with very many types takes a page of its own, and nobody is left out."""
    monkeypatch.setattr(pages, "PAGE_BYTES", 400)
    types = [f"TYPE_{number}" for number in range(60)]
    for name, asked in (("a", ["A"]), ("b", types), ("c", ["C"]), ("d", ["D"])):
        await rig.claim(name, types=asked)
    token, names = "", []
    while True:
        page = await rig.stub.ListWorkers(pb.ListWorkersRequest(page_token=token))
        names.append([one.worker_id for one in page.workers])
        token = page.next_page_token
        if not token:
            break
    assert names == [["a"], ["b"], ["c", "d"]]


async def test_silent_workers_are_forgotten_after_a_day(settings: Callable[..., TrackerSettings]) -> None:
    """But for those that were heard of since, and those that still hold a job: a start looks for them at once."""
    clock = TrackerClock()
    async with running_by(clock, settings()) as handle, grpc.aio.insecure_channel(handle.address) as channel:
        rig = Rig(JobTrackerStub(channel), handle.address, clock)
        await rig.claim("silent")
        await rig.running("holding")
        clock.advance(1)
        await rig.claim("heard")
    later = TrackerClock(wall_micros=clock.now_micros() + (DAY * 1_000_000) - 500_000)
    async with running_by(later, settings()) as handle, grpc.aio.insecure_channel(handle.address) as channel:
        rig = Rig(JobTrackerStub(channel), handle.address, later)
        async with asyncio.timeout(20):
            while len(names := [one.worker_id for one in await workers(rig)]) == 3:
                continue  # the first look at what is old runs beside the calls
        assert names == ["heard", "holding"]
