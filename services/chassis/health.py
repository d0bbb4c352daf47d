"""The standard health service, by service name; the empty name stands for the whole server."""

import asyncio
import sys
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


async def probe(address: str, seconds: float = 3.0) -> bool:
    """Ask a server whether it serves; False when it says no or cannot be reached in time."""
    async with grpc.aio.insecure_channel(address) as channel:
        stub: Any = health_pb2_grpc.HealthStub(channel)  # its type hints do not know its one call
        try:
            answer = await stub.Check(health_pb2.HealthCheckRequest(), timeout=seconds)
        except grpc.aio.AioRpcError:
            return False
    return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)


if __name__ == "__main__":
    # For container health checks: exit status 0 when the server at host:port serves.
    sys.exit(0 if asyncio.run(probe(sys.argv[1])) else 1)
