"""Tokens come and go without a restart."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import grpc
import pytest
import structlog
from chassis import auth
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from nhanhsync.jobs.v1 import job_tracker_service_pb2 as pb
from nhanhsync.sync.v1 import operations_pb2

from tests.contract.security.conftest import Guarded, guarded_services
from tests.fakes.callers import ADMIN, HANOI, FakeCaller, outcome_of, reason_of, write_tokens

PATIENCE_SECONDS = 10.0
VIEWER = FakeCaller("dashboard", ("viewer",))
RENEWED = FakeCaller("dashboard", ("viewer",), mark="-2")
NARROWED = FakeCaller("dashboard", ("viewer",), (HANOI,))


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files are looked at many times a second."""
    monkeypatch.setattr(auth, "LOOK_AGAIN_SECONDS", 0.05)


async def lists(guarded: Guarded, caller: FakeCaller) -> str:
    """The code of a caller's list."""
    return (await outcome_of(guarded.jobs.ListJobs(pb.ListJobsRequest(), metadata=caller.metadata)))[0]


async def until(guarded: Guarded, caller: FakeCaller, code: str) -> None:
    """Wait until a caller's list is answered with a code."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while await lists(guarded, caller) != code:  # noqa: ASYNC110 - asked of a server
            await asyncio.sleep(0.05)


async def the_end(watch: Any) -> tuple[grpc.StatusCode, str]:
    """Wait for a stream to end: its code and reason."""

    async def to_the_end() -> None:
        while await watch.read() is not grpc.aio.EOF:
            pass

    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await asyncio.wait_for(to_the_end(), PATIENCE_SECONDS)
    return reason_of(raised.value)[:2]


@pytest.mark.parametrize("call", ["WatchJob", "WatchJobs"])
async def test_a_withdrawn_token_ends_its_streams(tmp_path: Path, call: str) -> None:
    """A silent stream ends with UNAUTHENTICATED within seconds; one of a token that stays goes on."""
    async with guarded_services(tmp_path, VIEWER) as guarded:
        request = pb.WatchJobRequest(job_id=await guarded.job(HANOI)) if call == "WatchJob" else pb.WatchJobsRequest()
        withdrawn = getattr(guarded.jobs, call)(request, metadata=VIEWER.metadata)
        kept = guarded.jobs.WatchJobs(pb.WatchJobsRequest(), metadata=ADMIN.metadata)
        await withdrawn.read()
        while not (await kept.read()).snapshot_complete:
            pass
        write_tokens(guarded.tokens_file, ADMIN)
        assert await the_end(withdrawn) == (grpc.StatusCode.UNAUTHENTICATED, "UNAUTHENTICATED")
        assert await lists(guarded, VIEWER) == "UNAUTHENTICATED"
        job_id = await guarded.job(HANOI)
        assert (await kept.read()).job.job_id == job_id


async def test_a_withdrawn_token_ends_its_long_polls(tmp_path: Path) -> None:
    """A worker that waits for work when its token is withdrawn gets none."""
    worker = FakeCaller("worker", ("worker",))
    async with guarded_services(tmp_path, worker) as guarded:
        request = pb.ClaimJobsRequest(request_id="r", worker_id="w", types=["SOME_TYPE"])
        request.wait.FromSeconds(60)
        claim = guarded.jobs.ClaimJobs(request, metadata=worker.metadata)
        await lists(guarded, ADMIN)  # the claim, sent before it, waits
        write_tokens(guarded.tokens_file, ADMIN)
        async with asyncio.timeout(PATIENCE_SECONDS):
            assert (await outcome_of(claim))[0] == "UNAUTHENTICATED"


async def test_other_permissions_end_streams_so_that_they_are_asked_for_again(tmp_path: Path) -> None:
    """UNAVAILABLE is what clients resume after by themselves: the stream then shows what is allowed now."""
    async with guarded_services(tmp_path, VIEWER) as guarded:
        watch = guarded.jobs.WatchJobs(pb.WatchJobsRequest(), metadata=VIEWER.metadata)
        await watch.read()
        write_tokens(guarded.tokens_file, ADMIN, NARROWED)
        assert await the_end(watch) == (grpc.StatusCode.UNAVAILABLE, "UNAVAILABLE")


async def test_a_token_is_renewed_without_a_gap(tmp_path: Path) -> None:
    """While both stand in the file both are good, and streams of the one that stays are not disturbed."""
    async with guarded_services(tmp_path, VIEWER) as guarded:
        write_tokens(guarded.tokens_file, ADMIN, VIEWER, RENEWED)
        await until(guarded, RENEWED, "OK")
        assert await lists(guarded, VIEWER) == "OK"
        watch = guarded.jobs.WatchJobs(pb.WatchJobsRequest(), metadata=RENEWED.metadata)
        await watch.read()
        write_tokens(guarded.tokens_file, ADMIN, RENEWED)
        await until(guarded, VIEWER, "UNAUTHENTICATED")
        job_id = await guarded.job(HANOI)
        assert (await watch.read()).job.job_id == job_id


@pytest.mark.parametrize(
    "spoil",
    [
        lambda path: path.write_text("[[tokens]\n"),
        lambda path: path.write_text('[[tokens]]\nname = "x"\n'),
        lambda path: path.write_text(""),
        lambda path: path.unlink(),
    ],
    ids=["no-toml", "half-a-row", "empty", "gone"],
)
async def test_a_broken_file_withdraws_nobody(tmp_path: Path, spoil: Callable[[Path], None]) -> None:
    """The tokens before it stay in force, the log says so once, and the next good file is taken over."""
    with structlog.testing.capture_logs() as logs:
        async with guarded_services(tmp_path, VIEWER) as guarded:
            spoil(guarded.tokens_file)
            async with asyncio.timeout(PATIENCE_SECONDS):
                while sum(line["log_level"] == "error" for line in logs) < 2:  # noqa: ASYNC110 - by another task
                    await asyncio.sleep(0.05)
            assert await lists(guarded, VIEWER) == "OK"
            write_tokens(guarded.tokens_file, ADMIN, RENEWED)
            await until(guarded, RENEWED, "OK")
            assert await lists(guarded, VIEWER) == "UNAUTHENTICATED"
    told = [line["event"] for line in logs if line["log_level"] == "error"]
    assert told == ["the tokens file cannot be used; the tokens before it stay in force"] * 2  # once for each service


async def test_sync_worker_takes_its_own_new_token(tmp_path: Path) -> None:
    """The token that SyncWorker shows to JobTracker is read again, too; until then starts are UNAVAILABLE."""
    other = FakeCaller("sync-worker", ("operator", "worker"))
    async with guarded_services(tmp_path) as guarded:
        options = operations_pb2.StartOptions(store_id=HANOI)
        request = operations_pb2.PullNhanhProductsRequest(options=options)
        (tmp_path / "own-token").write_text("withdrawn")

        async def start() -> str:
            return (await outcome_of(guarded.sync.PullNhanhProducts(request, metadata=ADMIN.metadata)))[0]

        async def until_started(code: str) -> None:
            async with asyncio.timeout(PATIENCE_SECONDS):
                while await start() != code:  # noqa: ASYNC110 - asked of a server
                    await asyncio.sleep(0.05)

        await until_started("UNAVAILABLE")
        write_tokens(guarded.tokens_file, ADMIN, other)
        (tmp_path / "own-token").write_text(other.token)
        await until_started("ABORTED")  # the job of a start before the withdrawal, or of one now, stands in the way


async def test_health_is_open_and_reflection_is_for_those_with_a_token(guarded: Guarded) -> None:
    """A container's health check has no token; who explores a server has one, of whatever role."""
    for address in (guarded.tracker_address, guarded.worker_address):
        async with grpc.aio.insecure_channel(address) as channel:
            checking: Any = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest())
            assert (await checking).status == health_pb2.HealthCheckResponse.SERVING
            reflecting: Any = reflection_pb2_grpc.ServerReflectionStub(channel)
            asked = reflection_pb2.ServerReflectionRequest(list_services="")
            assert (await outcome_of(reflecting.ServerReflectionInfo(iter([asked]))))[0] == "UNAUTHENTICATED"
            known = reflecting.ServerReflectionInfo(iter([asked]), metadata=ADMIN.metadata)
            assert (await known.read()).list_services_response.service
