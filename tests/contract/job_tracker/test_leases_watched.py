"""Leases begin anew where nobody could look after them, and only there."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import asyncpg
import grpc
import pytest
from chassis.database import open_database
from google.protobuf import duration_pb2
from job_tracker.__main__ import MIGRATIONS, TrackerSettings, running
from job_tracker.adapters.store.job_store import SqlJobStore
from job_tracker.adapters.store.moment import of_clock
from job_tracker.application.cancel_job import cancel_job
from job_tracker.application.changes import Changes
from job_tracker.application.claim_jobs import claim_jobs
from job_tracker.application.create_job import NewJob, create_job
from job_tracker.application.ports.job_store import ClaimRequest, ConflictPolicy
from job_tracker.application.reap import reap
from job_tracker.application.tracker import Tracker
from job_tracker.application.work_on_job import complete_job
from job_tracker.application.workers import Workers
from job_tracker.domain.job import Job
from job_tracker.domain.locks import Lock
from job_tracker.domain.moves import Report
from job_tracker.domain.states import State
from nhanhsync.jobs.v1 import job_pb2
from nhanhsync.jobs.v1 import job_tracker_service_pb2 as pb
from nhanhsync.jobs.v1.job_tracker_service_pb2_grpc import JobTrackerStub

from tests.contract.job_tracker.conftest import TYPE
from tests.fakes import postgres
from tests.fakes.tracker_world import CountedTokens, TrackerClock

K = (Lock("k", exclusive=True),)
TTL = 30.0


class World:
    """The use cases on a real store, whose time and whose reaper are a test's. `Tracker.unwatched` is what is usual."""

    def __init__(self, store: SqlJobStore, clock: TrackerClock) -> None:
        self.clock = clock
        self.ids, self.claims = CountedTokens(), CountedTokens()
        self.tracker = Tracker(
            store=store,
            workers=Workers(store, clock, 15.0),
            changes=Changes(),
            clock=clock,
            new_id=lambda: self.ids().replace("token", "job"),
            new_token=CountedTokens(),
            uniform=lambda low, _high: low,
            cancel_grace=10.0,
        )

    async def start(self, *locks: Lock) -> Job:
        """Make a job that runs."""
        claim = ClaimRequest("", "w", (), 1, TTL)
        return (await create_job(self.tracker, NewJob("", "", "T", locks=locks, claim=claim))).job

    async def claim(self) -> list[str]:
        """Claim what there is."""
        request = ClaimRequest(self.claims(), "w", ("T",), 10, TTL)
        return [one.job.job_id for one in await claim_jobs(self.tracker, request, 0.0)]

    async def run_briefly(self) -> None:
        """Run a job for half a second, in which somebody looks after its lease."""
        job = await self.start()
        await self.pass_time(0.5, step=0.25)
        assert job.lease is not None
        await complete_job(self.tracker, job.job_id, job.lease.token, "done", Report(), {}, "")

    async def state(self, job: Job) -> State:
        """Where a job is."""
        return (await self.tracker.store.get(job.job_id)).state

    async def pass_time(self, seconds: float, *, step: float = 1.0) -> None:
        """Let time pass while somebody looks after leases at every step."""
        for _ in range(round(seconds / step)):
            self.clock.advance(step)
            await reap(self.tracker)


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[World]:
    """A world on either database."""
    database = await open_database(database_url, migrations=MIGRATIONS)
    clock = TrackerClock()
    yield World(SqlJobStore(database, of_clock(clock)), clock)
    await database.close()


@pytest.mark.parametrize("step", [0.25, 1.0, 3.9])
async def test_a_lease_runs_out_while_somebody_looks_after_it(world: World, step: float) -> None:
    """However slow the reaper is, within reason."""
    job = await world.start()
    await world.pass_time(TTL - 4, step=step)
    assert await world.state(job) is State.RUNNING
    await world.pass_time(4 + step, step=step)
    assert await world.state(job) is State.PENDING


@pytest.mark.parametrize("leap", [5.0, 3_600.0, -60.0])
async def test_leases_begin_anew_after_a_time_when_nobody_could_renew(world: World, leap: float) -> None:
    """The database or every replica was away, or somebody set the clock: each lease and each grace gets its whole time again."""
    job, cancelled = await world.start(), await world.start()
    await cancel_job(world.tracker, cancelled.job_id, "", "")
    await world.pass_time(8)
    world.clock.advance(leap)
    await reap(world.tracker)
    await world.pass_time(9)
    assert (await world.state(job), await world.state(cancelled)) == (State.RUNNING, State.CANCELLING)
    await world.pass_time(1)
    assert await world.state(cancelled) is State.CANCELLED
    await world.pass_time(19)
    assert await world.state(job) is State.RUNNING
    await world.pass_time(1)
    assert await world.state(job) is State.PENDING


async def test_the_first_job_after_a_quiet_time_begins_nothing_anew(world: World) -> None:
    """A tracker that had nothing to look after was not away: its note goes when the last lease does."""
    await world.run_briefly()
    await world.pass_time(600, step=60)
    job = await world.start()
    assert job.lease is not None
    world.clock.advance(0.25)
    await reap(world.tracker)
    lease = (await world.tracker.store.get(job.job_id)).lease
    assert lease is not None
    assert lease.deadline == job.lease.deadline


async def test_locks_of_a_revoked_lease_go_in_time_whatever_else_runs(world: World) -> None:
    """Short jobs that come and go after quiet times do not keep a lock standing for ever."""
    stubborn = await world.start(*K)
    await world.pass_time(5)
    await cancel_job(world.tracker, stubborn.job_id, "", "")
    await world.pass_time(10)
    assert await world.state(stubborn) is State.CANCELLED
    waiting = NewJob("", "", "T", locks=K, policy=ConflictPolicy.QUEUE)
    behind = (await create_job(world.tracker, waiting)).job
    for _ in range(2):
        await world.pass_time(5)
        await world.run_briefly()
    await world.pass_time(3)
    assert await world.claim() == []
    await world.pass_time(1)
    assert await world.claim() == [behind.job_id]


async def test_locks_of_a_revoked_lease_begin_anew_with_the_rest(world: World) -> None:
    """Their worker may have been as cut off as everybody."""
    stubborn = await world.start(*K)
    await cancel_job(world.tracker, stubborn.job_id, "", "")
    await world.pass_time(10)
    behind = (await create_job(world.tracker, NewJob("", "", "T", locks=K, policy=ConflictPolicy.QUEUE))).job
    world.clock.advance(3_600)
    await reap(world.tracker)
    await world.pass_time(TTL - 1)
    assert await world.claim() == []
    await world.pass_time(1)
    assert await world.claim() == [behind.job_id]


async def deadline(url: str) -> float:
    """When the only lease runs out, as the database has it."""
    connection = await asyncpg.connect(url)
    try:
        found: float = await connection.fetchval("SELECT lease_deadline_steady FROM jobs")
        return found
    finally:
        await connection.close()


async def test_a_restart_beside_a_living_replica_prolongs_no_lease(tmp_path: Path) -> None:
    """While one replica looks after leases, another may come and go: a dead worker's job is claimable when its lease is over."""
    ttl = 5
    with postgres.fresh_database("postgresql", tmp_path, MIGRATIONS) as url:
        own = TrackerSettings(listen="127.0.0.1:0", database_url=url)
        async with AsyncExitStack() as stack:
            living = await stack.enter_async_context(running(own))
            stub: Any = JobTrackerStub(await stack.enter_async_context(grpc.aio.insecure_channel(living.address)))
            async with running(own) as restarted, grpc.aio.insecure_channel(restarted.address) as channel:
                claim = pb.ClaimOnCreate(worker_id="dead", lease_ttl=duration_pb2.Duration(seconds=ttl))
                other: Any = JobTrackerStub(channel)
                job = (await other.CreateJob(pb.CreateJobRequest(type=TYPE, claim=claim))).job
            before = await deadline(url)
            async with running(own):
                request = pb.ClaimJobsRequest(
                    request_id="c", worker_id="w", types=[TYPE], wait=duration_pb2.Duration(seconds=30)
                )
                waiting = asyncio.ensure_future(stub.ClaimJobs(request))
                await stub.GetJob(pb.GetJobRequest(job_id=job.job_id))
                assert await deadline(url) == before
                (taken,) = (await waiting).claimed_jobs
            events = (await stub.ListJobEvents(pb.ListJobEventsRequest(job_id=job.job_id))).events
    assert (taken.job.job_id, taken.job.attempt) == (job.job_id, 2)
    claims = [event.time.ToMicroseconds() for event in events if event.kind == job_pb2.JOB_EVENT_KIND_CLAIMED]
    waited = (claims[1] - claims[0]) / 1_000_000
    assert ttl <= waited < ttl + 1
