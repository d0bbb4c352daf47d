"""What is wrong with TLS files, and how they are renewed."""

from pathlib import Path

import pytest
import structlog
from chassis.settings import SettingsFaultsError, load_settings
from chassis.tls import RenewingCertificates, TlsFiles, TlsFilesError
from job_tracker.__main__ import TrackerSettings

from tests.fakes.certificates import Authority


def faults_of(**environment: str) -> list[str]:
    """What is wrong with a JobTracker's settings."""
    with pytest.raises(SettingsFaultsError) as raised:
        load_settings(TrackerSettings, {f"JOB_TRACKER_{name}": value for name, value in environment.items()})
    return raised.value.faults


def test_a_half_is_a_fault_that_names_the_other(tmp_path: Path) -> None:
    """Certificate and key go together; a CA of clients is nothing without them."""
    authority = Authority(tmp_path)
    pair = authority.issue()
    (fault,) = faults_of(TLS_CERTIFICATE=str(pair.certificate))
    assert "TLS_KEY is missing" in fault
    (fault,) = faults_of(TLS_KEY=str(pair.key))
    assert "TLS_CERTIFICATE is missing" in fault
    (fault,) = faults_of(TLS_CLIENT_CA=str(authority.pem))
    assert "TLS_CERTIFICATE is missing" in fault


def test_files_that_cannot_be_used_are_named_together(tmp_path: Path) -> None:
    """Unreadable, malformed and mismatched files are faults at the start, with the tokens file's, and show nothing of a key."""
    authority, other = Authority(tmp_path), Authority(tmp_path, "other")
    pair, foreign = authority.issue(), other.issue()
    (tmp_path / "junk").write_text("junk-s3cret")
    faults = faults_of(
        TLS_CERTIFICATE=str(pair.certificate),
        TLS_KEY=str(foreign.key),
        TLS_CLIENT_CA=str(tmp_path / "junk"),
        TOKENS_FILE=str(tmp_path / "junk"),
    )
    assert [fault.split(":")[0].removeprefix("JOB_TRACKER_") for fault in faults] == [
        *("TOKENS_FILE", "TLS_KEY", "TLS_CLIENT_CA")
    ]
    assert "are no certificate and its key" in faults[1]
    assert "s3cret" not in "".join(faults)
    (fault,) = faults_of(TLS_CERTIFICATE=str(tmp_path / "absent"), TLS_KEY=str(tmp_path / "absent-too"))
    assert fault.count("cannot be read: No such file") == 2


def test_tls_and_tokens_allow_an_open_address_and_not_open_metrics(tmp_path: Path) -> None:
    """Metrics are plain HTTP, to whoever asks: an open address for them has to be meant."""
    pair = Authority(tmp_path).issue()
    (tmp_path / "tokens.toml").write_text("tokens = []\n")
    environment = {
        "LISTEN": "0.0.0.0:0",
        "TLS_CERTIFICATE": str(pair.certificate),
        "TLS_KEY": str(pair.key),
        "TOKENS_FILE": str(tmp_path / "tokens.toml"),
    }
    load_settings(TrackerSettings, {f"JOB_TRACKER_{name}": value for name, value in environment.items()})
    (fault,) = faults_of(**environment, METRICS_LISTEN="0.0.0.0:0")
    assert fault.startswith("JOB_TRACKER_METRICS_LISTEN: ")


def test_each_broken_renewal_is_told_of_once(tmp_path: Path) -> None:
    """Every new connection asks; what is broken stays broken until it changes again, and the old is shown meanwhile."""
    authority = Authority(tmp_path)
    pair = authority.issue()
    renewing = RenewingCertificates(TlsFiles(pair.certificate, pair.key))
    good = pair.key.read_bytes()
    with structlog.testing.capture_logs() as logs:
        assert renewing.changed() is None
        pair.key.write_bytes(b"junk")
        assert [renewing.changed() for _ in range(3)] == [None] * 3
        pair.key.unlink()
        assert [renewing.changed() for _ in range(3)] == [None] * 3
        pair.key.write_bytes(good)
        assert renewing.changed() is None  # as it was
        authority.issue()
        assert renewing.changed() is not None
        assert renewing.changed() is None
    assert [line["log_level"] for line in logs] == ["error", "error", "info"]


def test_a_server_does_not_start_with_broken_files(tmp_path: Path) -> None:
    """The settings have looked before; between the two somebody may have written."""
    pair = Authority(tmp_path).issue()
    pair.key.write_bytes(b"junk")
    with pytest.raises(TlsFilesError, match="no certificate and its key"):
        RenewingCertificates(TlsFiles(pair.certificate, pair.key))
