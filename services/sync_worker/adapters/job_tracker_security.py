"""How SyncWorker shows itself to JobTracker: token, CA and client certificate, each from a file."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import structlog
from nhanhsync.client.security import Security

log = structlog.get_logger()

LOOK_AGAIN_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class ConnectionFiles:
    """The files; `insecure` allows a token to be sent over plaintext to another machine."""

    token: Path | None = None
    ca: Path | None = None
    certificate: Path | None = None
    key: Path | None = None
    insecure: bool = False


class TokenFile:
    """The token in a file, looked at again once a second; while it cannot be read, the one before it is used."""

    def __init__(self, path: Path, monotonic: Callable[[], float] = time.monotonic) -> None:
        """Read the file.

        Raises:
            OSError, ValueError: It cannot be read, or holds no token.
        """
        self._path = path
        self._monotonic = monotonic
        self._token = _token(path)
        self._looked = monotonic()
        self._fault = ""

    def __call__(self) -> str:
        """Give the token of this moment."""
        now = self._monotonic()
        if now - self._looked >= LOOK_AGAIN_SECONDS:
            self._looked = now
            try:
                self._token, self._fault = _token(self._path), ""
            except (OSError, ValueError) as error:
                fault = str(error)
                if fault != self._fault:
                    log.warning("the token for JobTracker cannot be read; the one before it is used", fault=fault)
                self._fault = fault
        return self._token


def token_fault(path: Path) -> str | None:
    """Say what is wrong with a token's file, None when nothing is; what stands in it is not shown."""
    try:
        _token(path)
    except OSError as error:
        return f"{path} cannot be read: {error.strerror or error}"
    except ValueError as error:
        return str(error)
    return None


def security_of(files: ConnectionFiles) -> Security:
    """Make what a channel to JobTracker is opened with.

    Raises:
        OSError, ValueError: A file cannot be used.
    """
    token = None if files.token is None else TokenFile(files.token)
    return Security.of(token, files.ca, files.certificate, files.key, insecure=files.insecure)


def _token(path: Path) -> str:
    try:
        token = path.read_text(encoding="utf-8").strip()
    except UnicodeDecodeError:
        raise ValueError(f"{path} is not UTF-8") from None
    if not token or any(letter.isspace() for letter in token) or not token.isascii() or not token.isprintable():
        raise ValueError(f"{path} does not hold one token")
    return token
