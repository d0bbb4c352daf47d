"""Reading streams in tests, and running a JobTracker with settings of its own."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from typing import Any

import asyncpg
import grpc
from chassis.database import sqlite_path
from google.protobuf import duration_pb2, struct_pb2
from job_tracker.__main__ import TrackerSettings, running
from nhanhsync.jobs.v1 import job_pb2
from nhanhsync.jobs.v1 import job_tracker_service_pb2 as pb
from nhanhsync.jobs.v1.job_tracker_service_pb2_grpc import JobTrackerStub

from tests.contract.job_tracker.conftest import Rig, running_by
from tests.fakes import postgres
from tests.fakes.tracker_world import TrackerClock

AT_ONCE = duration_pb2.Duration()
RARELY = duration_pb2.Duration(seconds=60)
NARROW = (("grpc.http2.bdp_probe", 0), ("grpc.http2.lookahead_bytes", 65_536))
"""Options of a channel that takes in 64 KiB ahead of its reader, no more."""


async def following(stream: Any) -> Any:
    """Read a stream's next message, within ten seconds."""
    return await asyncio.wait_for(stream.read(), 10)


async def to_the_end(stream: Any) -> None:
    """Read what a stream still has, until it ends."""
    while await following(stream) is not grpc.aio.EOF:
        pass


async def snapshot(stream: Any) -> list[pb.WatchJobsResponse]:
    """Read a stream up to the end of its snapshot, that message included."""
    messages = [await following(stream)]
    while not messages[-1].snapshot_complete:
        messages.append(await following(stream))
    return messages


def kinds(messages: list[Any]) -> list[str]:
    """The kinds of all events in some messages, in order."""
    return [job_pb2.JobEventKind.Name(event.kind)[15:] for message in messages for event in message.events]


def bulky(size: int) -> struct_pb2.Struct:
    """Params that make every message of a job at least so many bytes long."""
    params = struct_pb2.Struct()
    params.update({"text": "x" * size})
    return params


@asynccontextmanager
async def tracker(settings: TrackerSettings, clock: TrackerClock | None = None) -> AsyncIterator[Rig]:
    """Run a JobTracker with settings of its own."""
    started = running(settings) if clock is None else running_by(clock, settings)
    async with started as handle, grpc.aio.insecure_channel(handle.address) as channel:
        yield Rig(JobTrackerStub(channel), handle.address, clock or TrackerClock())


def remove_job(settings: TrackerSettings, job_id: str) -> None:
    """Delete a job behind JobTracker's back: nobody is told."""
    if not settings.database_url.startswith("sqlite"):
        postgres.elsewhere(_remove(settings.database_url, job_id))
        return
    with closing(sqlite3.connect(sqlite_path(settings.database_url))) as connection, connection:
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("DELETE FROM jobs WHERE job_id = ?", (job_id,))


async def _remove(url: str, job_id: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute("DELETE FROM jobs WHERE job_id = $1", job_id)
    finally:
        await connection.close()
