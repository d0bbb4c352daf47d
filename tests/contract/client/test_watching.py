"""The asyncio client against a real JobTracker, which is stopped and started under it."""

import asyncio
from pathlib import Path

import grpc
import pytest
from job_tracker.__main__ import TrackerSettings, running
from nhanhsync.client import Refused, connect
from nhanhsync.jobs.v1 import job_pb2
from nhanhsync.jobs.v1 import job_tracker_service_pb2 as pb


def settings(path: Path, listen: str) -> TrackerSettings:
    """JobTracker on one database and address."""
    return TrackerSettings(listen=listen, database_url=f"sqlite:///{path / 'jobs.db'}")


async def test_a_watch_survives_a_restart_of_jobtracker_and_gives_every_event_once(tmp_path: Path) -> None:
    """The stream breaks, resumes by itself on the restarted server, and ends with the final state."""
    kinds: list[int] = []
    seen = asyncio.Event()

    async def follow(address: str, job_id: str) -> job_pb2.Job:
        async with connect(job_tracker=address) as watcher:
            async for update in watcher.watch_job(job_id, min_interval=0):
                kinds.extend(event.kind for event in update.events)
                seen.set()
        return update.job

    async with running(settings(tmp_path, "127.0.0.1:0")) as first:
        address = first.address
        async with connect(job_tracker=address) as client:
            job = (await client.create_job(pb.CreateJobRequest(type="T"))).job
        following = asyncio.create_task(follow(address, job.job_id))
        await asyncio.wait_for(seen.wait(), 10)
    async with running(settings(tmp_path, address)), connect(job_tracker=address) as client:
        await client.jobs.CancelJob(pb.CancelJobRequest(job_id=job.job_id, requested_by="test"))
        ended = await asyncio.wait_for(following, 20)
        assert (await client.wait_job(job.job_id)).state == job_pb2.JOB_STATE_CANCELLED
    assert ended.state == job_pb2.JOB_STATE_CANCELLED
    assert kinds == [
        job_pb2.JOB_EVENT_KIND_CREATED,
        job_pb2.JOB_EVENT_KIND_CANCEL_REQUESTED,
        job_pb2.JOB_EVENT_KIND_ENDED,
    ]


async def test_a_refusal_names_its_reason_and_every_bad_field(tmp_path: Path) -> None:
    """What the server said about each field reaches the caller."""
    async with running(settings(tmp_path, "127.0.0.1:0")) as handle, connect(job_tracker=handle.address) as client:
        with pytest.raises(Refused) as caught:
            await client.create_job(pb.CreateJobRequest(type="no", store_id="Not Good", priority=1000))
    assert caught.value.code is grpc.StatusCode.INVALID_ARGUMENT
    assert caught.value.reason == "ERROR_REASON_INVALID_FIELD"
    assert {one.field for one in caught.value.violations} == {"type", "store_id", "priority"}


async def test_many_jobs_are_followed_from_the_snapshot_on(tmp_path: Path) -> None:
    """What is active comes first, then the end of the snapshot, then what changes."""
    async with running(settings(tmp_path, "127.0.0.1:0")) as handle, connect(job_tracker=handle.address) as client:
        old = (await client.create_job(pb.CreateJobRequest(type="T"))).job
        updates = client.watch_jobs(pb.JobFilter(types=["T"]), min_interval=0)
        assert (await anext(updates)).job.job_id == old.job_id
        assert (await anext(updates)).snapshot_complete
        new = (await client.create_job(pb.CreateJobRequest(type="T"))).job
        assert (await anext(updates)).job.job_id == new.job_id
        await updates.aclose()  # type: ignore[attr-defined]  # a generator is what it is
