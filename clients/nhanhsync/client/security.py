"""How a channel is protected: TLS, a client certificate, and the bearer token that goes with every call."""

import ipaddress
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc

from nhanhsync.client.channels import ChannelOptions

Token = str | Callable[[], str]
"""A token, or what gives the token of this moment: it is asked before every call, so that a new one needs no new channel."""
Pem = str | Path | bytes
"""A PEM file's path, or what stands in it."""


class PlaintextTokenError(ValueError):
    """A token would travel over plaintext to another machine, where whoever listens could take it."""

    def __init__(self, address: str) -> None:
        super().__init__(
            f"a token is not sent to {address} over plaintext; give the server's CA for TLS, or allow it with insecure"
        )


@dataclass(frozen=True, slots=True)
class Security:
    """Without a CA a channel is plaintext, and carries a token only to this machine unless `insecure` allows more."""

    token: Token | None = field(default=None, repr=False)
    ca: bytes | None = field(default=None, repr=False)
    certificate: bytes | None = field(default=None, repr=False)
    key: bytes | None = field(default=None, repr=False)
    insecure: bool = False

    @classmethod
    def of(
        cls, token: Token | None, ca: Pem | None, certificate: Pem | None, key: Pem | None, *, insecure: bool = False
    ) -> "Security":
        """Read what is given as paths.

        Raises:
            OSError: A file cannot be read.
            ValueError: Of certificate and key one is missing, or both are there without a CA.
        """
        if (certificate is None) != (key is None):
            raise ValueError(f"a certificate and its key go together; the {'certificate' if key else 'key'} is missing")
        if certificate is not None and ca is None:
            raise ValueError("a client certificate is for TLS; give the server's CA, too")
        return cls(token, _pem(ca), _pem(certificate), _pem(key), insecure)

    def aio_channel(self, address: str, options: ChannelOptions = ()) -> grpc.aio.Channel:
        """Open a channel for asyncio.

        Raises:
            PlaintextTokenError: As its text says.
        """
        interceptors: list[Any] = []
        self.check(address)
        if self.token is not None:
            interceptors = [_UnaryBearer(self.token), _StreamBearer(self.token)]
        if self.ca is None:
            return grpc.aio.insecure_channel(address, options=options, interceptors=interceptors)
        return grpc.aio.secure_channel(address, self._credentials(), options=options, interceptors=interceptors)

    def blocking_channel(self, address: str, options: ChannelOptions = ()) -> grpc.Channel:
        """Open a channel without asyncio.

        Raises:
            PlaintextTokenError: As its text says.
        """
        self.check(address)
        if self.ca is None:
            channel = grpc.insecure_channel(address, options=options)
        else:
            channel = grpc.secure_channel(address, self._credentials(), options=options)
        return channel if self.token is None else grpc.intercept_channel(channel, _BlockingBearer(self.token))

    def _credentials(self) -> grpc.ChannelCredentials:
        return grpc.ssl_channel_credentials(self.ca, self.key, self.certificate)

    def check(self, address: str) -> None:
        """See that a token may go to an address.

        Raises:
            PlaintextTokenError: It may not.
        """
        if self.token is not None and self.ca is None and not self.insecure and not is_loopback(address):
            raise PlaintextTokenError(address)


PLAINTEXT = Security()


def is_loopback(address: str) -> bool:
    """Whether host:port is this machine's own."""
    host = address.rpartition(":")[0].strip("[]")
    if host == "localhost" or address.startswith("unix:"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _pem(given: Pem | None) -> bytes | None:
    return given if given is None or isinstance(given, bytes) else Path(given).read_bytes()


def _bearer(details: Any, token: Token) -> Any:  # noqa: ANN401 - the details of a call are a named tuple in both libraries
    value = token if isinstance(token, str) else token()
    header = ("authorization", f"Bearer {value}")
    before = tuple(details.metadata or ())
    of_aio = isinstance(details, grpc.aio.ClientCallDetails)
    changed: Any = details
    return changed._replace(metadata=grpc.aio.Metadata(*before, header) if of_aio else (*before, header))


class _UnaryBearer(grpc.aio.UnaryUnaryClientInterceptor):
    def __init__(self, token: Token) -> None:
        self._token = token

    async def intercept_unary_unary(self, continuation: Any, client_call_details: Any, request: Any) -> Any:  # noqa: ANN401 - the library's own types
        return await continuation(_bearer(client_call_details, self._token), request)


class _StreamBearer(grpc.aio.UnaryStreamClientInterceptor):
    def __init__(self, token: Token) -> None:
        self._token = token

    async def intercept_unary_stream(self, continuation: Any, client_call_details: Any, request: Any) -> Any:  # noqa: ANN401 - the library's own types
        return await continuation(_bearer(client_call_details, self._token), request)


class _BlockingBearer(grpc.UnaryUnaryClientInterceptor, grpc.UnaryStreamClientInterceptor):
    def __init__(self, token: Token) -> None:
        self._token = token

    def intercept_unary_unary(self, continuation: Any, client_call_details: Any, request: Any) -> Any:  # noqa: ANN401 - the library's own types
        return continuation(_bearer(client_call_details, self._token), request)

    def intercept_unary_stream(self, continuation: Any, client_call_details: Any, request: Any) -> Any:  # noqa: ANN401 - the library's own types
        return continuation(_bearer(client_call_details, self._token), request)
