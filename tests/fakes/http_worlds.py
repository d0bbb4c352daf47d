"""The other side of HTTP, over real sockets and over a handler: each answers one request after the other by a script."""

import asyncio
import gzip
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Protocol

import httpx
from sync_worker.adapters.http.connections import Connections
from sync_worker.adapters.http.port import Http

from tests.fakes.handled_http import HandledHttp


@dataclass(frozen=True, slots=True)
class Said:
    """What is answered; `cut` bytes of the body come and then the connection ends. None in its place is silence."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    cut: int | None = None

    @classmethod
    def packed(cls, body: bytes) -> "Said":
        """An answer whose body is packed."""
        return cls(headers={"Content-Encoding": "gzip"}, body=gzip.compress(body, mtime=0))


class HttpWorld(Protocol):
    """One side that asks, and another that answers."""

    http: Http
    asked: list[str]
    """Method and target of each request, with its Cookie if it has one."""

    def address(self, target: str) -> str:
        """Where a target is asked for."""
        ...

    def nowhere(self) -> str:
        """An address where nobody listens."""
        ...


@dataclass
class SocketWorld:
    """A real server and a real client."""

    http: Http
    script: list[Said | None]
    asked: list[str] = field(default_factory=list)
    connections: int = 0
    port: int = 0
    closed_port: int = 0
    _heard: asyncio.Event = field(default_factory=asyncio.Event)

    async def until_asked(self, times: int) -> None:
        """Wait until so many requests have come."""
        while len(self.asked) < times:
            self._heard.clear()
            await self._heard.wait()

    def address(self, target: str) -> str:
        """Where a target is asked for."""
        return f"http://127.0.0.1:{self.port}{target}"

    def nowhere(self) -> str:
        """An address where nobody listens."""
        return f"http://127.0.0.1:{self.closed_port}/"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer requests of one connection until it ends."""
        self.connections += 1
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
                fields = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:])}
                await reader.readexactly(int(fields.get("content-length", "0")))
                self.asked.append(" ".join([*head[0].split(" ")[:2], *filter(None, [fields.get("cookie")])]))
                self._heard.set()
                said = self.script.pop(0)
                if said is None:
                    await asyncio.Event().wait()
                    raise AssertionError("nobody sets the event")
                lines = [f"HTTP/1.1 {said.status} Said", f"Content-Length: {len(said.body)}"]
                lines += [f"{name}: {value}" for name, value in said.headers.items()]
                writer.write("\r\n".join([*lines, "", ""]).encode() + said.body[: said.cut])
                await writer.drain()
                if said.cut is not None or said.headers.get("Connection") == "close":
                    return
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            writer.close()


@dataclass
class HandledWorld:
    """A handler that is asked without a network."""

    script: list[Said | None]
    asked: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.http: Http = HandledHttp(self._handle)

    def address(self, target: str) -> str:
        """Where a target is asked for."""
        return f"http://somewhere.test{target}"

    def nowhere(self) -> str:
        """An address where nobody listens."""
        return "http://nowhere.test/"

    def _handle(self, request: httpx.Request) -> httpx.Response:
        if request.url.host == "nowhere.test":
            raise httpx.ConnectError("nobody listens")
        cookie = request.headers.get("cookie")
        self.asked.append(" ".join([request.method, request.url.raw_path.decode(), *filter(None, [cookie])]))
        said = self.script.pop(0)
        if said is None:
            raise httpx.ReadTimeout("silence")
        if said.cut is None:
            return httpx.Response(said.status, headers=said.headers, content=said.body)
        return httpx.Response(said.status, headers=said.headers, stream=_Cut(said.body[: said.cut]))


class _Cut(httpx.AsyncByteStream):
    def __init__(self, body: bytes) -> None:
        self._body = body

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self._body
        raise httpx.RemoteProtocolError("cut")


@asynccontextmanager
async def socket_world(*script: Said | None) -> AsyncIterator[SocketWorld]:
    """Run a server on a free port."""
    async with AsyncExitStack() as stack:
        closed = await asyncio.start_server(lambda _reader, writer: writer.close(), "127.0.0.1", 0)
        closed_port = closed.sockets[0].getsockname()[1]
        closed.close()
        await closed.wait_closed()
        world = SocketWorld(await stack.enter_async_context(Connections()), list(script), closed_port=closed_port)
        server = await asyncio.start_server(world.serve, "127.0.0.1", 0)
        stack.callback(server.close)
        world.port = server.sockets[0].getsockname()[1]
        yield world


@asynccontextmanager
async def handled_world(*script: Said | None) -> AsyncIterator[HandledWorld]:
    """Make a handler."""
    yield HandledWorld(list(script))


WORLDS = (socket_world, handled_world)
