"""What docs/security.md says is so: its commands run, and make what the services take."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from chassis.auth import Caller, Role, read_tokens
from chassis.settings import load_settings
from job_tracker.__main__ import TrackerSettings
from sync_worker.__main__ import WorkerSettings

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "security.md").read_text()


@pytest.mark.skipif(shutil.which("openssl") is None, reason="the page's commands are for who has OpenSSL")
def test_its_commands_make_tokens_and_certificates(tmp_path: Path) -> None:
    """The token's lines and the certificate of the page's own CA are good for a JobTracker that other machines reach."""
    lines = [
        line
        for block in re.findall(r"^```sh\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
        for line in block.splitlines()
    ]
    assert [line.split()[0] for line in lines] == ["nhanhsync", "openssl", "openssl", "openssl"]
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    environment = {**os.environ, "PATH": path}
    printed = [
        subprocess.run(
            shlex.split(line), cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60, check=True
        ).stdout
        for line in lines
    ]
    tokens = tmp_path / "tokens.toml"
    tokens.write_text(printed[0].partition("\n")[2])
    assert list(read_tokens(tokens).values()) == [Caller("dashboard", frozenset({Role.VIEWER}), ("hanoi",))]
    settings = load_settings(
        TrackerSettings,
        {
            "JOB_TRACKER_LISTEN": "0.0.0.0:50051",
            "JOB_TRACKER_TOKENS_FILE": str(tokens),
            "JOB_TRACKER_TLS_CERTIFICATE": str(tmp_path / "server.pem"),
            "JOB_TRACKER_TLS_KEY": str(tmp_path / "server.key"),
            "JOB_TRACKER_TLS_CLIENT_CA": str(tmp_path / "ca.pem"),
        },
    )
    assert settings.tls() is not None


def test_its_settings_and_numbers_are_the_codes() -> None:
    """Each setting that it names is one, and the defaults are those of the code."""
    known = {f"JOB_TRACKER_{name.upper()}" for name in TrackerSettings.model_fields}
    known |= {f"SYNC_WORKER_{name.upper()}" for name in WorkerSettings.model_fields}
    assert set(re.findall(r"`((?:JOB_TRACKER|SYNC_WORKER)_\w+)`", PAGE)) <= known
    for ending in re.findall(r"`…(_\w+)`", PAGE):
        assert any(name.endswith(ending) for name in known), ending
    fields = TrackerSettings.model_fields
    assert f"`…_CALLS_PER_SECOND` calls ({fields['calls_per_second'].default:,};" in PAGE
    assert f"`…_STREAMS_PER_CALLER` streams ({fields['streams_per_caller'].default:,})" in PAGE
