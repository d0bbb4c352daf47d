"""The standard health service, by service name; the empty name stands for the whole server."""

import argparse
import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_health.v1._async import HealthServicer


class Health:
    """Says of each service whether it serves."""

    def __init__(self, services: tuple[str, ...]) -> None:
        self._services = ("", *services)
        self._servicer = HealthServicer()

    def add_to(self, server: grpc.aio.Server) -> None:
        """Offer the health service on a server."""
        health_pb2_grpc.add_HealthServicer_to_server(self._servicer, server)

    async def serving(self) -> None:
        """Say that every service serves."""
        for service in self._services:
            await self._servicer.set(service, health_pb2.HealthCheckResponse.SERVING)

    async def stopping(self) -> None:
        """Say that nothing serves any more, for good."""
        await self._servicer.enter_graceful_shutdown()


async def probe(address: str, seconds: float = 3.0, credentials: grpc.ChannelCredentials | None = None) -> bool:
    """Ask a server whether it serves; False when it says no or cannot be reached in time."""
    channel = (
        grpc.aio.insecure_channel(address) if credentials is None else grpc.aio.secure_channel(address, credentials)
    )
    async with channel:
        stub: Any = health_pb2_grpc.HealthStub(channel)  # its type hints do not know its one call
        try:
            answer = await stub.Check(health_pb2.HealthCheckRequest(), timeout=seconds)
        except grpc.aio.AioRpcError:
            return False
    return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)


def main(arguments: Sequence[str] | None = None) -> int:
    """Probe from a container's health check; the exit status is 0 when the server serves, and 1 when it does not."""
    parser = argparse.ArgumentParser(prog="python -m chassis.health", description="Ask a server whether it serves.")
    parser.add_argument("address", help="host:port, by a name that is in the server's certificate")
    parser.add_argument("--ca", type=Path, help="the CA of the server's certificate (PEM); without it plaintext")
    parser.add_argument("--certificate", type=Path, help="a client certificate, where the server asks for one (PEM)")
    parser.add_argument("--key", type=Path, help="its key (PEM)")
    given = parser.parse_args(arguments)
    if (given.certificate is None) != (given.key is None) or (given.certificate is not None and given.ca is None):
        parser.error("--certificate, --key and --ca go together")
    credentials = None
    try:
        if given.ca is not None:
            pair = (given.key.read_bytes(), given.certificate.read_bytes()) if given.certificate else (None, None)
            credentials = grpc.ssl_channel_credentials(given.ca.read_bytes(), *pair)
    except OSError as error:
        parser.error(f"{error.filename} cannot be read: {error.strerror}")
    return 0 if asyncio.run(probe(given.address, credentials=credentials)) else 1


if __name__ == "__main__":
    sys.exit(main())
