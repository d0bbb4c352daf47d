"""The runner and a real JobTracker: what a job goes through, and what each survives of the other."""

import asyncio
import itertools
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf import json_format
from job_tracker.__main__ import running as running_tracker
from nhanhsync.client.channels import KEEPALIVE
from nhanhsync.jobs.v1 import job_pb2
from nhanhsync.jobs.v1 import job_tracker_service_pb2 as pb
from nhanhsync.jobs.v1.job_tracker_service_pb2_grpc import JobTrackerStub
from sync_worker.adapters.clock import SystemClock
from sync_worker.adapters.job_tracker_work import GrpcWorkQueue
from sync_worker.application.failed_items import GONE
from sync_worker.application.ports.job import JobContext, OperationResult
from sync_worker.application.ports.vendors import Vendors
from sync_worker.application.refusals import TrackerRefusal
from sync_worker.application.runner.registration import register_until_done
from sync_worker.application.runner.runner import Runner
from sync_worker.domain.failures import AccessRefused, ItemFailure, Origin, VendorUnavailable
from sync_worker.domain.operations import SPECS, Operation
from sync_worker.domain.progress import Progress
from sync_worker.entrypoints.params import request_of_job

from tests.contract.sync_worker.conftest import tracker_settings
from tests.fakes.selections import SelectionsInMemory
from tests.fakes.workshop import Work, a_workshop

TYPE = Operation.PULL_NHANH_PRODUCTS
COMPLETED, CANCELLED, PENDING = job_pb2.JOB_STATE_COMPLETED, job_pb2.JOB_STATE_CANCELLED, job_pb2.JOB_STATE_PENDING
WORKERS = itertools.count(1)
UNIFORM = random.Random(1).uniform


@dataclass
class Rig:
    """A JobTracker and a client of it."""

    address: str
    stub: Any

    async def create(self, **fields: Any) -> str:
        """Create a pull for hanoi; its id."""
        request = pb.CreateJobRequest(**({"type": TYPE, "store_id": "hanoi"} | fields))
        job_id: str = (await self.stub.CreateJob(request)).job.job_id
        return job_id

    async def get(self, job_id: str) -> job_pb2.Job:
        """Read a job."""
        job: job_pb2.Job = (await self.stub.GetJob(pb.GetJobRequest(job_id=job_id))).job
        return job

    async def ended(self, job_id: str) -> job_pb2.Job:
        """Wait for a job's end."""
        job: job_pb2.Job = (await self.stub.WaitJob(pb.WaitJobRequest(job_id=job_id), wait_for_ready=True)).job
        assert job.HasField("end_time"), job
        return job

    async def kinds(self, job_id: str) -> list[str]:
        """Read the kinds of a job's events."""
        response = await self.stub.ListJobEvents(pb.ListJobEventsRequest(job_id=job_id, page_size=500))
        return [job_pb2.JobEventKind.Name(event.kind).removeprefix("JOB_EVENT_KIND_") for event in response.events]

    async def seen(self, job_id: str, fact: Any) -> job_pb2.Job:
        """Watch a job until a fact holds of it."""
        async for update in self.stub.WatchJob(pb.WatchJobRequest(job_id=job_id)):
            if update.HasField("job") and fact(update.job):
                job: job_pb2.Job = update.job
                return job
        raise AssertionError("the job ended before the fact held")


@asynccontextmanager
async def client(address: str) -> AsyncIterator[Rig]:
    """A client of a JobTracker."""
    async with grpc.aio.insecure_channel(address, options=KEEPALIVE) as channel:
        yield Rig(address, JobTrackerStub(channel))


@asynccontextmanager
async def tracker(folder: Path, **changed: Any) -> AsyncIterator[Rig]:
    """A JobTracker with its database in this folder."""
    settings = tracker_settings(folder).model_copy(update=changed)
    async with running_tracker(settings) as handle, client(handle.address) as rig:
        yield rig


@asynccontextmanager
async def worker(address: str, work: Work, **changed: Any) -> AsyncIterator[GrpcWorkQueue]:
    """A worker whose every operation is `work`; its workshop may be `changed`."""
    ids = itertools.count(1)
    worker_id = f"worker-{next(WORKERS)}"
    async with grpc.aio.insecure_channel(address, options=KEEPALIVE) as channel:
        queue = GrpcWorkQueue(channel)
        selections = SelectionsInMemory()
        workshop = replace(
            a_workshop(queue, SystemClock(), work),
            read_request=lambda job: request_of_job(job, selections),
            uniform=UNIFORM,
            **changed,
        )
        runner = Runner(
            workshop,
            worker_id=worker_id,
            types=list(SPECS),
            concurrency=4,
            lease_seconds=30.0,
            new_id=lambda: f"{worker_id}-claim-{next(ids)}",
        )
        async with runner.working(drain_seconds=4.0):
            yield queue


@dataclass
class Held:
    """An operation that waits, and counts what it has begun."""

    entered: asyncio.Event
    release: asyncio.Event
    begun: int = 0

    async def __call__(self, job: JobContext, _vendors: Vendors) -> OperationResult:
        """Report, wait, and be done."""
        self.begun += 1
        await job.report(Progress(total=2, successful=1))
        self.entered.set()
        await self.release.wait()
        return OperationResult(Progress(total=2, successful=2), {"pages": 2})


def held() -> Held:
    """An operation that waits until it is let go."""
    return Held(asyncio.Event(), asyncio.Event())


async def test_a_job_is_run_to_its_end(tmp_path: Path) -> None:
    """Counts, result, item failures and message are JobTracker's to show; the counts decide on the state."""

    async def work(job: JobContext, _vendors: Vendors) -> OperationResult:
        await job.report(Progress(total=3, successful=1))
        failure = ItemFailure("nhanh:1", "inventory", Origin.SHOPIFY, "invalid-item", "no such item", retryable=False)
        progress = Progress(total=3, successful=2, failed=1, metrics={"pages": 2})
        return OperationResult(progress, {"first": "gid://shopify/Product/1"}, "three items", (failure,))

    async with tracker(tmp_path) as rig, worker(rig.address, work):
        job = await rig.ended(await rig.create())
        assert (job.state, job.state_message) == (job_pb2.JOB_STATE_PARTIALLY_COMPLETED, "three items")
        assert (job.attempt, job.progress.processed, dict(job.progress.metrics)) == (1, 3, {"pages": 2.0})
        assert json_format.MessageToDict(job.result) == {"first": "gid://shopify/Product/1"}
        (failure,) = (await rig.stub.ListItemFailures(pb.ListItemFailuresRequest(job_id=job.job_id))).item_failures
        assert (failure.item_key, failure.code) == ("nhanh:1", "INVALID_ITEM")
        assert await rig.kinds(job.job_id) == ["CREATED", "CLAIMED", "ENDED"]


async def test_what_failed_in_a_job_can_be_read_page_by_page(tmp_path: Path) -> None:
    """More failures than a page holds come in order and whole; a job that is not there is refused."""
    keys = [f"nhanh:{number:03}" for number in range(501)]

    async def work(job: JobContext, _vendors: Vendors) -> OperationResult:
        failures = [ItemFailure(key, "price", Origin.SHOPIFY, "X", "no", retryable=False) for key in keys]
        await job.report(Progress(total=501, failed=501), failures)
        return OperationResult(Progress(total=501, failed=501), {})

    async with tracker(tmp_path) as rig, worker(rig.address, work) as queue:
        job = await rig.ended(await rig.create())
        first = await queue.failure_page(job.job_id, "")
        last = await queue.failure_page(job.job_id, first.next_page)
        assert [*first.item_keys, *last.item_keys] == keys
        assert (first.total, last.total, last.next_page) == (501, 501, "")
        with pytest.raises(TrackerRefusal) as refused:
            await queue.failure_page("01890a5d-ac96-774b-bcce-b302099a8057", "")
        assert refused.value.details.reason in GONE


async def test_progress_is_live(tmp_path: Path) -> None:
    """A watcher sees counts while the operation is under way."""
    work = held()
    async with tracker(tmp_path) as rig, worker(rig.address, work):
        job_id = await rig.create()
        job = await rig.seen(job_id, lambda job: job.progress.processed == 1)
        assert (job.state, job.progress.total) == (job_pb2.JOB_STATE_RUNNING, 2)
        work.release.set()
        assert (await rig.ended(job_id)).state == COMPLETED


async def test_a_cancel_takes_effect_at_once(tmp_path: Path) -> None:
    """The directive cuts the wait of the operation: CANCELLED in well under a second."""
    work = held()
    async with tracker(tmp_path) as rig, worker(rig.address, work):
        job_id = await rig.create()
        await work.entered.wait()
        loop = asyncio.get_running_loop()
        asked = loop.time()
        await rig.stub.CancelJob(pb.CancelJobRequest(job_id=job_id, reason="not wanted"))
        job = await rig.ended(job_id)
        assert loop.time() - asked < 0.5
        assert (job.state, job.progress.processed) == (CANCELLED, 1)
        assert await rig.kinds(job_id) == ["CREATED", "CLAIMED", "CANCEL_REQUESTED", "RELEASED", "ENDED"]


async def test_a_failure_for_good_ends_the_job(tmp_path: Path) -> None:
    """Bad credentials are not tried again."""

    async def work(_job: JobContext, _vendors: Vendors) -> OperationResult:
        raise AccessRefused("nhanh", "ERR_INVALID_ACCESS_TOKEN", "put a new token into the stores file")

    async with tracker(tmp_path) as rig, worker(rig.address, work):
        job = await rig.ended(await rig.create())
        assert (job.state, job.attempt) == (job_pb2.JOB_STATE_FAILED, 1)
        assert (job.error.code, job.error.message, job.error.retryable) == (
            "ERR_INVALID_ACCESS_TOKEN",
            "put a new token into the stores file",
            False,
        )


async def test_an_outage_is_not_met_again_at_once(tmp_path: Path) -> None:
    """JobTracker keeps the job until the outage may be over; the attempt after that goes on."""

    async def work(job: JobContext, _vendors: Vendors) -> OperationResult:
        if job.attempt == 1:
            raise VendorUnavailable("nhanh", "HTTP_503", "busy")
        if job.attempt == 2:
            raise VendorUnavailable("nhanh", "RATE_LIMITED", "locked", retry_after=1_800.0)
        raise AssertionError

    async with tracker(tmp_path) as rig, worker(rig.address, work, outage_seconds=0.3):
        job = await rig.seen(await rig.create(), lambda job: job.attempts_used == 2)
        assert (job.state, job.error.code) == (PENDING, "RATE_LIMITED")
        assert (job.not_before_time.ToDatetime() - job.error.time.ToDatetime()).total_seconds() == 1_800.0
        events = (await rig.stub.ListJobEvents(pb.ListJobEventsRequest(job_id=job.job_id))).events
        failed, claimed = (event.time.ToDatetime() for event in events[2:4])
        assert (claimed - failed).total_seconds() >= 0.3


async def test_a_fault_of_our_own_is_tried_again(tmp_path: Path) -> None:
    """The second attempt follows after JobTracker's back-off."""
    attempts: list[int] = []

    async def work(job: JobContext, _vendors: Vendors) -> OperationResult:
        attempts.append(job.attempt)
        if job.attempt == 1:
            raise KeyError("colour")
        return OperationResult(Progress(), {})

    async with tracker(tmp_path) as rig, worker(rig.address, work):
        job = await rig.ended(await rig.create())
        assert (job.state, attempts, job.attempts_used) == (COMPLETED, [1, 2], 1)


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"params": {"surprise": True}}, "INVALID_PARAMS"),
        ({"store_id": "hue"}, "STORE_UNKNOWN"),
        ({"store_id": ""}, "STORE_UNKNOWN"),
    ],
)
async def test_a_job_that_nobody_can_do_fails_at_once(tmp_path: Path, fields: Any, code: str) -> None:
    """Anybody may create a job of our types; what makes no sense does not come back."""
    work = held()
    async with tracker(tmp_path) as rig, worker(rig.address, work):
        job = await rig.ended(await rig.create(**fields))
        assert (job.state, job.attempt, job.error.code) == (job_pb2.JOB_STATE_FAILED, 1, code)
        assert work.begun == 0


async def test_counts_that_break_the_rules_fail_the_job(tmp_path: Path) -> None:
    """JobTracker refuses them, and the job says that the fault is ours."""

    async def work(job: JobContext, _vendors: Vendors) -> OperationResult:
        await job.report(Progress(total=1, successful=2))
        await asyncio.Event().wait()
        raise AssertionError

    async with tracker(tmp_path) as rig, worker(rig.address, work):
        job = await rig.ended(await rig.create())
        assert (job.state, job.error.code, job.error.retryable) == (job_pb2.JOB_STATE_FAILED, "INTERNAL", False)


async def test_work_that_was_not_finished_cannot_be_completed(tmp_path: Path) -> None:
    """A total that was not reached is refused by JobTracker and is an incident."""

    async def work(_job: JobContext, _vendors: Vendors) -> OperationResult:
        return OperationResult(Progress(total=10, successful=9), {})

    async with tracker(tmp_path) as rig, worker(rig.address, work):
        job = await rig.ended(await rig.create())
        assert (job.state, job.error.code) == (job_pb2.JOB_STATE_FAILED, "INTERNAL")


async def test_the_worker_goes_on_when_jobtracker_restarts(tmp_path: Path) -> None:
    """The lease stands, the attempt is the same, a cancel is heard by the new JobTracker's stream."""
    work, other = held(), held()

    async def either(job: JobContext, vendors: Vendors) -> OperationResult:
        return await (work if not work.begun else other)(job, vendors)

    async with tracker(tmp_path) as rig:
        listen = rig.address
        job_id = await rig.create()
        stopped = asyncio.create_task(_worker_until_stopped(listen, either))
        await work.entered.wait()
        other_id = await rig.create()
        await other.entered.wait()
    async with running_tracker(tracker_settings(tmp_path, listen)), client(listen) as rig:
        work.release.set()
        job = await rig.ended(job_id)
        assert (job.state, job.attempt) == (COMPLETED, 1)
        await rig.stub.CancelJob(pb.CancelJobRequest(job_id=other_id))
        assert (await rig.ended(other_id)).state == CANCELLED
        stopped.cancel()
        await asyncio.wait((stopped,))


async def _worker_until_stopped(address: str, work: Work) -> None:
    async with worker(address, work):
        await asyncio.Event().wait()


async def test_work_that_ended_while_jobtracker_was_away_is_completed_when_it_is_back(tmp_path: Path) -> None:
    """The final call is repeated until it is answered."""
    work = held()
    async with tracker(tmp_path) as rig:
        listen = rig.address
        job_id = await rig.create()
        stopped = asyncio.create_task(_worker_until_stopped(listen, work))
        await work.entered.wait()
    work.release.set()
    async with running_tracker(tracker_settings(tmp_path, listen)), client(listen) as rig:
        job = await rig.ended(job_id)
        assert (job.state, job.attempt, work.begun) == (COMPLETED, 1, 1)
        stopped.cancel()
        await asyncio.wait((stopped,))


async def test_a_worker_that_stops_gives_its_jobs_back(tmp_path: Path) -> None:
    """The next worker has them at once, without waiting for a lease to run out, and no attempt is used up."""

    async def until_stopped(job: JobContext, _vendors: Vendors) -> OperationResult:
        begun.set()
        while True:
            await asyncio.sleep(0)
            job.check()

    begun = asyncio.Event()
    done = held()
    done.release.set()
    async with tracker(tmp_path) as rig:
        async with worker(rig.address, until_stopped):
            job_id = await rig.create()
            await begun.wait()
        job = await rig.get(job_id)
        assert (job.state, job.attempts_used, job.state_message) == (PENDING, 0, "the worker is stopping")
        async with worker(rig.address, done):
            job = await rig.ended(job_id)
        assert (job.state, job.attempt, job.attempts_used) == (COMPLETED, 2, 0)


async def test_a_worker_whose_job_was_taken_stops_it(tmp_path: Path) -> None:
    """A cancel whose grace is over ends the job; the operation that could not be cut is told so, and makes no final call."""
    stopped = asyncio.Event()
    entered = asyncio.Event()

    async def stubborn(job: JobContext, _vendors: Vendors) -> OperationResult:
        entered.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            await job_ended.wait()
            stopped.set()
            raise
        raise AssertionError

    job_ended = asyncio.Event()
    async with tracker(tmp_path, cancel_grace_seconds=0.1) as rig, worker(rig.address, stubborn):
        job_id = await rig.create()
        await entered.wait()
        await rig.stub.CancelJob(pb.CancelJobRequest(job_id=job_id))
        assert (await rig.ended(job_id)).state == CANCELLED
        job_ended.set()
        await stopped.wait()
    assert stopped.is_set()


async def test_a_worker_registers_the_eleven_operations(tmp_path: Path) -> None:
    """JobTracker learns labels and variants, and counts what was completed."""
    done = held()
    done.release.set()
    async with tracker(tmp_path) as rig, worker(rig.address, done) as queue:
        await register_until_done(queue, SystemClock(), UNIFORM)
        job = await rig.ended(await rig.create())
        assert job.display_name == "Pull Nhanh Products"
        coverage = (await rig.stub.GetJobStats(pb.GetJobStatsRequest())).coverage
        assert (coverage.completed, coverage.registered) == (1, 11)


async def test_many_failures_reach_jobtracker(tmp_path: Path) -> None:
    """1,234 failed items are 1,234 item failures, in reports of at most 500."""
    failures = [
        ItemFailure(f"nhanh:{number}", "inventory", Origin.SHOPIFY, "NOT_FOUND", "gone", retryable=False)
        for number in range(1_234)
    ]

    async def work(job: JobContext, _vendors: Vendors) -> OperationResult:
        progress = Progress(total=1_235, successful=1, failed=1_234)
        await job.report(progress, failures[:700])
        return OperationResult(progress, {}, failures=failures[700:])

    async with tracker(tmp_path) as rig, worker(rig.address, work):
        job = await rig.ended(await rig.create())
        assert (job.state, job.item_failure_count) == (job_pb2.JOB_STATE_PARTIALLY_COMPLETED, 1_234)
