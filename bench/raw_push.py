"""The limit of a push: a bare gRPC server that passes what a unary call brings to a stream, and does nothing else."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import grpc

POKE = "/bench.Push/Poke"
WATCH = "/bench.Push/Watch"


class Push(grpc.GenericRpcHandler):
    """One stream at a time, and calls that wake it."""

    def __init__(self) -> None:
        self._poked: asyncio.Queue[bytes] = asyncio.Queue()

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> Any:
        """Find the handler of a call."""
        if handler_call_details.method == POKE:
            return grpc.unary_unary_rpc_method_handler(self._poke)
        return grpc.unary_stream_rpc_method_handler(self._watch)

    async def _poke(self, request: bytes, _context: object) -> bytes:
        self._poked.put_nowait(request)
        return b""

    async def _watch(self, _request: bytes, _context: object) -> AsyncIterator[bytes]:
        yield b"ready"
        while True:
            yield await self._poked.get()


async def main() -> None:
    """Serve until killed; the one line on standard output says where."""
    server = grpc.aio.server()
    server.add_generic_rpc_handlers((Push(),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    print(json.dumps({"address": f"127.0.0.1:{port}"}), flush=True)  # noqa: T201 - this line is the interface
    await server.wait_for_termination()


if __name__ == "__main__":
    asyncio.run(main())
