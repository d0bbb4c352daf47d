"""What the README says is so: its lines run, and its table of settings is the code's."""

import asyncio
import json
import re
import shlex
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from job_tracker.__main__ import TrackerSettings
from pydantic_core import PydanticUndefined
from pydantic_settings import BaseSettings
from sync_worker.__main__ import WorkerSettings

from tests.fakes.whole_stack import whole_stack

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text()


def lines_of(program: str) -> list[str]:
    """Find the lines in the README's blocks of shell that run a program."""
    blocks = re.findall(r"^```sh\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
    return [line for block in blocks for line in block.splitlines() if line.startswith(f"{program} ")]


@dataclass(frozen=True)
class Reader:
    """Somebody who types the README's lines, against services on other ports than the usual ones."""

    job_tracker: str
    sync_worker: str

    def here(self, text: str) -> str:
        """Put the real addresses into a line."""
        return text.replace("127.0.0.1:50051", self.job_tracker).replace("127.0.0.1:50052", self.sync_worker)

    async def types(self, line: str) -> str:
        """Run a line, which must succeed: what it prints."""
        words = shlex.split(self.here(line))
        words[0] = str(Path(sys.executable).with_name(words[0]))
        if words[0].endswith("nhanhsync"):
            words[1:1] = ["--job-tracker", self.job_tracker, "--sync-worker", self.sync_worker]
        return await self.runs(words)

    async def runs(self, words: list[str]) -> str:
        """Run a program, which must succeed: what it prints."""
        run = await asyncio.to_thread(
            subprocess.run, words, capture_output=True, text=True, timeout=60, check=False, encoding="utf-8"
        )
        assert run.returncode == 0, (words, run.stdout, run.stderr)
        return run.stdout


@pytest.fixture
async def reader(tmp_path: Path) -> AsyncIterator[Reader]:
    """Both services as processes, and a sandbox with the store that the README names."""
    async with whole_stack(tmp_path, products=30, customers=120) as stack:
        await stack.tracker()
        worker = await stack.worker()
        yield Reader(stack.tracker_address, str(worker.ready["address"]))


async def test_every_grpcurl_line_runs(reader: Reader) -> None:
    """By reflection alone a pull is started and watched to its end; a job is created, cancelled and counted."""
    lines = lines_of("grpcurl")
    assert len(lines) == 10
    job_id = "JOB_ID"
    answers = []
    for line in lines:
        answers.append(await reader.types(line.replace("JOB_ID", job_id)))
        if "my-first" in line:
            job_id = json.loads(answers[-1])["job"]["job_id"]
    tracker, worker, described, _, watched, _, cancelled, events, stats, health = answers
    assert "nhanhsync.jobs.v1.JobTracker" in tracker
    assert "nhanhsync.sync.v1.SyncWorker" in worker
    assert "rpc WatchJob" in described
    updates = [json.loads(each) for each in re.split(r"(?<=^})\n", watched, flags=re.MULTILINE) if each.strip()]
    assert updates[-1]["job"]["state"] == "JOB_STATE_COMPLETED"
    assert int(updates[-1]["job"]["progress"]["processed"]) > 0
    assert json.loads(cancelled)["job"]["state"] == "JOB_STATE_CANCELLED"
    assert [event["kind"] for event in json.loads(events)["events"]][-1] == "JOB_EVENT_KIND_ENDED"
    assert {count["count"] for count in json.loads(stats)["counts"]} == {"1"}
    assert json.loads(health)["status"] == "SERVING"


async def test_every_line_of_the_command_runs(reader: Reader) -> None:
    """Each ends with 0, the watched jobs COMPLETED."""
    lines = lines_of("nhanhsync")
    assert len(lines) == 11
    said = [await reader.types(line) for line in lines]
    for line, printed in zip(lines, said, strict=True):
        assert printed.strip(), line
        assert ("--watch" in line) == ("COMPLETED in" in printed), (line, printed)
    assert "4/11 operations completed" in said[-1]


async def test_the_python_example_runs(reader: Reader) -> None:
    """It starts a pull and prints its progress to the end."""
    (program,) = re.findall(r"^```python\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
    printed = await reader.runs([sys.executable, "-c", reader.here(program)])
    assert "rows: " in printed.splitlines()[-1]


@pytest.mark.parametrize(("prefix", "settings"), [("JOB_TRACKER", TrackerSettings), ("SYNC_WORKER", WorkerSettings)])
def test_the_table_of_settings_is_the_codes(prefix: str, settings: type[BaseSettings]) -> None:
    """Every setting stands in the README with its default and what it does."""
    rows = dict(re.findall(rf"^\| `({prefix}_\w+)` \| (.*?) \|", README, re.MULTILINE))
    expected = {}
    for name, field in settings.model_fields.items():
        default = str(field.default).lower() if isinstance(field.default, bool) else str(field.default)
        if field.default is PydanticUndefined:
            expected[f"{prefix}_{name.upper()}"] = "required"
        else:
            expected[f"{prefix}_{name.upper()}"] = f"`{default}`" if default else "empty"
        assert str(field.description) in README
    assert rows == expected
