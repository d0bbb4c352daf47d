"""Two JobTrackers on one PostgreSQL, with many workers, creators and operators at once."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from random import Random
from typing import Any

import grpc
import pytest
from google.protobuf import duration_pb2
from job_tracker.__main__ import MIGRATIONS, TrackerSettings, running
from nhanhsync.jobs.v1 import job_pb2
from nhanhsync.jobs.v1 import job_tracker_service_pb2 as pb
from nhanhsync.jobs.v1.job_tracker_service_pb2_grpc import JobTrackerStub
from structlog.testing import capture_logs

from tests.contract.job_tracker.conftest import TYPE, exclusive, held, shared
from tests.fakes import postgres

KEYS = "abcdefgh"
QUEUE, REPLACE = job_pb2.CONFLICT_POLICY_QUEUE, job_pb2.CONFLICT_POLICY_REPLACE
SOON = duration_pb2.Duration(seconds=1)
FINAL = {
    job_pb2.JOB_STATE_COMPLETED,
    job_pb2.JOB_STATE_PARTIALLY_COMPLETED,
    job_pb2.JOB_STATE_FAILED,
    job_pb2.JOB_STATE_CANCELLED,
}


class Shop:
    """Clients of two replicas, and what their workers hold as they know it themselves."""

    def __init__(self, stubs: list[Any], seed: int) -> None:
        self.stubs = stubs
        self.random = Random(seed)
        self.claims: Counter[str] = Counter()
        self.holding: dict[str, job_pb2.Job] = {}
        self.numbers = iter(range(1_000_000))

    @property
    def stub(self) -> Any:
        """One of the two, by chance."""
        return self.random.choice(self.stubs)

    def locks(self) -> list[job_pb2.Lock]:
        """Up to three names, each wanted alone or with others."""
        keys = self.random.sample(KEYS, self.random.randint(0, 3))
        return [self.random.choice([exclusive, exclusive, shared])(key) for key in keys]

    async def create(self, **fields: Any) -> job_pb2.Job:
        """Ask for a job."""
        usual = {"type": TYPE, "locks": self.locks(), "conflict_policy": QUEUE, "priority": self.random.randint(-1, 1)}
        job: job_pb2.Job = (await self.stub.CreateJob(pb.CreateJobRequest(**(usual | fields)))).job
        return job

    async def claim(self, worker_id: str, most: int = 3) -> list[job_pb2.ClaimedJob]:
        """Claim, and see that nobody holds what is not compatible with it."""
        request = pb.ClaimJobsRequest(
            request_id=f"c-{next(self.numbers)}", worker_id=worker_id, types=[TYPE], max_jobs=most, wait=SOON
        )
        claimed = list((await self.stub.ClaimJobs(request)).claimed_jobs)
        for one in claimed:
            self.claims[one.job.job_id] += 1
            for other in self.holding.values():
                for mine in one.job.locks:
                    for theirs in other.locks:
                        alone = job_pb2.LOCK_MODE_EXCLUSIVE in (mine.mode, theirs.mode)
                        assert mine.key != theirs.key or not alone, (one.job, other)
            self.holding[one.job.job_id] = one.job
        return claimed

    async def let_go(self, claimed: job_pb2.ClaimedJob, *, complete: bool) -> None:
        """Complete a job or give it back. It is not held from the moment that this is asked for."""
        del self.holding[claimed.job.job_id]
        if complete:
            await self.stub.CompleteJob(pb.CompleteJobRequest(**held(claimed)))
        else:
            await self.stub.ReleaseJob(pb.ReleaseJobRequest(**held(claimed)))

    async def jobs(self) -> list[job_pb2.Job]:
        """All jobs."""
        return list((await self.stub.ListJobs(pb.ListJobsRequest(page_size=500))).jobs)


@pytest.fixture
async def shop(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Shop]:
    """Two replicas; at the end no transaction of theirs had to be run again for another's sake."""
    with postgres.fresh_database("postgresql", tmp_path, MIGRATIONS) as url, capture_logs() as logs:
        own = TrackerSettings(listen="127.0.0.1:0", database_url=url)
        async with (
            running(own) as one,
            running(own) as other,
            grpc.aio.insecure_channel(one.address) as to_one,
            grpc.aio.insecure_channel(other.address) as to_other,
        ):
            yield Shop([JobTrackerStub(to_one), JobTrackerStub(to_other)], seed=getattr(request, "param", 0))
    assert "call answered" in {entry["event"] for entry in logs}
    assert [entry for entry in logs if entry["event"] in ("unit_runs_again", "call failed", "reaping failed")] == []


async def test_every_job_is_claimed_once_and_locks_exclude(shop: Shop) -> None:
    """Whoever asks which replica for how many jobs."""
    made = [job.job_id for job in await asyncio.gather(*(shop.create() for _ in range(80)))]
    left = set(made)

    async def work(worker_id: str) -> None:
        while left:
            for claimed in await shop.claim(worker_id):
                await shop.let_go(claimed, complete=True)
                left.discard(claimed.job.job_id)

    async with asyncio.timeout(60):
        await asyncio.gather(*(work(f"worker-{number}") for number in range(12)))
    assert shop.claims == Counter(made)
    assert {job.state for job in await shop.jobs()} == {job_pb2.JOB_STATE_COMPLETED}


@pytest.mark.parametrize("shop", [1, 2], indirect=True)
async def test_a_busy_shop_stays_in_order(shop: Shop) -> None:
    """Creations that replace, cancels, pauses of jobs and of the type, batches, releases: nothing collides, all ends."""
    await shop.stub.RegisterJobTypes(pb.RegisterJobTypesRequest(job_types=[job_pb2.JobType(type=TYPE)]))
    done = asyncio.Event()

    async def create() -> None:
        for _ in range(15):
            await shop.create(conflict_policy=shop.random.choice([QUEUE, QUEUE, REPLACE]))

    async def disturb() -> None:
        for _ in range(15):
            jobs = await shop.jobs()
            if not jobs:
                continue
            job_id = shop.random.choice(jobs).job_id
            name = shop.random.choice(["CancelJob", "PauseJob", "ResumeJob"])
            with contextlib.suppress(grpc.aio.AioRpcError):  # it may have ended meanwhile; a fault is found in the log
                await getattr(shop.stub, name)(getattr(pb, f"{name}Request")(job_id=job_id))

    async def maintain() -> None:
        for _ in range(8):
            pause = pb.PauseJobTypeRequest(type=TYPE, release_running=shop.random.random() < 0.5)
            await shop.stub.PauseJobType(pause)
            await shop.stub.ResumeJobType(pb.ResumeJobTypeRequest(type=TYPE))

    async def work(worker_id: str) -> None:
        while not done.is_set():
            claimed = await shop.claim(worker_id)
            reports = [pb.UpdateProgressRequest(**held(one), report_sequence=1) for one in claimed]
            shop.random.shuffle(reports)
            if reports:
                batch = pb.BatchUpdateProgressRequest(reports=reports)
                outcomes = (await shop.stub.BatchUpdateProgress(batch)).outcomes
                assert all(one.HasField("response") for one in outcomes)
            for one in claimed:
                await shop.let_go(one, complete=shop.random.random() < 0.6)

    async with asyncio.timeout(90):
        workers = [asyncio.ensure_future(work(f"worker-{number}")) for number in range(6)]
        await asyncio.gather(*(create() for _ in range(4)), *(disturb() for _ in range(2)), maintain(), maintain())
        while any(job.state not in FINAL for job in await shop.jobs()):
            for job in await shop.jobs():
                if job.paused:
                    await shop.stub.ResumeJob(pb.ResumeJobRequest(job_id=job.job_id))
        done.set()
        await asyncio.gather(*workers)
    assert shop.holding == {}


async def test_a_pause_of_a_type_reaches_every_job_that_was_claimed_before_it(shop: Shop) -> None:
    """However claims, creations that claim, pauses and resumes meet, the last word stands for all that runs."""
    await shop.stub.RegisterJobTypes(pb.RegisterJobTypesRequest(job_types=[job_pb2.JobType(type=TYPE)]))
    await asyncio.gather(*(shop.create(locks=[]) for _ in range(60)))
    running: list[job_pb2.ClaimedJob] = []

    async def claim(worker_id: str) -> None:
        for _ in range(10):
            request = pb.ClaimJobsRequest(
                request_id=f"c-{next(shop.numbers)}", worker_id=worker_id, types=[TYPE], max_jobs=1
            )
            running.extend((await shop.stub.ClaimJobs(request)).claimed_jobs)
            start = pb.CreateJobRequest(type=TYPE, claim=pb.ClaimOnCreate(worker_id=worker_id))
            made = await shop.stub.CreateJob(start)
            running.extend([made.claimed] if made.HasField("claimed") else [])

    async def pause() -> None:
        for _ in range(3):
            await shop.stub.PauseJobType(pb.PauseJobTypeRequest(type=TYPE))
            await shop.stub.ResumeJobType(pb.ResumeJobTypeRequest(type=TYPE))
        await shop.stub.PauseJobType(pb.PauseJobTypeRequest(type=TYPE))

    async with asyncio.timeout(60):
        await asyncio.gather(*(claim(f"worker-{number}") for number in range(6)), pause())
    assert running
    reports = [pb.UpdateProgressRequest(**held(one), report_sequence=1) for one in running]
    outcomes = (await shop.stub.BatchUpdateProgress(pb.BatchUpdateProgressRequest(reports=reports))).outcomes
    assert {one.response.directive for one in outcomes} == {job_pb2.DIRECTIVE_DRAIN}
    assert (await shop.stub.PauseJobType(pb.PauseJobTypeRequest(type=TYPE))).running_now == len(running)
