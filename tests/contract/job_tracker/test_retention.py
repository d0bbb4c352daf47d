"""What ended long ago is removed, and counted."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import grpc
import pytest
from chassis.database import open_database
from google.protobuf import duration_pb2
from job_tracker.__main__ import MIGRATIONS, TrackerSettings
from job_tracker.adapters.store import retention
from job_tracker.adapters.store.job_store import SqlJobStore
from job_tracker.adapters.store.moment import of_clock
from job_tracker.application import retain
from job_tracker.application.ports.job_store import Filter
from job_tracker.application.retain import remove_old
from job_tracker.domain.states import State
from nhanhsync.jobs.v1 import job_pb2
from nhanhsync.jobs.v1 import job_tracker_service_pb2 as pb
from nhanhsync.jobs.v1.job_tracker_service_pb2_grpc import JobTrackerStub

from tests.contract.job_tracker.conftest import TYPE, Rig, exclusive, held, refusal, running_by
from tests.fakes.tracker_world import TrackerClock

DAY = 86_400.0
Removed = list[tuple[State, int]]


@asynccontextmanager
async def tracker(settings: TrackerSettings, clock: TrackerClock) -> AsyncIterator[Rig]:
    """Run a JobTracker for a while."""
    async with running_by(clock, settings) as handle, grpc.aio.insecure_channel(handle.address) as channel:
        yield Rig(JobTrackerStub(channel), handle.address, clock)


@asynccontextmanager
async def stored(url: str, clock: TrackerClock) -> AsyncIterator[SqlJobStore]:
    """Look at the database of a JobTracker that is not running."""
    database = await open_database(url, migrations=MIGRATIONS)
    yield SqlJobStore(database, of_clock(clock))
    await database.close()


async def one_of_each(rig: Rig) -> dict[State, str]:
    """Make a job in every state; those that have ended did so at the same moment."""
    ended = {}
    counts = {State.COMPLETED: (1, 0), State.PARTIALLY_COMPLETED: (1, 1), State.FAILED: (0, 1)}
    for state, (successful, failed) in counts.items():
        progress = pb.ProgressReport(processed=successful + failed, successful=successful, failed=failed)
        ended[state] = (await rig.complete(await rig.running(), progress=progress)).job_id
    cancelling, running = await rig.running(), await rig.running()
    cancelled, pending = await rig.create(), await rig.create()
    for job_id in (cancelling.job.job_id, cancelled.job_id):
        await rig.stub.CancelJob(pb.CancelJobRequest(job_id=job_id))
    alive = {State.CANCELLING: cancelling.job, State.RUNNING: running.job, State.PENDING: pending}
    return ended | {state: job.job_id for state, job in alive.items()} | {State.CANCELLED: cancelled.job_id}


async def states(store: SqlJobStore) -> set[State]:
    """The states of the jobs that are left."""
    return {job.state for job in await store.list_jobs(Filter(), newest_first=False, after=None, limit=500)}


async def test_each_state_is_kept_for_its_own_time(settings: Callable[..., TrackerSettings], database_url: str) -> None:
    """Counted from the end of a job; 0 is for ever, and what lives is never removed."""
    clock, removed = TrackerClock(), Removed()
    own = settings(keep_completed_days=1, keep_partially_completed_days=2, keep_failed_days=2.5, keep_cancelled_days=0)
    async with tracker(own, clock) as rig:
        await one_of_each(rig)
    everything = set(State)
    expected = {
        0.0: everything,
        1.0: everything,
        1.001: everything - {State.COMPLETED},
        2.001: everything - {State.COMPLETED, State.PARTIALLY_COMPLETED},
        1_000.0: everything - {State.COMPLETED, State.PARTIALLY_COMPLETED, State.FAILED},
    }
    async with stored(database_url, clock) as store:
        for days, left in expected.items():
            clock.elapsed = days * DAY
            await remove_old(store, own.keep(), lambda state, count: removed.append((state, count)))
            assert await states(store) == left
    assert removed == [(State.COMPLETED, 1), (State.PARTIALLY_COMPLETED, 1), (State.FAILED, 1)]


async def test_what_is_old_is_removed_in_small_steps(
    settings: Callable[..., TrackerSettings], database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each a transaction of its own, so that calls come in between; the oldest first, until nothing old is left."""
    monkeypatch.setattr(retain, "JOBS_PER_STEP", 2)
    clock, removed = TrackerClock(), Removed()
    async with tracker(settings(), clock) as rig:
        jobs = []
        for _ in range(5):
            jobs.append((await rig.complete(await rig.running())).job_id)
            clock.advance(1)
    clock.advance(30 * DAY)
    async with stored(database_url, clock) as store:

        def counted(state: State, count: int) -> None:
            removed.append((state, count))

        assert await remove_old(store, settings().keep(), counted) == 5
        left = await store.list_jobs(Filter(), newest_first=False, after=None, limit=10)
        assert await remove_old(store, settings().keep(), counted) == 0
    assert (removed, left) == ([(State.COMPLETED, 2), (State.COMPLETED, 2), (State.COMPLETED, 1)], [])


async def test_jobs_with_many_failures_are_removed_in_smaller_steps(
    settings: Callable[..., TrackerSettings], database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A step takes no more item failures than others can wait for; one job that has more goes alone."""
    monkeypatch.setattr(retention, "ROWS_PER_STEP", 4)
    clock, removed = TrackerClock(), Removed()
    async with tracker(settings(), clock) as rig:
        for number in (2, 2, 1, 9, 0):
            failures = [
                job_pb2.ItemFailure(item_key=f"{key}", code="C", message="m", origin=job_pb2.ITEM_FAILURE_ORIGIN_RULE)
                for key in range(number)
            ]
            await rig.complete(await rig.running(), item_failures=failures)
            clock.advance(1)
    clock.advance(31 * DAY)
    async with stored(database_url, clock) as store:
        assert await remove_old(store, settings().keep(), lambda state, count: removed.append((state, count))) == 5
    assert [count for _, count in removed] == [2, 1, 1, 1]


async def test_a_job_whose_locks_still_stand_is_kept(
    settings: Callable[..., TrackerSettings], database_url: str
) -> None:
    """Even when it ended long enough ago: with the job its locks would go."""
    clock = TrackerClock()
    own = settings(cancel_grace_seconds=1, keep_cancelled_days=0.00001)
    async with tracker(own, clock) as rig:
        lease = duration_pb2.Duration(seconds=300)
        request = pb.CreateJobRequest(
            type=TYPE, locks=[exclusive("k")], claim=pb.ClaimOnCreate(worker_id="w", lease_ttl=lease)
        )
        job_id = (await rig.stub.CreateJob(request)).job.job_id
        await rig.stub.CancelJob(pb.CancelJobRequest(job_id=job_id))
        clock.advance(1)
        wait = pb.WaitJobRequest(job_id=job_id, timeout=duration_pb2.Duration(seconds=60))
        assert (await rig.stub.WaitJob(wait)).job.state == job_pb2.JOB_STATE_CANCELLED
    clock.advance(100)
    async with stored(database_url, clock) as store:
        assert await remove_old(store, own.keep(), lambda _state, _count: None) == 0
        clock.advance(200)
        assert await store.free_locks()
        assert await remove_old(store, own.keep(), lambda _state, _count: None) == 1


async def test_a_removed_jobs_request_is_remembered_for_a_week(
    settings: Callable[..., TrackerSettings], database_url: str
) -> None:
    """A late repeat does not do the work again; a week after its creation the id is free."""
    clock = TrackerClock()
    request = pb.CreateJobRequest(type=TYPE, request_id="r-1")
    own = settings(keep_cancelled_days=1)
    async with tracker(own, clock) as rig:
        job_id = (await rig.stub.CreateJob(request)).job.job_id
        await rig.stub.CancelJob(pb.CancelJobRequest(job_id=job_id))
    for days, reason in ((6.9, "JOB_DELETED"), (0.2, "")):
        clock.advance(days * DAY)
        async with stored(database_url, clock) as store:
            await remove_old(store, own.keep(), lambda _state, _count: None)
        async with tracker(own, clock) as rig:
            if reason:
                assert (await refusal(rig.stub.CreateJob(request))).reason == reason
            else:
                assert (await rig.stub.CreateJob(request)).created


async def metrics(address: str) -> str:
    """Read what Prometheus would."""
    host, port = address.rsplit(":", 1)
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(b"GET /metrics HTTP/1.0\r\n\r\n")
    text = (await reader.read()).decode()
    writer.close()
    await writer.wait_closed()
    return text


async def test_what_was_removed_is_counted_for_prometheus(settings: Callable[..., TrackerSettings]) -> None:
    """A running JobTracker looks at once when it starts, and counts by state."""
    clock = TrackerClock()
    async with tracker(settings(), clock) as rig:
        for _ in range(3):
            await rig.complete(await rig.running())
        claimed = await rig.running()
        await rig.stub.FailJob(pb.FailJobRequest(**held(claimed), code="C", message="m"))
        kept = await rig.create()
    clock.advance(31 * DAY)
    async with (
        running_by(clock, settings(metrics_listen="127.0.0.1:0")) as handle,
        grpc.aio.insecure_channel(handle.address) as channel,
        asyncio.timeout(20),
    ):
        while "job_tracker_jobs_removed_total{" not in (text := await metrics(handle.metrics_address)):
            continue  # the first look at what is old runs beside the calls
        listed = (await JobTrackerStub(channel).ListJobs(pb.ListJobsRequest())).jobs
    assert 'job_tracker_jobs_removed_total{state="COMPLETED"} 3.0' in text
    assert 'job_tracker_jobs_removed_total{state="FAILED"}' not in text
    assert [job.job_id for job in listed] == [kept.job_id, claimed.job.job_id]
