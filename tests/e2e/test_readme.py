"""What the README says is so: its grpcurl lines run, and its table of settings is the code's."""

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from job_tracker.__main__ import TrackerSettings

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text()


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    """A JobTracker process on a free port."""
    environment = {
        **os.environ,
        "JOB_TRACKER_LISTEN": "127.0.0.1:0",
        "JOB_TRACKER_DATABASE_URL": f"sqlite:///{tmp_path / 'jobs.db'}",
    }
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "job_tracker"], stdout=subprocess.PIPE, stderr=log, env=environment
        )
        assert process.stdout is not None
        with process.stdout as said:
            yield json.loads(said.readline())["address"]
            process.terminate()
            assert process.wait(15) == 0


def test_every_grpcurl_line_runs(address: str) -> None:
    """A job is created, cancelled, watched to its end and counted, by reflection alone."""
    lines = re.findall(r"^grpcurl .*$", README, re.MULTILINE)
    assert len(lines) == 8
    job_id = "JOB_ID"
    answers = []
    for line in lines:
        words = shlex.split(line.replace("127.0.0.1:50051", address).replace("JOB_ID", job_id))
        words[0] = str(Path(sys.executable).with_name("grpcurl"))
        run = subprocess.run(words, capture_output=True, text=True, timeout=30, check=False)
        assert run.returncode == 0, run.stderr
        answers.append(run.stdout)
        if line.endswith("/CreateJob"):
            job_id = json.loads(run.stdout)["job"]["job_id"]
    listed, _, _, cancelled, watched, events, stats, health = answers
    assert "nhanhsync.jobs.v1.JobTracker" in listed
    assert json.loads(cancelled)["job"]["state"] == "JOB_STATE_CANCELLED"
    assert json.loads(watched)["job"]["job_id"] == job_id
    assert [event["kind"] for event in json.loads(events)["events"]][-1] == "JOB_EVENT_KIND_ENDED"
    assert json.loads(stats)["counts"][0]["count"] == "1"
    assert json.loads(health)["status"] == "SERVING"


def test_the_table_of_settings_is_the_codes() -> None:
    """Every setting stands in the README with its default and what it does."""
    rows = dict(re.findall(r"^\| `(JOB_TRACKER_\w+)` \| (.*?) \|", README, re.MULTILINE))
    expected = {}
    for name, field in TrackerSettings.model_fields.items():
        default = str(field.default).lower() if isinstance(field.default, bool) else str(field.default)
        expected[f"JOB_TRACKER_{name.upper()}"] = f"`{default}`" if default else "empty"
        assert str(field.description) in README
    assert rows == expected
