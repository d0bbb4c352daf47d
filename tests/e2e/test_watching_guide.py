"""What docs/watching.md says is so: its lines and its program run."""

import asyncio
import json
import re
import shlex
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from nhanhsync.client import connect
from nhanhsync.jobs.v1 import job_tracker_service_pb2 as pb
from stack.processes import ServiceProcess

GUIDE = (Path(__file__).resolve().parents[2] / "docs" / "watching.md").read_text()
USUAL_ADDRESS = "127.0.0.1:50051"
DEADLINE_EXCEEDED = 64 + 4
"""How grpcurl tells of a gRPC code."""


class Reader:
    """Somebody who types the guide's lines, against a JobTracker on another port than the usual one."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.address = "127.0.0.1:0"
        self.job_id = "JOB_ID"
        self.process: ServiceProcess | None = None

    async def start_jobtracker(self) -> ServiceProcess:
        """Run JobTracker, the second time at the same address."""
        environment = {
            "JOB_TRACKER_LISTEN": self.address,
            "JOB_TRACKER_DATABASE_URL": f"sqlite:///{self._folder / 'jobs.db'}",
        }
        log = self._folder / "log"
        self.process = await ServiceProcess.start("job_tracker", ["job_tracker"], log=log, environment=environment)
        self.address = str(self.process.ready["address"])
        return self.process

    def here(self, text: str) -> str:
        """Put the real address and job into a text."""
        return text.replace(USUAL_ADDRESS, self.address).replace("JOB_ID", self.job_id)

    async def types(self, method: str) -> Process:
        """Run the guide's line for a method."""
        (line,) = re.findall(rf"^grpcurl .*/{method}$", GUIDE, re.MULTILINE)
        words = shlex.split(self.here(line))
        words[0] = str(Path(sys.executable).with_name("grpcurl"))
        return await asyncio.create_subprocess_exec(*words, stdout=PIPE, stderr=PIPE)

    async def reads(self, process: Process) -> tuple[int, list[dict[str, Any]]]:
        """Wait for a line's end: its exit status, and the messages that it printed."""
        out, _ = await asyncio.wait_for(process.communicate(), 30)
        printed = re.split(r"(?<=^})\n", out.decode(), flags=re.MULTILINE)
        assert process.returncode is not None
        return process.returncode, [json.loads(one) for one in printed if one.strip()]

    async def creates(self) -> None:
        """Type the first line, and take the job from its answer."""
        status, (answer,) = await self.reads(await self.types("CreateJob"))
        assert status == 0
        self.job_id = answer["job"]["job_id"] if "job_id" in answer["job"] else answer["job"]["jobId"]


@pytest.fixture
async def reader(tmp_path: Path) -> AsyncIterator[Reader]:
    """A reader beside a running JobTracker."""
    made = Reader(tmp_path)
    await made.start_jobtracker()
    await made.creates()
    yield made
    assert made.process is not None
    await made.process.stop()


async def test_a_job_is_watched_to_its_end_with_grpcurl(reader: Reader) -> None:
    """The watch goes on until the other terminal's line ends the job, and its last message says so."""
    watching = await reader.types("WatchJob")
    status, _ = await reader.reads(await reader.types("CancelJob"))
    assert status == 0
    status, messages = await reader.reads(watching)
    assert status == 0
    assert messages[-1]["job"]["state"] == "JOB_STATE_CANCELLED"
    kinds = [event["kind"] for message in messages for event in message["events"]]
    assert kinds == ["JOB_EVENT_KIND_CREATED", "JOB_EVENT_KIND_CANCEL_REQUESTED", "JOB_EVENT_KIND_ENDED"]


async def test_many_jobs_are_watched_with_grpcurl(reader: Reader) -> None:
    """The active job comes first, then the end of the snapshot with a token, and the deadline ends the stream."""
    status, messages = await reader.reads(await reader.types("WatchJobs"))
    assert status == DEADLINE_EXCEEDED
    assert messages[0]["job"]["type"] == "COUNT_BOXES"
    token = [key for key in messages[1] if key in {"resume_token", "resumeToken"}]
    assert len(token) == 1
    assert len(messages) == 2


async def test_the_python_program_survives_a_crash_of_jobtracker(reader: Reader) -> None:
    """With the stubs alone it resumes after a kill -9, prints each event once and in order, and ends with the job."""
    (program,) = re.findall(r"^```python\n(.*?)^```", GUIDE, re.MULTILINE | re.DOTALL)
    running = await asyncio.create_subprocess_exec(sys.executable, "-c", reader.here(program), stdout=PIPE, stderr=PIPE)
    assert running.stdout is not None
    first = await asyncio.wait_for(running.stdout.readline(), 30)
    assert reader.process is not None
    reader.process.kill()
    await reader.process.wait()
    await reader.start_jobtracker()
    async with connect(job_tracker=reader.address) as client:
        request = pb.ClaimJobsRequest(request_id="claim", worker_id="w", types=["COUNT_BOXES"])
        (claimed,) = (await client.jobs.ClaimJobs(request)).claimed_jobs
        holding = {"job_id": reader.job_id, "lease_token": claimed.lease.lease_token}
        progress = pb.ProgressReport(processed=7, successful=7)
        await client.jobs.CompleteJob(pb.CompleteJobRequest(**holding, progress=progress))
    rest, errors = await asyncio.wait_for(running.communicate(), 60)
    assert running.returncode == 0, errors
    lines = [line.strip() for line in (first + rest).decode().splitlines()]
    events = [line.split()[1] for line in lines if not line.startswith("processed:")]
    assert events == ["JOB_EVENT_KIND_CREATED", "JOB_EVENT_KIND_CLAIMED", "JOB_EVENT_KIND_ENDED"]
    assert lines[-1] == "processed: 7"
