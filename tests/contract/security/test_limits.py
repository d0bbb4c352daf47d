"""What one caller may ask for, on a real server."""

import asyncio
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf import duration_pb2
from google.rpc import error_details_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_status import rpc_status
from job_tracker.__main__ import TrackerSettings, running
from nhanhsync.jobs.v1 import job_tracker_service_pb2 as pb
from nhanhsync.jobs.v1.job_tracker_service_pb2_grpc import JobTrackerStub

from tests.contract.security.conftest import guarded_services
from tests.fakes.callers import ADMIN, FakeCaller, outcome_of, reason_of

GREEDY = FakeCaller("greedy", ("viewer",))
CLERK = FakeCaller("clerk", ("viewer", "worker"))
PATIENCE_SECONDS = 30.0


def settings(folder: Path, **changed: Any) -> TrackerSettings:
    """Settings of a JobTracker without tokens."""
    return TrackerSettings(listen="127.0.0.1:0", database_url=f"sqlite:///{folder / 'jobs.db'}", **changed)


async def refused(call: Any) -> grpc.aio.AioRpcError:
    """Make a call that must be refused."""
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await (call.read() if hasattr(call, "read") else call)
    return raised.value


async def test_one_stream_too_many_is_refused_until_a_seat_is_free(tmp_path: Path) -> None:
    """The refusal says whose limit it is and when to try again; a stream that is given up gives its seat back."""
    async with guarded_services(tmp_path, GREEDY, streams_per_caller=2) as guarded:

        def watch(caller: FakeCaller) -> Any:
            return guarded.jobs.WatchJobs(pb.WatchJobsRequest(), metadata=caller.metadata)

        held = [watch(GREEDY), watch(GREEDY)]
        for stream in held:
            await stream.read()
        error = await refused(watch(GREEDY))
        assert reason_of(error) == (
            grpc.StatusCode.RESOURCE_EXHAUSTED,
            "QUOTA_EXCEEDED",
            {"caller": "greedy", "limit": "streams"},
        )
        status = rpc_status.from_call(error)
        retry = error_details_pb2.RetryInfo()
        assert status is not None
        assert any(detail.Unpack(retry) for detail in status.details)
        assert (await outcome_of(watch(ADMIN)))[0] == "OK"
        held[0].cancel()
        async with asyncio.timeout(PATIENCE_SECONDS):
            while (await outcome_of(watch(GREEDY)))[0] != "OK":  # noqa: ASYNC110 - the server hears of the cancel later
                await asyncio.sleep(0.02)


async def test_streams_that_end_badly_give_their_seats_back(tmp_path: Path) -> None:
    """A refused stream, for a fault in its request say, holds nothing."""
    async with guarded_services(tmp_path, GREEDY, streams_per_caller=1) as guarded:
        for _ in range(3):
            bad = guarded.jobs.WatchJob(pb.WatchJobRequest(), metadata=GREEDY.metadata)
            assert reason_of(await refused(bad))[1] == "INVALID_FIELD"


@pytest.mark.parametrize("poll", ["WaitJob", "ClaimJobs"])
async def test_a_long_poll_takes_a_seat_as_a_stream_does(tmp_path: Path, poll: str) -> None:
    """Of two that wait where one may, one is refused, and so is a stream beside it; who gives up gives the seat back."""
    patient = duration_pb2.Duration(seconds=60)
    async with guarded_services(tmp_path, CLERK, streams_per_caller=1) as guarded:
        requests: Any = {
            "WaitJob": pb.WaitJobRequest(job_id=await guarded.job("hanoi"), timeout=patient),
            "ClaimJobs": pb.ClaimJobsRequest(request_id="r", worker_id="w", types=["NONE"], wait=patient),
        }

        def asked() -> Any:
            return outcome_of(getattr(guarded.jobs, poll)(requests[poll], metadata=CLERK.metadata))

        def watched() -> Any:
            return outcome_of(guarded.jobs.WatchJobs(pb.WatchJobsRequest(), metadata=CLERK.metadata))

        polls = [asyncio.create_task(asked()) for _ in range(2)]
        (done,), (seated,) = await asyncio.wait(polls, timeout=PATIENCE_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        code, _, metadata = done.result()
        assert (code, metadata) == ("RESOURCE_EXHAUSTED", {"caller": "clerk", "limit": "streams"})
        assert (await watched())[0] == "RESOURCE_EXHAUSTED"
        seated.cancel()
        async with asyncio.timeout(PATIENCE_SECONDS):
            while (await watched())[0] != "OK":  # noqa: ASYNC110 - the server hears of the cancel later
                await asyncio.sleep(0.02)


async def test_health_is_watched_by_so_many_of_a_host_and_asked_by_any(tmp_path: Path) -> None:
    """Nobody needs a token for it, so the host is who is counted."""
    request = health_pb2.HealthCheckRequest()
    async with (
        guarded_services(tmp_path, streams_per_caller=1) as guarded,
        grpc.aio.insecure_channel(guarded.tracker_address) as channel,
    ):
        stub: Any = health_pb2_grpc.HealthStub(channel)
        held = stub.Watch(request)
        assert (await held.read()).status == health_pb2.HealthCheckResponse.SERVING
        error = await refused(stub.Watch(request))
        assert reason_of(error)[1:] == ("QUOTA_EXCEEDED", {"caller": "127.0.0.1", "limit": "streams"})
        for _ in range(10):
            assert (await stub.Check(request)).status == health_pb2.HealthCheckResponse.SERVING
        held.cancel()
        async with asyncio.timeout(PATIENCE_SECONDS):
            while (await outcome_of(stub.Watch(request)))[0] != "OK":  # noqa: ASYNC110 - the server hears of the cancel later
                await asyncio.sleep(0.02)


async def test_who_guesses_tokens_is_slowed_down_and_nobody_else(tmp_path: Path) -> None:
    """Refusals count for their host; calls with a token that is known do not count with them."""
    wrong = (("authorization", "Bearer guessed"),)
    async with guarded_services(tmp_path, CLERK, calls_per_second=1) as guarded:
        answers = await asyncio.gather(
            *(
                outcome_of(guarded.jobs.ListJobs(pb.ListJobsRequest(), metadata=metadata))
                for metadata in (wrong, None, wrong, None)
            )
        )
        assert {code for code, _, _ in answers} <= {"UNAUTHENTICATED", "RESOURCE_EXHAUSTED"}
        over = [metadata for code, _, metadata in answers if code == "RESOURCE_EXHAUSTED"]
        assert over
        assert all(metadata == {"caller": "127.0.0.1", "limit": "calls_per_second"} for metadata in over)
        assert (await outcome_of(guarded.jobs.ListJobs(pb.ListJobsRequest(), metadata=CLERK.metadata)))[0] == "OK"


async def test_calls_beyond_a_second_are_refused_with_the_time_to_wait(tmp_path: Path) -> None:
    """Without tokens a caller is an address; 0 is no limit."""
    async with (
        running(settings(tmp_path, calls_per_second=1)) as handle,
        grpc.aio.insecure_channel(handle.address) as channel,
    ):
        stub: Any = JobTrackerStub(channel)
        answers = await asyncio.gather(
            *(stub.ListJobTypes(pb.ListJobTypesRequest()) for _ in range(5)), return_exceptions=True
        )
        errors = [answer for answer in answers if isinstance(answer, grpc.aio.AioRpcError)]
        assert errors
        for error in errors:
            assert reason_of(error)[1:] == ("QUOTA_EXCEEDED", {"caller": "127.0.0.1", "limit": "calls_per_second"})
    async with (
        running(settings(tmp_path, calls_per_second=0)) as handle,
        grpc.aio.insecure_channel(handle.address) as channel,
    ):
        stub = JobTrackerStub(channel)
        await asyncio.gather(*(stub.ListJobTypes(pb.ListJobTypesRequest()) for _ in range(50)))


async def test_a_thousand_watchers_of_one_caller_fit_into_the_default(tmp_path: Path) -> None:
    """A dashboard's proxy may hold one stream for each of a thousand people."""
    async with (
        running(settings(tmp_path)) as handle,
        grpc.aio.insecure_channel(handle.address) as channel,
    ):
        stub: Any = JobTrackerStub(channel)
        watches = [stub.WatchDirectives(pb.WatchDirectivesRequest(worker_id=f"w-{n}")) for n in range(1_000)]
        first = await asyncio.wait_for(asyncio.gather(*(watch.read() for watch in watches)), PATIENCE_SECONDS)
        assert [answer.job_id for answer in first] == [""] * 1_000
        for watch in watches:
            watch.cancel()
