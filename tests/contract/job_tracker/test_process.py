"""JobTracker as a process: its ready line, its refusals to start, its stop, and what a restart keeps."""

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
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from nhanhsync.jobs.v1 import job_pb2
from nhanhsync.jobs.v1 import job_tracker_service_pb2 as pb
from nhanhsync.jobs.v1.job_tracker_service_pb2_grpc import JobTrackerStub

from tests.contract.job_tracker.conftest import TYPE, held, refusal

ROOT = Path(__file__).resolve().parents[3]
SERVICE = "nhanhsync.jobs.v1.JobTracker"


@dataclass
class Running:
    """A JobTracker process that is ready."""

    process: Process
    ready: dict[str, str]
    channel: grpc.aio.Channel

    @property
    def stub(self) -> Any:
        """A client of it."""
        return JobTrackerStub(self.channel)


async def launch(folder: Path, *arguments: str, **settings: str) -> Process:
    """Start a JobTracker."""
    usual = {"JOB_TRACKER_LISTEN": "127.0.0.1:0", "JOB_TRACKER_DATABASE_URL": f"sqlite:///{folder / 'jobs.db'}"}
    path = os.pathsep.join(str(ROOT / part) for part in ("services", "clients"))
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1", **usual, **settings}
    return await asyncio.create_subprocess_exec(
        sys.executable, "-W", "error", "-m", "job_tracker", *arguments, stdout=PIPE, stderr=PIPE, env=environment
    )


@asynccontextmanager
async def started(folder: Path, **settings: str) -> AsyncIterator[Running]:
    """Run a JobTracker until the context ends, then kill it if it still lives."""
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
    """Start a JobTracker that must not start: its exit status and what it said."""
    process = await launch(folder, **settings)
    out, err = await asyncio.wait_for(process.communicate(), 30)
    assert out == b""
    assert process.returncode is not None
    return process.returncode, err.decode().splitlines()


async def test_it_says_where_it_listens_and_stops_in_order(tmp_path: Path) -> None:
    """One line on standard output says that it is ready; SIGTERM ends streams with UNAVAILABLE and the process with 0."""
    async with started(tmp_path) as running:
        assert running.ready["service"] == "job-tracker"
        watch = running.stub.WatchDirectives(pb.WatchDirectivesRequest(worker_id="w"))
        await watch.read()
        running.process.send_signal(signal.SIGTERM)
        assert (await refusal(watch.read())).reason == "UNAVAILABLE"
        assert await asyncio.wait_for(running.process.wait(), 30) == 0


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
        status, said = await refused_to_start(tmp_path, JOB_TRACKER_LISTEN=address)
    assert (status, said) == (1, [f"cannot listen on {address}: Address already in use"])


async def test_a_second_process_on_one_database_is_refused(tmp_path: Path) -> None:
    """Two JobTrackers on one SQLite file would not hear of each other's changes."""
    async with started(tmp_path):
        status, said = await refused_to_start(tmp_path)
    path = tmp_path / "jobs.db"
    assert (status, said) == (1, [f"another process has the database {path}; stop it, or give this one its own"])


async def test_all_bad_settings_are_named_at_once(tmp_path: Path) -> None:
    """A settings file is corrected once, not once a fault; each sentence names its variable."""
    status, said = await refused_to_start(
        tmp_path,
        JOB_TRACKER_LISTEN="0.0.0.0:50051",
        JOB_TRACKER_DATABASE_URL="mysql://somewhere/jobs",
        JOB_TRACKER_METRICS_LISTEN="nowhere",
        JOB_TRACKER_CANCEL_GRACE_SECONDS="soon",
        JOB_TRACKER_LOG_LEVEL="loud",
        JOB_TRACKER_INSECURE="perhaps",
        JOB_TRACKER_LISTENN="typo",
        JOB_TRACKER_PORT="tcp://10.0.0.1:50051",
    )
    assert status == 2
    assert sorted(line.split(":")[0].split(" ")[0] for line in said) == [
        "JOB_TRACKER_CANCEL_GRACE_SECONDS",
        "JOB_TRACKER_DATABASE_URL",
        "JOB_TRACKER_INSECURE",
        "JOB_TRACKER_LISTEN",
        "JOB_TRACKER_LISTENN",
        "JOB_TRACKER_LOG_LEVEL",
        "JOB_TRACKER_METRICS_LISTEN",
    ]


async def test_help_lists_every_setting(tmp_path: Path) -> None:
    """`--help` names each variable and what it is without it."""
    process = await launch(tmp_path, "--help")
    out, _ = await asyncio.wait_for(process.communicate(), 30)
    assert process.returncode == 0
    for name in ("LISTEN", "DATABASE_URL", "METRICS_LISTEN", "CANCEL_GRACE_SECONDS", "LOG_LEVEL", "INSECURE"):
        assert f"JOB_TRACKER_{name} " in out.decode()


async def test_metrics_are_served_when_asked_for(tmp_path: Path) -> None:
    """Calls are counted by method and code, for Prometheus; a busy metrics port is one sentence."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = free.getsockname()
        listen = f"127.0.0.1:{address[1]}"
        status, said = await refused_to_start(tmp_path, JOB_TRACKER_METRICS_LISTEN=listen)
        assert (status, said) == (1, [f"cannot serve metrics on {listen}: Address already in use"])
    async with started(tmp_path, JOB_TRACKER_METRICS_LISTEN=listen) as running:
        await running.stub.CreateJob(pb.CreateJobRequest(type=TYPE))
        reader, writer = await asyncio.open_connection(*address)
        writer.write(b"GET /metrics HTTP/1.0\r\n\r\n")
        text = (await reader.read()).decode()
        writer.close()
        await writer.wait_closed()
    assert f'grpc_server_handled_total{{code="OK",method="/{SERVICE}/CreateJob"}} 1.0' in text


async def test_a_crash_loses_nothing_that_was_answered(tmp_path: Path) -> None:
    """After kill -9 every answered call is there: the job, its counts, its events; the worker goes on under its lease."""
    async with started(tmp_path) as running:
        created = await running.stub.CreateJob(
            pb.CreateJobRequest(type=TYPE, request_id="r-1", claim=pb.ClaimOnCreate(worker_id="w"))
        )
        report = pb.UpdateProgressRequest(**held(created.claimed), report_sequence=1, checkpoint=b"here")
        report.progress.CopyFrom(pb.ProgressReport(total=2, processed=1, successful=1))
        answered = await running.stub.UpdateProgress(report)
        running.process.kill()
        await running.process.wait()
    async with started(tmp_path) as running:
        job = (await running.stub.GetJob(pb.GetJobRequest(job_id=created.job.job_id))).job
        assert (job.state, job.revision) == (job_pb2.JOB_STATE_RUNNING, answered.revision)
        assert job.progress.processed == 1
        report.report_sequence = 2
        report.progress.processed = report.progress.successful = 2
        assert (await running.stub.UpdateProgress(report)).applied
        done = await running.stub.CompleteJob(pb.CompleteJobRequest(**held(created.claimed)))
        assert done.job.state == job_pb2.JOB_STATE_COMPLETED
        again = await running.stub.CreateJob(
            pb.CreateJobRequest(type=TYPE, request_id="r-1", claim=pb.ClaimOnCreate(worker_id="w"))
        )
        assert (again.created, again.job.job_id) == (False, created.job.job_id)
