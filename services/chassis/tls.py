"""TLS from PEM files, which are read again for new connections when they have changed."""

import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import structlog

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """A server's certificate with its chain, its key, and the CA of client certificates when these are required."""

    certificate: Path
    key: Path
    client_ca: Path | None = None

    def faults(self) -> list[str]:
        """Say in a sentence each what is wrong with the files; none shows what stands in them."""
        found = (certificate_fault(self.certificate, self.key), ca_fault(self.client_ca) if self.client_ca else None)
        return [fault for fault in found if fault is not None]


def certificate_fault(certificate: Path, key: Path) -> str | None:
    """Say what is wrong with a certificate and its key, None when nothing is."""
    unreadable = [fault for path in (certificate, key) if (fault := _unreadable(path))]
    if unreadable:
        return "; ".join(unreadable)
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key, password=lambda: b"")
    except (ssl.SSLError, ValueError):
        return f"{certificate} and {key} are no certificate and its key, as PEM and without a password"
    return None


def ca_fault(path: Path) -> str | None:
    """Say what is wrong with a file of CA certificates, None when nothing is."""
    unreadable = _unreadable(path)
    if unreadable:
        return unreadable
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(path)
    except (ssl.SSLError, ValueError):
        return f"{path} holds no certificate as PEM"
    return None


class TlsFilesError(Exception):
    """TLS cannot be offered with these files; the message says why."""


class RenewingCertificates:
    """What a server shows to each new connection: the files as they are now, or as they were last good."""

    def __init__(self, files: TlsFiles) -> None:
        """Read the files.

        Raises:
            TlsFilesError: They cannot be used.
        """
        faults = files.faults()
        if faults:
            raise TlsFilesError("; ".join(faults))
        self._files = files
        self._seen = self._contents()
        self._refused: Sequence[bytes] | None = []

    def credentials(self) -> grpc.ServerCredentials:
        """Make what a server listens with."""
        fetch: Any = self.changed  # the stubs do not know that None means no change
        return grpc.dynamic_ssl_server_credentials(
            self._configuration(), fetch, require_client_authentication=self._files.client_ca is not None
        )

    def changed(self) -> grpc.ServerCertificateConfiguration | None:
        """Give the new certificates when the files have changed and are good, None otherwise.

        gRPC asks in a thread of its own before each handshake. Certificate and key are two files: between the two
        writes of a renewal they do not match, and the old ones are shown.
        """
        try:
            contents = self._contents()
        except OSError:
            contents = None
        if contents in (self._seen, self._refused):
            return None
        faults = self._files.faults()
        if faults or contents is None:
            self._refused = contents
            log.error("the certificate cannot be renewed; the one before it stays in use", faults=faults)
            return None
        self._refused = []
        self._seen = contents
        log.info("the certificate was renewed", certificate=str(self._files.certificate))
        return self._configuration()

    def _contents(self) -> Sequence[bytes]:
        paths = (self._files.certificate, self._files.key, self._files.client_ca)
        return [path.read_bytes() for path in paths if path is not None]

    def _configuration(self) -> grpc.ServerCertificateConfiguration:
        certificate, key, *client_ca = self._seen
        return grpc.ssl_server_certificate_configuration([(key, certificate)], client_ca[0] if client_ca else None)


def _unreadable(path: Path) -> str | None:
    try:
        path.read_bytes()
    except OSError as error:
        return f"{path} cannot be read: {error.strerror or error}"
    return None
