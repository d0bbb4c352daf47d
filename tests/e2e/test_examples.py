"""The foreign service of `examples/`: it stands on the stubs alone, and its jobs live as ours do."""

import ast
import asyncio
import json
import os
import re
import shlex
import signal
import subprocess
import sys
from asyncio.subprocess import PIPE, STDOUT, Process
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf.duration_pb2 import Duration
from google.protobuf.json_format import MessageToDict, ParseDict
from nhanhsync.jobs.v1 import job_pb2
from nhanhsync.jobs.v1 import job_tracker_service_pb2 as pb
from nhanhsync.jobs.v1.job_tracker_service_pb2_grpc import JobTrackerStub

from tests.fakes.cli_servicers import serving
from tests.fakes.directing_tracker import DirectingTracker

ROOT = Path(__file__).resolve().parents[2]
WORKER = ROOT / "examples" / "price_report" / "worker.py"
README = (WORKER.parent / "README.md").read_text()
TYPE = "PRICE_REPORT"
LONG_LEASE = 300
"""Seconds. Reports go every third of it while nothing changes, so that a cancel within a minute came by the stream."""
SHORT_LEASE = 5
FOR_EVER = {"prices": {"AO-1": "1"}, "seconds_per_price": 3600}


class Cut(grpc.GenericRpcHandler):
    """Passes every call on to JobTracker, but no directive: its streams stay open and say nothing."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._channel = channel

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> Any:
        """Find the handler of a call."""
        method = handler_call_details.method
        if method.endswith("/WatchDirectives"):
            return grpc.unary_stream_rpc_method_handler(self._silent)
        passed_on: Any = self._channel.unary_unary(method)

        async def forward(request: bytes, _context: Any) -> bytes:
            answer: bytes = await passed_on(request)
            return answer

        return grpc.unary_unary_rpc_method_handler(forward)

    async def _silent(self, _request: bytes, _context: Any) -> AsyncIterator[bytes]:
        yield b""
        await asyncio.Event().wait()


@asynccontextmanager
async def process(*command: str, **environment: str) -> AsyncIterator[tuple[Process, str]]:
    """Run a program that says when it is ready: the process and its first line."""
    words = [sys.executable, "-W", "error", *command]
    started = await asyncio.create_subprocess_exec(*words, stdout=PIPE, stderr=STDOUT, env=os.environ | environment)
    assert started.stdout is not None
    try:
        line = await asyncio.wait_for(started.stdout.readline(), 30)
        yield started, line.decode()
    finally:
        if started.returncode is None:
            started.kill()
        await started.communicate()


@pytest.fixture
async def tracker(tmp_path: Path) -> AsyncIterator[str]:
    """A JobTracker process on a free port: its address."""
    database = f"sqlite:///{tmp_path / 'jobs.db'}"
    listen = {"JOB_TRACKER_LISTEN": "127.0.0.1:0", "JOB_TRACKER_DATABASE_URL": database}
    async with process("-m", "job_tracker", **listen) as (_, ready):
        yield json.loads(ready)["address"]


@pytest.fixture
async def stub(tracker: str) -> AsyncIterator[Any]:
    """A client of the JobTracker."""
    async with grpc.aio.insecure_channel(tracker) as channel:
        yield JobTrackerStub(channel)


@asynccontextmanager
async def worker(address: str, *options: str, lease: int = LONG_LEASE) -> AsyncIterator[Process]:
    """Run the example until the context ends; its type is registered."""
    words = ("--job-tracker", address, "--lease-seconds", str(lease), *options)
    async with process(str(WORKER), *words) as (started, line):
        assert line == "waiting for jobs\n", line
        yield started


async def create(stub: Any, params: dict[str, Any]) -> job_pb2.Job:
    """Create a job of the example's type."""
    request = pb.CreateJobRequest(type=TYPE)
    ParseDict(params, request.params)
    job: job_pb2.Job = (await stub.CreateJob(request)).job
    return job


async def until(stub: Any, job: job_pb2.Job, fact: Callable[[job_pb2.Job], bool]) -> job_pb2.Job:
    """Watch a job until something is so."""
    async with asyncio.timeout(60):
        async for update in stub.WatchJob(pb.WatchJobRequest(job_id=job.job_id, min_interval=Duration())):
            if update.HasField("job") and fact(update.job):
                seen: job_pb2.Job = update.job
                return seen
    raise AssertionError("the job ended otherwise")


def under_way(job: job_pb2.Job) -> bool:
    """Whether the worker has reported that it knows how much there is to do."""
    return job.state == job_pb2.JOB_STATE_RUNNING and job.progress.HasField("total")


def final(job: job_pb2.Job) -> bool:
    """Whether the job has ended."""
    return job.HasField("end_time")


async def kinds(stub: Any, job: job_pb2.Job) -> list[str]:
    """Read the kinds of a job's events after its creation."""
    events = (await stub.ListJobEvents(pb.ListJobEventsRequest(job_id=job.job_id))).events
    return [job_pb2.JobEventKind.Name(event.kind).removeprefix("JOB_EVENT_KIND_") for event in events][1:]


async def failures(stub: Any, job: job_pb2.Job) -> list[job_pb2.ItemFailure]:
    """Read a job's item failures."""
    response = await stub.ListItemFailures(pb.ListItemFailuresRequest(job_id=job.job_id, page_size=500))
    assert response.total_count >= len(response.item_failures)
    return list(response.item_failures)


def test_it_stands_on_the_stubs_alone() -> None:
    """It imports grpc, google, `nhanhsync.jobs` and the standard library, and a reader copies no more than 200 lines."""
    text = WORKER.read_text()
    imported = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            imported |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0
            imported.add(str(node.module))
    foreign = {name for name in imported if name.split(".")[0] not in sys.stdlib_module_names}
    assert {".".join(name.split(".")[:2]) for name in foreign} == {"grpc", "google.protobuf", "nhanhsync.jobs"}
    assert len(text.splitlines()) <= 200


async def test_its_readme_is_true(tracker: str, stub: Any) -> None:
    """Every command runs as written; one job ends with a failed item on record, the other is cancelled."""
    commands = "".join(re.findall(r"^```sh\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)).splitlines()
    run, *calls = [shlex.split(line.replace("127.0.0.1:50051", tracker)) for line in commands]
    assert run[:2] == ["python", str(WORKER.relative_to(ROOT))]
    job_id, answers = "", []
    async with process(str(ROOT / run[1]), *run[2:]) as (_, line):
        assert line == "waiting for jobs\n", line
        for call in calls:
            assert call[0] == "grpcurl"
            words = [str(Path(sys.executable).with_name("grpcurl")), *(w.replace("JOB_ID", job_id) for w in call[1:])]
            done = await asyncio.to_thread(
                subprocess.run, words, capture_output=True, text=True, timeout=30, check=False
            )
            assert done.returncode == 0, done.stderr
            answers.append(done.stdout)
            if call[-1].endswith("/CreateJob"):
                job_id = json.loads(done.stdout)["job"]["job_id"]
    _, watched, failed, _, _, cancelled = answers
    assert '"state": "JOB_STATE_PARTIALLY_COMPLETED"' in watched
    assert '"mean_price": "150000"' in watched
    assert [item["item_key"] for item in json.loads(failed)["item_failures"]] == ["QU-1"]
    assert '"state": "JOB_STATE_CANCELLED"' in cancelled


async def test_a_job_is_done_with_its_result_and_its_failed_items(tracker: str, stub: Any) -> None:
    """PARTIALLY_COMPLETED with the mean of what could be read, and one record for each item that could not."""
    prices = {"AO-1": "199000", "QU-2": "n/a", "QU-3": "199.000", "QU-4": 5, "AO-5": "100001"}
    async with worker(tracker, "--once") as started:
        types = (await stub.ListJobTypes(pb.ListJobTypesRequest())).job_types
        assert [(one.type, one.display_name) for one in types] == [(TYPE, "Price Report")]
        job = await until(stub, await create(stub, {"prices": prices, "seconds_per_price": 0}), final)
        assert await asyncio.wait_for(started.wait(), 30) == 0
    assert (job.state, job.display_name) == (job_pb2.JOB_STATE_PARTIALLY_COMPLETED, "Price Report")
    assert MessageToDict(job.result) == {"mean_price": "149500"}
    counts = job.progress
    assert (counts.total, counts.processed, counts.successful, counts.failed) == (5, 5, 2, 3)
    found = [(item.item_key, item.code, item.origin) for item in await failures(stub, job)]
    assert found == [(f"QU-{n}", "NOT_A_PRICE", job_pb2.ITEM_FAILURE_ORIGIN_WORKER) for n in (2, 3, 4)]


async def test_more_failures_than_a_report_holds_are_all_told(tracker: str, stub: Any) -> None:
    """Each of them is on record, and a job of nothing but failures is FAILED without a result."""
    async with worker(tracker, "--once"):
        prices = {f"SKU-{n}": "x" for n in range(1201)}
        job = await until(stub, await create(stub, {"prices": prices, "seconds_per_price": 0}), final)
    assert (job.state, job.item_failure_count) == (job_pb2.JOB_STATE_FAILED, 1201)
    assert (job.error.code, MessageToDict(job.result)) == ("ALL_ITEMS_FAILED", {})


@pytest.mark.parametrize("params", [{}, {"prices": ["1"]}, {"prices": {"": "1"}}, FOR_EVER | {"seconds_per_price": -1}])
async def test_params_that_say_nothing_are_refused(tracker: str, stub: Any, params: dict[str, Any]) -> None:
    """The job is FAILED at once, since no repeat can help."""
    async with worker(tracker, "--once"):
        job = await until(stub, await create(stub, params), final)
    assert (job.state, job.error.code) == (job_pb2.JOB_STATE_FAILED, "PARAMS_INVALID")
    assert job.attempts_used == 1


async def test_a_cancel_comes_by_the_stream_and_the_worker_goes_on(tracker: str, stub: Any) -> None:
    """CANCELLED long before a report could have told it; the next job is done."""
    async with worker(tracker):
        job = await until(stub, await create(stub, FOR_EVER), under_way)
        async with asyncio.timeout(LONG_LEASE / 10):
            await stub.CancelJob(pb.CancelJobRequest(job_id=job.job_id))
            job = await until(stub, job, final)
        assert (job.state, job.state_message) == (job_pb2.JOB_STATE_CANCELLED, "cancelled as asked")
        assert await kinds(stub, job) == ["CLAIMED", "CANCEL_REQUESTED", "RELEASED", "ENDED"]
        following = await until(stub, await create(stub, {"prices": {"AO-1": "5"}}), final)
        assert following.state == job_pb2.JOB_STATE_COMPLETED


async def test_without_the_stream_a_reports_answer_brings_the_cancel(tracker: str, stub: Any) -> None:
    """The backstop: the next renewal of the lease is answered with it."""
    server = grpc.aio.server()
    async with grpc.aio.insecure_channel(tracker) as channel:
        server.add_generic_rpc_handlers((Cut(channel),))
        address = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
        await server.start()
        try:
            async with worker(address, lease=SHORT_LEASE):
                job = await until(stub, await create(stub, FOR_EVER), under_way)
                await stub.CancelJob(pb.CancelJobRequest(job_id=job.job_id))
                job = await until(stub, job, final)
        finally:
            await server.stop(None)
    assert (job.state, job.state_message) == (job_pb2.JOB_STATE_CANCELLED, "cancelled as asked")


async def test_the_lease_is_renewed_while_nothing_changes(tracker: str, stub: Any) -> None:
    """A price that takes longer than the lease is found in the first attempt."""
    async with worker(tracker, lease=SHORT_LEASE):
        slow = {"prices": {"AO-1": "5"}, "seconds_per_price": SHORT_LEASE + 1}
        job = await until(stub, await create(stub, slow), final)
    assert (job.state, job.attempt) == (job_pb2.JOB_STATE_COMPLETED, 1)
    assert await kinds(stub, job) == ["CLAIMED", "ENDED"]


async def test_a_lost_lease_ends_the_work(tracker: str, stub: Any) -> None:
    """A worker that was suspended finds its job with another, says nothing of it, and goes on to the next."""
    async with worker(tracker, lease=SHORT_LEASE) as started:
        job = await until(stub, await create(stub, FOR_EVER), under_way)
        started.send_signal(signal.SIGSTOP)
        await until(stub, job, lambda now: now.state == job_pb2.JOB_STATE_PENDING)
        claim = pb.ClaimJobsRequest(request_id="c", worker_id="other", types=[TYPE], lease_ttl=Duration(seconds=300))
        (claimed,) = (await stub.ClaimJobs(claim)).claimed_jobs
        started.send_signal(signal.SIGCONT)
        assert started.stdout is not None
        said = await asyncio.wait_for(started.stdout.readline(), 30)
        assert said.decode() == f"{job.job_id}: the lease was lost\n"
        done = await until(stub, await create(stub, {"prices": {"AO-1": "5"}}), final)
        assert done.state == job_pb2.JOB_STATE_COMPLETED
    job = (await stub.GetJob(pb.GetJobRequest(job_id=job.job_id))).job
    assert (job.state, job.worker_id, job.revision) == (
        job_pb2.JOB_STATE_RUNNING,
        "other",
        claimed.job.revision,
    )


async def test_a_worker_that_is_stopped_gives_its_job_back(tracker: str, stub: Any) -> None:
    """SIGTERM ends it with 0; the job is PENDING again and no attempt is used up."""
    async with worker(tracker) as started:
        job = await until(stub, await create(stub, FOR_EVER), under_way)
        started.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(started.wait(), 30) == 0
    job = (await stub.GetJob(pb.GetJobRequest(job_id=job.job_id))).job
    assert (job.state, job.attempts_used) == (job_pb2.JOB_STATE_PENDING, 0)
    assert await kinds(stub, job) == ["CLAIMED", "RELEASED"]


@asynccontextmanager
async def directed(params: dict[str, Any]) -> AsyncIterator[tuple[DirectingTracker, Process]]:
    """The example beside a JobTracker that has one job for it, and says what the test wants."""
    job = job_pb2.Job(job_id="job-1", type=TYPE)
    ParseDict(params, job.params)
    tracker = DirectingTracker(job)
    async with serving(tracker) as address, worker(address) as started, asyncio.timeout(60):
        await tracker.until_reported()
        yield tracker, started


@pytest.mark.parametrize("by_stream", [True, False])
async def test_a_paused_job_goes_back_and_is_done_once_it_is_resumed(by_stream: bool) -> None:
    """At once, with the reason; whether the stream brings the word or a report's answer."""
    async with directed({"prices": {"AO-1": "5"}, "seconds_per_price": 3600}) as (tracker, started):
        if by_stream:
            tracker.tell(job_pb2.DIRECTIVE_PAUSE, tracker.fence)
        else:
            tracker.answer = job_pb2.DIRECTIVE_PAUSE
        released = await tracker.until_ended()
        assert (type(released), released.reason) == (pb.ReleaseJobRequest, "paused")
        assert released.lease_token == f"token-{tracker.fence}"
        assert not released.HasField("checkpoint")
        assert started.stdout is not None
        assert (await started.stdout.readline()).decode() == "job-1: JOB_STATE_PENDING\n"
        tracker.answer = job_pb2.DIRECTIVE_CONTINUE
        tracker.job.params["seconds_per_price"] = 0
        tracker.free.set()
        assert type(await tracker.until_ended(2)) is pb.CompleteJobRequest


@pytest.mark.parametrize(
    ("directive", "back"),
    [
        (job_pb2.DIRECTIVE_DRAIN, 0),
        (job_pb2.DIRECTIVE_CONTINUE, 0),
        (job_pb2.DIRECTIVE_PAUSE, 1),
        (job_pb2.DIRECTIVE_CANCEL, 1),
        (job_pb2.DIRECTIVE_LEASE_LOST, 1),
    ],
)
async def test_what_does_not_concern_the_work_lets_it_go_on(directive: job_pb2.Directive.ValueType, back: int) -> None:
    """A type that is drained, and whatever was meant for an earlier lease on the job."""
    async with directed({"prices": {"AO-1": "5"}, "seconds_per_price": 3600}) as (tracker, _):
        tracker.tell(directive, tracker.fence - back)
        if not back:
            tracker.answer = directive
        await tracker.until_reported(3)
        assert tracker.ended == []
        tracker.answer = job_pb2.DIRECTIVE_CANCEL
        assert (await tracker.until_ended()).reason == "cancelled as asked"
