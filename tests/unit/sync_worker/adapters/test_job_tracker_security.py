"""The token that SyncWorker shows to JobTracker."""

from pathlib import Path

import pytest
import structlog
from chassis.settings import SettingsFaultsError, load_settings
from sync_worker.__main__ import WorkerSettings
from sync_worker.adapters.job_tracker_security import TokenFile, token_fault

from tests.fakes.certificates import Authority


class Steady:
    """A clock that a test moves."""

    now = 0.0

    def __call__(self) -> float:
        """The moment."""
        return self.now


def test_a_new_token_is_used_a_second_later(tmp_path: Path) -> None:
    """The file is looked at once a second; while it cannot be used the token before it stays, and the log says so once."""
    path, clock = tmp_path / "token", Steady()
    path.write_text("first\n")
    token = TokenFile(path, clock)
    path.write_text("second")
    assert token() == "first"
    clock.now = 1.0
    assert token() == "second"
    with structlog.testing.capture_logs() as logs:
        path.unlink()
        for clock.now in (2.0, 3.0):
            assert token() == "second"
        path.write_text("two words")
        clock.now = 4.0
        assert token() == "second"
    assert len(logs) == 2
    assert "two words" not in str(logs)


@pytest.mark.parametrize("content", [b"", b" \n", b"two words", b"\xff", "mật-khẩu".encode()])
def test_what_is_no_token_is_not_shown(tmp_path: Path, content: bytes) -> None:
    """The sentence names the file alone."""
    path = tmp_path / "token"
    path.write_bytes(content)
    fault = token_fault(path)
    assert fault is not None
    assert fault.startswith(str(path))
    assert "words" not in fault


def test_a_token_goes_nowhere_in_the_open(tmp_path: Path) -> None:
    """To another machine over plaintext it is a fault at the start, unless it is meant; with a CA it is not."""
    (tmp_path / "token").write_text("t")
    (tmp_path / "stores.toml").write_text("")
    environment = {
        "SYNC_WORKER_STORES": str(tmp_path / "stores.toml"),
        "SYNC_WORKER_JOB_TRACKER": "jobs.example.com:50051",
        "SYNC_WORKER_JOB_TRACKER_TOKEN_FILE": str(tmp_path / "token"),
    }
    with pytest.raises(SettingsFaultsError, match=r"SYNC_WORKER_JOB_TRACKER: .*over plaintext"):
        load_settings(WorkerSettings, environment)
    load_settings(WorkerSettings, {**environment, "SYNC_WORKER_INSECURE": "true"})
    authority = Authority(tmp_path)
    settings = load_settings(WorkerSettings, {**environment, "SYNC_WORKER_JOB_TRACKER_CA": str(authority.pem)})
    assert settings.job_tracker_files().ca == authority.pem
