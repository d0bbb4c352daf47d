"""Both clients under a JobTracker that stops and starts: they resume by themselves; and a channel that does not read ahead."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import struct_pb2
from job_tracker.__main__ import TrackerSettings, running
from nhanhsync.client import Client, connect
from nhanhsync.client.blocking import connect as connect_blocking
from nhanhsync.client.channels import KEEPALIVE
from nhanhsync.jobs.v1 import job_pb2
from nhanhsync.jobs.v1 import job_tracker_service_pb2 as pb

Update = pb.WatchJobResponse | pb.WatchJobsResponse
ROUNDS = 4
FINAL = job_pb2.JOB_STATE_COMPLETED


def settings(path: Path, listen: str = "127.0.0.1:0") -> TrackerSettings:
    """JobTracker on one database and address."""
    return TrackerSettings(listen=listen, database_url=f"sqlite:///{path / 'jobs.db'}")


async def asyncio_job(address: str, job_id: str) -> AsyncIterator[Update]:
    """Follow a job with the client for asyncio."""
    async with connect(job_tracker=address) as client:
        async for update in client.watch_job(job_id, min_interval=0):
            yield update


async def asyncio_jobs(address: str, job_id: str) -> AsyncIterator[Update]:
    """Follow all jobs with the client for asyncio, until one has ended."""
    async with connect(job_tracker=address) as client:
        async for update in client.watch_jobs(pb.JobFilter(), min_interval=0):
            yield update
            if update.job.job_id == job_id and update.job.state == FINAL:
                return


async def blocking_job(address: str, job_id: str) -> AsyncIterator[Update]:
    """Follow a job with the blocking client."""
    with connect_blocking(job_tracker=address) as client:
        async for update in _in_thread(client.watch_job(job_id, min_interval=0)):
            yield update


async def blocking_jobs(address: str, job_id: str) -> AsyncIterator[Update]:
    """Follow all jobs with the blocking client, until one has ended."""
    with connect_blocking(job_tracker=address) as client:
        async for update in _in_thread(client.watch_jobs(pb.JobFilter(), min_interval=0)):
            yield update
            if update.job.job_id == job_id and update.job.state == FINAL:
                return


async def _in_thread(updates: Iterator[Any]) -> AsyncIterator[Any]:
    while (update := await asyncio.to_thread(next, updates, None)) is not None:
        yield update


Follow = Callable[[str, str], AsyncIterator[Update]]


@pytest.mark.parametrize("follow", [asyncio_job, asyncio_jobs, blocking_job, blocking_jobs])
async def test_no_restart_costs_an_event(tmp_path: Path, follow: Follow) -> None:
    """JobTracker stops again and again, under the watch and between changes: each event comes, and the end comes last.

    The stream of one job gives each once and in order; that of many may repeat some after a resume.
    """
    events: dict[tuple[int, int], int] = {}
    order: list[int] = []
    states: list[int] = []
    heard = asyncio.Event()

    async def listen(address: str, job_id: str) -> None:
        async for update in follow(address, job_id):
            for event in update.events:
                order.append(event.revision)
                events[event.revision, event.kind] = events.get((event.revision, event.kind), 0) + 1
            if update.HasField("job"):
                states.append(update.job.state)
            heard.set()

    async with running(settings(tmp_path)) as first:
        address = first.address
        async with connect(job_tracker=address) as client:
            job = (await client.create_job(pb.CreateJobRequest(type="T"))).job
        listening = asyncio.create_task(listen(address, job.job_id))
        await asyncio.wait_for(heard.wait(), 20)
    for number in range(ROUNDS):
        async with running(settings(tmp_path, address)), connect(job_tracker=address) as client:
            claimed = await claim(client, f"claim-{number}")
            if number < ROUNDS - 1:
                await client.jobs.ReleaseJob(pb.ReleaseJobRequest(**claimed))
            else:
                await client.jobs.CompleteJob(pb.CompleteJobRequest(**claimed))
                await asyncio.wait_for(listening, 20)
            stored = (await client.jobs.ListJobEvents(pb.ListJobEventsRequest(job_id=job.job_id))).events
    missed = {(event.revision, event.kind) for event in stored} - events.keys()
    begins_with = {(1, job_pb2.JOB_EVENT_KIND_CREATED)} if follow in {asyncio_jobs, blocking_jobs} else set()
    assert missed == begins_with  # a stream of many jobs begins with them as they are
    assert states[-1] == FINAL
    assert FINAL not in states[:-1]
    if not begins_with:
        assert order == [event.revision for event in stored]


async def claim(client: Client, request_id: str) -> dict[str, str]:
    """Claim the job: what names it and the right to work on it."""
    request = pb.ClaimJobsRequest(request_id=request_id, worker_id="w", types=["T"])
    (claimed,) = (await client.jobs.ClaimJobs(request)).claimed_jobs
    return {"job_id": claimed.job.job_id, "lease_token": claimed.lease.lease_token}


async def messages_after_a_nap(path: Path, changes: int) -> int:
    """Read one message of a watch, nothing while a job changes so often, then all the rest: how many messages that is."""
    params = struct_pb2.Struct()
    params.update({"text": "x" * 4_000})
    async with running(settings(path)) as handle, connect(job_tracker=handle.address) as client:
        request = pb.CreateJobRequest(type="T", params=params, claim=pb.ClaimOnCreate(worker_id="w"))
        claimed = (await client.create_job(request)).claimed
        watch = client.watch_job(claimed.job.job_id, min_interval=0)
        await anext(watch)
        holding = {"job_id": claimed.job.job_id, "lease_token": claimed.lease.lease_token}
        for number in range(1, changes + 1):
            report = pb.ProgressReport(processed=number, successful=number)
            await client.jobs.UpdateProgress(
                pb.UpdateProgressRequest(**holding, report_sequence=number, progress=report)
            )
        await client.jobs.CompleteJob(pb.CompleteJobRequest(**holding))
        return len([update async for update in watch])


async def test_a_watch_is_not_read_ahead_for_a_client_that_sleeps(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Our client's watch channel lets the server see that nobody reads, so what comes after a nap is mostly the newest.

    A channel that probes the line, as gRPC's do by default, takes in several times as much of the past.
    """
    ours, usual = tmp_path / "ours", tmp_path / "usual"
    changes = 300
    ours_read = await messages_after_a_nap(ours, changes)
    monkeypatch.setattr("nhanhsync.client.aio.WATCHING", KEEPALIVE)
    usual_read = await messages_after_a_nap(usual, changes)
    assert ours_read < changes / 4
    assert usual_read > 2 * ours_read
