"""No token is ever shown: not in a log at any level, not in a metric, not in a refusal."""

import asyncio
import json
import socket
import sys
from asyncio.subprocess import PIPE
from pathlib import Path
from typing import Any

import grpc
from nhanhsync.jobs.v1 import job_tracker_service_pb2 as pb
from nhanhsync.jobs.v1.job_tracker_service_pb2_grpc import JobTrackerStub
from nhanhsync.sync.v1 import operations_pb2
from nhanhsync.sync.v1.sync_worker_service_pb2_grpc import SyncWorkerStub

from tests.contract.security.conftest import NOWHERE, SECRETS, STORE
from tests.fakes.callers import ADMIN, DANANG, HANOI, FakeCaller, write_tokens

CLERK = FakeCaller("clerk", ("viewer",), (DANANG,))
STRANGER = FakeCaller("stranger", ("operator",))


async def process(service: str, **settings: str) -> tuple[asyncio.subprocess.Process, str]:
    """Start a service with the noisiest log: the process and its address."""
    environment = {f"{service.upper()}_{name}": value for name, value in settings.items()} | SECRETS
    started = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", service),
        stdout=PIPE,
        stderr=PIPE,
        env={**environment, "PYTHONPATH": ":".join(sys.path), "GRPC_VERBOSITY": "info"},
    )
    assert started.stdout is not None
    line = await asyncio.wait_for(started.stdout.readline(), 30)
    return started, str(json.loads(line)["address"])


def free_address() -> str:
    """An address that nobody listens on now."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return f"127.0.0.1:{taken.getsockname()[1]}"


async def scraped(address: str) -> str:
    """What Prometheus would read."""
    host, _, port = address.rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(b"GET /metrics HTTP/1.0\r\n\r\n")
    text = (await reader.read()).decode()
    writer.close()
    await writer.wait_closed()
    return text


async def said_to(call: Any) -> str:
    """Everything that a refusal says, decoded details included; empty for an answer."""
    try:
        await call
    except grpc.aio.AioRpcError as error:
        trailing = b" ".join(
            value if isinstance(value, bytes) else value.encode() for _, value in error.trailing_metadata()
        )
        return f"{error.debug_error_string()} {error.details()} {trailing.decode('latin-1')}"
    return ""


async def test_no_token_is_shown_anywhere(tmp_path: Path) -> None:
    """Right, wrong, foreign and withdrawn tokens are used on both services, and none stands in what came out."""
    tokens = write_tokens(tmp_path / "tokens.toml", ADMIN, CLERK)
    (tmp_path / "stores.toml").write_text("".join(STORE.format(store, NOWHERE) for store in (HANOI, DANANG)))
    (tmp_path / "own-token").write_text(ADMIN.token)
    metrics = [free_address(), free_address()]
    common = {"LISTEN": "127.0.0.1:0", "TOKENS_FILE": str(tokens), "LOG_LEVEL": "debug"}
    tracker, tracker_address = await process(
        "job_tracker",
        DATABASE_URL=f"sqlite:///{tmp_path / 'jobs.db'}",
        METRICS_LISTEN=metrics[0],
        **common,
    )
    worker, worker_address = await process(
        "sync_worker",
        DATABASE_URL=f"sqlite:///{tmp_path / 'catalog.db'}",
        METRICS_LISTEN=metrics[1],
        JOB_TRACKER=tracker_address,
        JOB_TRACKER_TOKEN_FILE=str(tmp_path / "own-token"),
        STORES=str(tmp_path / "stores.toml"),
        **common,
    )
    shown = []
    async with grpc.aio.insecure_channel(tracker_address) as one, grpc.aio.insecure_channel(worker_address) as two:
        options = operations_pb2.StartOptions(store_id=HANOI)
        for caller in (ADMIN, CLERK, STRANGER):
            calls = (
                JobTrackerStub(one).ListJobs(pb.ListJobsRequest(), metadata=caller.metadata),
                JobTrackerStub(one).GetJob(pb.GetJobRequest(job_id="none"), metadata=caller.metadata),
                SyncWorkerStub(two).PullNhanhProducts(
                    operations_pb2.PullNhanhProductsRequest(options=options), metadata=caller.metadata
                ),
            )
            shown += [await said_to(call) for call in calls]
        # A token where its hash should be is the likeliest slip of all; SyncWorker's own goes astray as well.
        tokens.write_text(f'{CLERK.row}\n[[tokens]]\nname = "slip"\nsha256 = "{STRANGER.token}"\nroles = ["viewer"]\n')
        (tmp_path / "own-token").write_text(f"{STRANGER.token} {STRANGER.token}")
        await asyncio.sleep(1.5)  # longer than the files are looked at; what is said then is looked for below
        shown.append(await said_to(JobTrackerStub(one).ListJobs(pb.ListJobsRequest(), metadata=CLERK.metadata)))
        shown += [await scraped(address) for address in metrics]
    logs = []
    for service in (worker, tracker):
        service.terminate()
        logs.append((await service.communicate())[1].decode())
    assert sum(bool(text) for text in shown) >= 6  # refusals and metrics were looked at
    assert "the tokens file cannot be used" in logs[1]
    assert '"call refused"' in logs[1]
    hidden = [caller.token for caller in (ADMIN, CLERK, STRANGER)] + list(SECRETS.values())
    for text in [*shown, *logs]:
        assert [token for token in hidden if token in text] == []
