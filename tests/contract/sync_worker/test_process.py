"""SyncWorker as a process: its ready line, its refusals to start, its stop, and its life without JobTracker."""

import asyncio
import json
import os
import signal
import socket
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from job_tracker.__main__ import running as running_tracker
from nhanhsync.jobs.v1 import job_pb2
from nhanhsync.jobs.v1 import job_tracker_service_pb2 as jobs_pb
from nhanhsync.jobs.v1.job_tracker_service_pb2_grpc import JobTrackerStub
from nhanhsync.sync.v1 import operations_pb2
from nhanhsync.sync.v1 import sync_worker_service_pb2 as pb
from nhanhsync.sync.v1.sync_worker_service_pb2_grpc import SyncWorkerStub

from tests.contract.job_tracker.conftest import refusal
from tests.contract.sync_worker.conftest import SERVICE, tracker_settings

ROOT = Path(__file__).resolve().parents[3]
STORES = """
[[stores]]
store_id = "hanoi"
name = "Shop hanoi"
[stores.nhanh]
base_url = "http://127.0.0.1:9/nhanh"
app_id = 101
business_id = 1001
access_token_env = "HANOI_NHANH_TOKEN"
quota_calls = 145
quota_window_seconds = 30
[stores.shopify]
base_url = "http://127.0.0.1:9/shopify/hanoi"
shop = "hanoi"
api_version = "2026-07"
access_token_env = "HANOI_SHOPIFY_TOKEN"
[[stores.locations]]
depot_id = 7
location_id = "gid://shopify/Location/70"
"""
SECRETS = {"HANOI_NHANH_TOKEN": "nhanh-secret", "HANOI_SHOPIFY_TOKEN": "shopify-secret"}
SETTINGS = (
    "CALLS_PER_SECOND",
    "CONCURRENCY",
    "DATABASE_URL",
    "DRAIN_SECONDS",
    "INSECURE",
    "JOB_TRACKER",
    "JOB_TRACKER_CA",
    "JOB_TRACKER_CERTIFICATE",
    "JOB_TRACKER_KEY",
    "JOB_TRACKER_TOKEN_FILE",
    "LEASE_SECONDS",
    "LISTEN",
    "LOG_LEVEL",
    "METRICS_LISTEN",
    "OUTAGE_SECONDS",
    "RUNNER",
    "STORES",
    "STREAMS_PER_CALLER",
    "TLS_CERTIFICATE",
    "TLS_CLIENT_CA",
    "TLS_KEY",
    "TOKENS_FILE",
)


@dataclass
class Running:
    """A SyncWorker process that is ready."""

    process: Process
    ready: dict[str, str]
    channel: grpc.aio.Channel

    @property
    def stub(self) -> Any:
        """A client of it."""
        return SyncWorkerStub(self.channel)

    async def stop(self) -> tuple[int, str]:
        """Ask it to stop; its exit status and its log."""
        self.process.send_signal(signal.SIGTERM)
        _, err = await asyncio.wait_for(self.process.communicate(), 30)
        assert self.process.returncode is not None
        return self.process.returncode, err.decode()


def nowhere() -> str:
    """An address at which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return f"127.0.0.1:{taken.getsockname()[1]}"


async def launch(folder: Path, *arguments: str, **settings: str) -> Process:
    """Start a SyncWorker."""
    stores = folder / "stores.toml"
    stores.write_text(STORES)
    usual = {
        "SYNC_WORKER_LISTEN": "127.0.0.1:0",
        "SYNC_WORKER_DATABASE_URL": f"sqlite:///{folder / 'catalog.db'}",
        "SYNC_WORKER_JOB_TRACKER": nowhere(),
        "SYNC_WORKER_STORES": str(stores),
    }
    path = os.pathsep.join(str(ROOT / part) for part in ("services", "clients"))
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1", **usual, **SECRETS}
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-W", "error", "-m", "sync_worker", *arguments),
        stdout=PIPE,
        stderr=PIPE,
        env=environment | settings,
    )


@asynccontextmanager
async def started(folder: Path, **settings: str) -> AsyncIterator[Running]:
    """Run a SyncWorker until the context ends, then kill it if it still lives."""
    process = await launch(folder, **settings)
    assert process.stdout is not None
    line = await asyncio.wait_for(process.stdout.readline(), 30)
    if not line:
        raise AssertionError((await process.communicate())[1].decode())
    ready = json.loads(line)
    async with grpc.aio.insecure_channel(ready["address"]) as channel:
        try:
            yield Running(process, ready, channel)
        finally:
            if process.returncode is None:
                process.kill()
                await process.communicate()


async def refused_to_start(folder: Path, **settings: str) -> tuple[int, list[str]]:
    """Start a SyncWorker that must not start: its exit status and what it said."""
    process = await launch(folder, **settings)
    out, err = await asyncio.wait_for(process.communicate(), 30)
    assert out == b""
    assert process.returncode is not None
    return process.returncode, err.decode().splitlines()


async def test_it_is_ready_without_jobtracker(tmp_path: Path) -> None:
    """One line says where it listens; lists are answered, starts are refused with UNAVAILABLE, SIGTERM ends it with 0."""
    async with started(tmp_path) as running:
        assert running.ready["service"] == "sync-worker"
        (store,) = (await running.stub.ListStores(pb.ListStoresRequest())).stores
        assert (store.store_id, store.locations[0].location_id) == ("hanoi", "gid://shopify/Location/70")
        page = await running.stub.ListMappings(pb.ListMappingsRequest(store_id="hanoi"))
        assert (list(page.mappings), page.next_page_token) == ([], "")
        request = operations_pb2.AutoMatchProductsRequest(options=operations_pb2.StartOptions(store_id="hanoi"))
        assert (await refusal(running.stub.AutoMatchProducts(request))).reason == "UNAVAILABLE"
        status, log = await running.stop()
    assert status == 0
    assert "secret" not in log


async def test_it_can_be_explored_without_proto_files(tmp_path: Path) -> None:
    """Reflection lists the service, and health answers for it by name."""
    async with started(tmp_path) as running:
        reflecting = reflection_pb2_grpc.ServerReflectionStub(running.channel)
        asked = reflection_pb2.ServerReflectionRequest(list_services="")
        call: Any = reflecting.ServerReflectionInfo(iter([asked]))
        listed = (await call.read()).list_services_response.service
        assert SERVICE in {service.name for service in listed}
        health = health_pb2_grpc.HealthStub(running.channel)
        for name in ("", SERVICE):
            checking: Any = health.Check(health_pb2.HealthCheckRequest(service=name))
            assert (await checking).status == health_pb2.HealthCheckResponse.SERVING


async def test_a_busy_port_is_one_sentence(tmp_path: Path) -> None:
    """It does not share a port, nor pass over that it is taken."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        status, said = await refused_to_start(tmp_path, SYNC_WORKER_LISTEN=address, SYNC_WORKER_LOG_LEVEL="error")
    assert (status, said) == (1, [f"cannot listen on {address}: Address already in use"])


async def test_a_database_out_of_reach_is_one_sentence(tmp_path: Path) -> None:
    """It says which, and shows no password."""
    address = nowhere()
    status, said = await refused_to_start(
        tmp_path,
        SYNC_WORKER_DATABASE_URL=f"postgresql://worker:secret@{address}/catalog",
        SYNC_WORKER_LOG_LEVEL="error",
    )
    assert status == 1
    assert said[0].startswith(f"the database catalog at {address} cannot be opened: ")
    assert "secret" not in "".join(said)


async def test_all_faults_are_named_at_once(tmp_path: Path) -> None:
    """Those of the settings and those of the stores file; nothing of a secret is shown."""
    broken = tmp_path / "broken.toml"
    broken.write_text(STORES.replace("app_id = 101", 'app_id = "many"').replace("HANOI_SHOPIFY_TOKEN", "NOT_SET"))
    status, said = await refused_to_start(
        tmp_path,
        SYNC_WORKER_LISTEN="0.0.0.0:50052",
        SYNC_WORKER_DATABASE_URL="mysql://somewhere/catalog",
        SYNC_WORKER_JOB_TRACKER="somewhere",
        SYNC_WORKER_CONCURRENCY="0",
        SYNC_WORKER_LEASE_SECONDS="1",
        SYNC_WORKER_OUTAGE_SECONDS="-1",
        SYNC_WORKER_DRAIN_SECONDS="soon",
        SYNC_WORKER_METRICS_LISTEN="nowhere",
        SYNC_WORKER_LOG_LEVEL="loud",
        SYNC_WORKER_RUNNER="perhaps",
        SYNC_WORKER_INSECURE="perhaps",
        SYNC_WORKER_TOKENS_FILE=str(tmp_path / "absent"),
        SYNC_WORKER_TLS_KEY=str(tmp_path / "absent"),
        SYNC_WORKER_TLS_CLIENT_CA=str(tmp_path / "absent"),
        SYNC_WORKER_JOB_TRACKER_TOKEN_FILE=str(tmp_path / "absent"),
        SYNC_WORKER_JOB_TRACKER_CA=str(tmp_path / "absent"),
        SYNC_WORKER_JOB_TRACKER_KEY=str(tmp_path / "absent"),
        SYNC_WORKER_CALLS_PER_SECOND="-1",
        SYNC_WORKER_STREAMS_PER_CALLER="many",
        SYNC_WORKER_LISTENN="typo",
        SYNC_WORKER_STORES=str(broken),
    )
    assert status == 2
    named = {line.split(":")[0].split(" ")[0] for line in said if line.startswith("SYNC_WORKER_")}
    # A certificate is looked at with its key, whose sentence names both.
    looked_at = {name for name in SETTINGS if name != "STORES" and not name.endswith("_CERTIFICATE")}
    assert named >= {f"SYNC_WORKER_{name}" for name in looked_at} | {"SYNC_WORKER_LISTENN"}
    text = "\n".join(said)
    assert "app_id" in text
    assert "NOT_SET" in text
    assert "secret" not in text


@pytest.mark.parametrize("stores", ["", "/nowhere/stores.toml"])
async def test_a_stores_file_is_needed(tmp_path: Path, stores: str) -> None:
    """Without one there is nothing to serve."""
    status, said = await refused_to_start(tmp_path, SYNC_WORKER_STORES=stores)
    assert status == 2
    assert len(said) == 1
    assert "SYNC_WORKER_STORES" in said[0] or stores in said[0]


async def test_help_lists_every_setting(tmp_path: Path) -> None:
    """`--help` names each variable and what it is without it."""
    process = await launch(tmp_path, "--help")
    out, _ = await asyncio.wait_for(process.communicate(), 30)
    assert process.returncode == 0
    listed = [line.split()[0] for line in out.decode().splitlines() if line.startswith("  SYNC_WORKER_")]
    assert sorted(listed) == [f"SYNC_WORKER_{name}" for name in SETTINGS]


async def test_it_works_for_jobtracker(tmp_path: Path) -> None:
    """A start through its own call is claimed by its own runner, and what it registers can be listed."""
    async with (
        running_tracker(tracker_settings(tmp_path)) as tracker,
        started(tmp_path, SYNC_WORKER_JOB_TRACKER=tracker.address) as running,
        grpc.aio.insecure_channel(tracker.address) as channel,
    ):
        jobs: Any = JobTrackerStub(channel)
        request = operations_pb2.AutoMatchProductsRequest(options=operations_pb2.StartOptions(store_id="hanoi"))
        started_job = (await running.stub.AutoMatchProducts(request)).job
        job = (await jobs.WaitJob(jobs_pb.WaitJobRequest(job_id=started_job.job_id))).job
        assert job.state == job_pb2.JOB_STATE_COMPLETED, job.error
        assert (job.display_name, job.progress.processed) == ("Auto Match Products", 0)
        assert job.worker_id.startswith("sync-worker/")
        types = (await jobs.ListJobTypes(jobs_pb.ListJobTypesRequest())).job_types
        assert len(types) == 9
        status, _ = await running.stop()
        assert status == 0


async def test_a_process_may_only_answer_calls(tmp_path: Path) -> None:
    """With the runner off, jobs wait for another process."""
    async with (
        running_tracker(tracker_settings(tmp_path)) as tracker,
        started(tmp_path, SYNC_WORKER_JOB_TRACKER=tracker.address, SYNC_WORKER_RUNNER="false") as running,
        grpc.aio.insecure_channel(tracker.address) as channel,
    ):
        jobs: Any = JobTrackerStub(channel)
        request = operations_pb2.AutoMatchProductsRequest(options=operations_pb2.StartOptions(store_id="hanoi"))
        job_id = (await running.stub.AutoMatchProducts(request)).job.job_id
        claim = jobs_pb.ClaimJobsRequest(request_id="r", worker_id="another", types=["AUTO_MATCH_PRODUCTS"])
        (claimed,) = (await jobs.ClaimJobs(claim)).claimed_jobs
        assert claimed.job.job_id == job_id
