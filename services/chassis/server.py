"""A gRPC server that starts whole or not at all, says where it listens, and stops in order."""

import asyncio
import ipaddress
import json
import signal
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager

import grpc
from grpc_reflection.v1alpha import reflection

from chassis.health import Health
from chassis.tls import RenewingCertificates, TlsFiles, TlsFilesError

MAX_MESSAGE_BYTES = 4 * 1024 * 1024
STOP_GRACE_SECONDS = 10.0


class ListenError(Exception):
    """The server cannot listen where it should; the message says why and what to do."""


def check_listen(listen: str, *, missing: Sequence[str] = ()) -> str | None:
    """Say in a sentence what is wrong with a `host:port` to listen on, None when nothing is.

    `missing` says what an address would need that other machines reach, such as TLS.
    """
    host, colon, port = listen.rpartition(":")
    if not colon or not host or not port.isdigit() or int(port) > 65535:
        return f"{listen!r} is not host:port, such as 127.0.0.1:50051"
    if missing and not is_loopback(host):
        return (
            f"{listen} can be reached from other machines, and this server speaks without {' and without '.join(missing)}; "
            "set that up, listen on loopback, or allow it with --insecure or the setting INSECURE"
        )
    return None


@asynccontextmanager
async def serving(
    listen: str,
    add_services: Sequence[Callable[[grpc.aio.Server], None]],
    *,
    service_names: tuple[str, ...],
    interceptors: Sequence[grpc.aio.ServerInterceptor],
    end_streams: Callable[[], Awaitable[None]] | None = None,
    tls: TlsFiles | None = None,
) -> AsyncIterator[str]:
    """Serve for as long as the context lasts; gives the address that it listens on.

    When it stops, health says so first, then `end_streams` ends what would never end by itself, then calls in progress
    finish. Without `tls` it speaks plaintext.

    Raises:
        ListenError: The port is busy or not ours to take, or the TLS files cannot be used.
    """
    server = grpc.aio.server(
        interceptors=list(interceptors),
        options=(
            ("grpc.so_reuseport", 0),  # a second server on the port must fail, not take half of the calls
            ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
            ("grpc.http2.min_ping_interval_without_data_ms", 10_000),
            ("grpc.keepalive_permit_without_calls", 1),
        ),
    )
    for add in add_services:
        add(server)
    health = Health(service_names)
    health.add_to(server)
    reflection.enable_server_reflection((*service_names, "grpc.health.v1.Health", reflection.SERVICE_NAME), server)
    host = listen.rpartition(":")[0]
    _must_be_free(listen)
    try:
        if tls is None:
            port = server.add_insecure_port(listen)
        else:
            port = server.add_secure_port(listen, RenewingCertificates(tls).credentials())
    except (RuntimeError, TlsFilesError) as error:
        raise ListenError(f"cannot listen on {listen}: {error}") from error
    await server.start()
    await health.serving()
    try:
        yield f"{host}:{port}"
    finally:
        await health.stopping()
        if end_streams is not None:
            await end_streams()
        await server.stop(STOP_GRACE_SECONDS)


def announce(service: str, address: str) -> None:
    """Print the one line on standard output that says the service is ready, for whoever started the process."""
    print(json.dumps({"service": service, "address": address}), flush=True)  # noqa: T201 - this line is the interface


async def asked_to_stop() -> None:
    """Wait for SIGTERM or SIGINT."""
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await stop.wait()


def _must_be_free(listen: str) -> None:
    """Try the address first: the library says nothing but that it failed, and writes lines of its own to standard error."""
    host, _, port = listen.rpartition(":")
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host.strip("[]"), int(port), type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a connection that lingers is no listener
            trial.bind(address)
            trial.listen()
    except OSError as error:
        raise ListenError(f"cannot listen on {listen}: {error.strerror or error}") from error


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches a host."""
    name = host.strip("[]")
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False
