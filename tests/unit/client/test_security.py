"""Where a client sends its token, and what it reads."""

from pathlib import Path

import pytest
from nhanhsync.client import PlaintextTokenError, Security, connect
from nhanhsync.client.blocking import connect as connect_blocking

ELSEWHERE = "jobs.example.com:50051"


@pytest.mark.parametrize("address", ["127.0.0.1:1", "localhost:1", "[::1]:1", "127.8.8.8:1"])
def test_this_machine_may_have_the_token_in_plaintext(address: str) -> None:
    """Nobody else listens on loopback."""
    Security(token="t").check(address)


@pytest.mark.parametrize("address", [ELSEWHERE, "10.0.0.1:1", "[2001:db8::7]:1", "localhost.example.com:1"])
def test_no_other_machine_gets_a_token_in_plaintext(address: str) -> None:
    """Refused before anything is sent, by both clients; with TLS, or as it is meant, it may go."""
    with pytest.raises(PlaintextTokenError, match="over plaintext"):
        connect_blocking(job_tracker=address, token="t")
    for security in (Security(token="t", ca=b"pem"), Security(token="t", insecure=True), Security()):
        security.check(address)


async def test_both_services_addresses_are_looked_at() -> None:
    """A token for a JobTracker here is not sent to a SyncWorker elsewhere."""
    with pytest.raises(PlaintextTokenError):
        connect(sync_worker=ELSEWHERE, token="t")
    async with connect(sync_worker=ELSEWHERE, token="t", insecure=True):
        pass


def test_a_token_is_not_shown() -> None:
    """Neither the token nor a key stands in the picture of what holds it."""
    assert "s3cret" not in repr(Security(token="s3cret", ca=b"s3cret", certificate=b"s3cret", key=b"s3cret"))


def test_halves_are_refused(tmp_path: Path) -> None:
    """Certificate and key go together, and with a CA."""
    with pytest.raises(ValueError, match="the key is missing"):
        Security.of(None, b"ca", b"certificate", None)
    with pytest.raises(ValueError, match="the certificate is missing"):
        Security.of(None, b"ca", None, b"key")
    with pytest.raises(ValueError, match="give the server's CA"):
        Security.of(None, None, b"certificate", b"key")
    with pytest.raises(FileNotFoundError):
        Security.of(None, tmp_path / "absent.pem", None, None)
    (tmp_path / "ca.pem").write_bytes(b"pem")
    assert Security.of(None, str(tmp_path / "ca.pem"), None, None).ca == b"pem"
