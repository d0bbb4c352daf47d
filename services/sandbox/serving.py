"""Runs a sandbox on a real port."""

import asyncio
import contextlib
import itertools
import logging
import socket
from collections.abc import AsyncIterator, Generator
from dataclasses import dataclass

import uvicorn

from sandbox.app import make_app
from sandbox.clock import Clock, MachineClock
from sandbox.options import SandboxOptions
from sandbox.world import World, make_world

STOPPING_SECONDS = 1
"""Calls under way are waited for so long at the end; held ones never end by themselves."""

TICK_SECONDS = 0.1
"""Ten of uvicorn's ticks are a second."""


class PortTakenError(Exception):
    """The port cannot be listened on; says why."""


@dataclass(frozen=True, slots=True)
class Handle:
    """A running sandbox: where it listens, and its world."""

    url: str
    world: World


@contextlib.asynccontextmanager
async def running(options: SandboxOptions, *, clock: Clock | None = None) -> AsyncIterator[Handle]:
    """Run a sandbox in this loop for as long as the context lasts.

    Raises:
        PortTakenError: The port cannot be listened on.
    """
    world = make_world(options, clock or MachineClock())
    try:
        listening = _listening(options.host, options.port)
    except OSError as error:
        message = f"cannot listen on {options.host}:{options.port}: {error.strerror}"
        raise PortTakenError(message) from None
    # A cut connection is meant, and uvicorn would report it as a failure.
    logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)
    config = uvicorn.Config(
        make_app(world),
        http="httptools",
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=STOPPING_SECONDS,
    )
    server = _Server(config)
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    try:
        await server.ready(serving)
        host, port = listening.getsockname()[:2]
        yield Handle(f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}", world)
    finally:
        server.stop()
        await serving
        listening.close()


def _listening(host: str, port: int) -> socket.socket:
    """Listen, with the protocol named: else asyncio would leave Nagle's algorithm on, at 40 ms an answer."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
        listening.listen(256)
    except OSError:
        listening.close()
        raise
    return listening


class _Server(uvicorn.Server):
    """Leaves signals to whoever runs the loop, says when it serves, and stops at once when nobody is being answered."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._started = asyncio.Event()
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        """Begin to stop."""
        self.should_exit = True
        self._stopping.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Capture none."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, and say so."""
        await super().startup(sockets)
        self._started.set()

    async def main_loop(self) -> None:
        """Do what is to be done from time to time, until it is stopped."""
        for counter in itertools.count():
            if await self.on_tick(counter):
                return
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(TICK_SECONDS):
                    await self._stopping.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Close connections, and wait for those that are being answered, if any; uvicorn would wait in any case."""
        for connection in list(self.server_state.connections):
            connection.shutdown()
        await asyncio.sleep(0)  # each hears of its end in the next turn of the loop
        if self.server_state.connections or self.server_state.tasks:
            await super().shutdown(sockets)
            return
        for server in self.servers:
            server.close()
            await server.wait_closed()

    async def ready(self, serving: "asyncio.Task[None]") -> None:
        """Wait until it serves, or could not begin to."""
        waiting = asyncio.create_task(self._started.wait())
        await asyncio.wait({serving, waiting}, return_when=asyncio.FIRST_COMPLETED)
        if not self._started.is_set():
            waiting.cancel()
            await serving
