"""A job that vanishes under those who watch it or wait for it, without a word to anybody: the worst way that it can."""

import asyncio
from collections.abc import Callable
from typing import Any

import grpc
import pytest
from job_tracker.__main__ import TrackerSettings
from nhanhsync.jobs.v1 import job_tracker_service_pb2 as pb

from tests.contract.job_tracker.conftest import refusal
from tests.contract.job_tracker.streams import AT_ONCE, following, kinds, remove_job, snapshot, to_the_end, tracker

NOT_FOUND = (grpc.StatusCode.NOT_FOUND, "JOB_NOT_FOUND")


@pytest.fixture
def restless(settings: Callable[..., TrackerSettings]) -> TrackerSettings:
    """Settings of a JobTracker whose heartbeats, which look up what nobody told, come quickly."""
    return settings(heartbeat_seconds=0.05)


async def test_a_watch_of_a_job_that_vanishes_ends_not_found(restless: TrackerSettings) -> None:
    """It neither hangs nor ends OK, since the final state was not sent."""
    async with tracker(restless) as rig:
        job = await rig.create()
        watch = rig.stub.WatchJob(pb.WatchJobRequest(job_id=job.job_id, min_interval=AT_ONCE))
        await following(watch)
        await asyncio.to_thread(remove_job, restless, job.job_id)
        seen = await refusal(to_the_end(watch))
    assert (seen.code, seen.reason) == NOT_FOUND
    assert seen.metadata == {"job_id": job.job_id}


async def test_waiting_for_a_job_that_vanishes_ends_not_found(restless: TrackerSettings) -> None:
    """Long before its time is over."""
    async with tracker(restless) as rig:
        job = await rig.create()
        waiting = asyncio.ensure_future(rig.stub.WaitJob(pb.WaitJobRequest(job_id=job.job_id)))
        await asyncio.sleep(0)
        await asyncio.to_thread(remove_job, restless, job.job_id)
        seen = await asyncio.wait_for(refusal(waiting), 10)
    assert (seen.code, seen.reason) == NOT_FOUND


async def test_a_stream_of_many_jobs_goes_on_without_the_one_that_vanished(restless: TrackerSettings) -> None:
    """Whether it vanishes while it is watched or while nobody looks, the others are told of."""
    async with tracker(restless) as rig:
        gone, stays = await rig.running(), await rig.running()
        watch = rig.stub.WatchJobs(pb.WatchJobsRequest(min_interval=AT_ONCE))
        token = (await snapshot(watch))[-1].resume_token
        await asyncio.to_thread(remove_job, restless, gone.job.job_id)
        done = await rig.complete(stays)
        message = await following(watch)
        while message.heartbeat:
            message = await following(watch)
        assert (message.job, kinds([message])) == (done, ["ENDED"])
        watch.cancel()
        resumed = rig.stub.WatchJobs(pb.WatchJobsRequest(resume_token=token))
        assert [one.job.job_id for one in await snapshot(resumed)] == [done.job_id, ""]
        resumed.cancel()


async def test_nobody_watches_what_is_deleted(restless: TrackerSettings) -> None:
    """A job that has gone is like one that never was, for every way to watch it, from whatever revision."""
    async with tracker(restless) as rig:
        done = await rig.complete(await rig.running())
        await asyncio.to_thread(remove_job, restless, done.job_id)
        calls: list[Any] = [
            rig.stub.WatchJob(pb.WatchJobRequest(job_id=done.job_id)).read(),
            rig.stub.WatchJob(pb.WatchJobRequest(job_id=done.job_id, after_revision=done.revision)).read(),
            rig.stub.WaitJob(pb.WaitJobRequest(job_id=done.job_id)),
        ]
        for call in calls:
            seen = await refusal(call)
            assert (seen.code, seen.reason) == NOT_FOUND
