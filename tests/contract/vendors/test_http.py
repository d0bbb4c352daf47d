"""HTTP as vendors are called: the real connections and the fake one keep the same promises."""

import asyncio
import gzip
import socket
import ssl
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest
import trustme
from sync_worker.adapters.http.connections import MOST_CONNECTIONS, Connections
from sync_worker.adapters.http.port import HttpFailure, NeverSent, NoConnectionInTime, StreamedReply, TimedOut

from tests.fakes.http_worlds import WORLDS, HttpWorld, Said, socket_world

Opening = Callable[..., AbstractAsyncContextManager[Any]]
SECONDS = 5.0
EVERY = pytest.mark.parametrize("opened", WORLDS, ids=["connections", "fake"])


async def posted(world: HttpWorld, target: str = "/", seconds: float = SECONDS) -> Any:
    """Post something."""
    return await world.http.post(world.address(target), b"{}", {"X-Asked": "yes"}, seconds=seconds)


async def read_into(came: bytearray, reply: StreamedReply) -> None:
    """Keep the pieces that come."""
    async for piece in reply.pieces():
        came.extend(piece)


async def streamed(world: HttpWorld, target: str = "/") -> tuple[int, bytes]:
    """Read a stream to its end."""
    async with world.http.stream(world.address(target), {"accept-encoding": "identity"}, seconds=SECONDS) as reply:
        return reply.status, b"".join([piece async for piece in reply.pieces()])


@EVERY
async def test_an_answer_comes_whole(opened: Opening) -> None:
    """With its status, whatever that is, and headers by any case; what is packed is unpacked."""
    async with opened(Said(429, {"Retry-After": "7"}, b"slow down"), Said.packed(b"{}" * 500)) as world:
        reply = await posted(world)
        assert (reply.status, reply.headers.get("retry-after"), reply.content) == (429, "7", b"slow down")
        assert (await posted(world)).content == b"{}" * 500
        assert world.asked == ["POST /", "POST /"]


@EVERY
async def test_nothing_is_followed_and_nothing_kept(opened: Opening) -> None:
    """Neither a redirect nor a cookie."""
    moved = Said(302, {"Location": "/elsewhere", "Set-Cookie": "who=you"})
    async with opened(moved, moved, Said()) as world:
        assert (await posted(world)).status == 302
        assert (await streamed(world))[0] == 302
        await posted(world)
        assert world.asked == ["POST /", "GET /", "POST /"]


@EVERY
async def test_an_address_is_asked_for_as_it_is(opened: Opening) -> None:
    """A signature in it is one of these very letters."""
    target = "/b%C3%BCcket/a%2Fb+c~d?Signature=x%2By%2Fz%3D%3D&X=a+b,c"
    async with opened(Said(), Said()) as world:
        await posted(world, target)
        await streamed(world, target)
        assert world.asked == [f"POST {target}", f"GET {target}"]


@EVERY
async def test_a_stream_is_given_as_it_was_sent(opened: Opening) -> None:
    """Its bytes are counted as they are in the file."""
    async with opened(Said.packed(b"a line\n" * 9)) as world:
        assert await streamed(world) == (200, gzip.compress(b"a line\n" * 9, mtime=0))


@EVERY
async def test_without_a_connection_nothing_was_sent(opened: Opening) -> None:
    """Where nobody listens, and where an address is none."""
    async with opened() as world:
        none = ("ftp://127.0.0.1/", "ws://127.0.0.1/", "//127.0.0.1/", "no address", "http://", "http://a:x/")
        for address in (world.nowhere(), *none):
            with pytest.raises(NeverSent):
                await world.http.post(address, b"", {}, seconds=SECONDS)
            with pytest.raises(NeverSent):
                async with world.http.stream(address, {}, seconds=SECONDS):
                    raise AssertionError("there is no stream")


@EVERY
async def test_silence_ends_in_time(opened: Opening) -> None:
    """What was asked may have been done."""
    async with opened(None) as world:
        with pytest.raises(TimedOut) as silent:
            await posted(world, seconds=0.05)
        assert not isinstance(silent.value, NeverSent)
        assert world.asked == ["POST /"]


@EVERY
@pytest.mark.parametrize("cut", [0, 5])
async def test_half_an_answer_is_none(opened: Opening, cut: int) -> None:
    """The pieces that came of a stream are passed on before it fails."""
    half = Said(body=b"a whole answer", cut=cut)
    async with opened(half, half) as world:
        with pytest.raises(HttpFailure) as broken:
            await posted(world)
        assert not isinstance(broken.value, NeverSent | TimedOut)
        came = bytearray()
        async with world.http.stream(world.address("/"), {}, seconds=SECONDS) as reply:
            with pytest.raises(HttpFailure) as broken:
                await read_into(came, reply)
        assert not isinstance(broken.value, NeverSent | TimedOut)
        assert came == b"a whole answer"[:cut]


async def test_a_connection_is_kept_for_the_next_call() -> None:
    """And another takes its place when the other side has closed it."""
    async with socket_world(Said(), Said(), Said(headers={"Connection": "close"}), Said()) as world:
        for _ in range(3):
            await posted(world)
        assert world.connections == 1
        await posted(world)
        assert world.connections == 2


async def test_what_comes_unasked_is_nobodys_answer() -> None:
    """Or a call would be told that it was done, though the host never saw it."""
    may_go_on, went_on = asyncio.Event(), asyncio.Event()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"first")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfirst")
        await may_go_on.wait()
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\nunasked")
        await writer.drain()
        went_on.set()
        await reader.read()
        writer.close()

    async def answer_once_more(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"second")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nsecond")
        writer.close()

    answers = [answer, answer_once_more]

    async def answer_in_turn(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await answers.pop(0)(reader, writer)

    server = await asyncio.start_server(answer_in_turn, "127.0.0.1", 0)
    async with server, Connections() as http:
        address = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        assert (await http.post(address, b"first", {}, seconds=SECONDS)).content == b"first"
        may_go_on.set()
        await went_on.wait()
        assert (await http.post(address, b"second", {}, seconds=SECONDS)).content == b"second"


async def test_a_kept_connection_that_ended_while_nobody_looked_is_not_used() -> None:
    """The call would fail with nobody to say whether it was done."""
    may_close, closed = threading.Event(), threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listening, ThreadPoolExecutor(1) as threads:
        listening.settimeout(SECONDS)

        def answer_and_close() -> None:
            for _ in range(2):
                with listening.accept()[0] as connection:
                    connection.recv(65536)
                    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
                    may_close.wait(SECONDS)
                closed.set()

        answering = threads.submit(answer_and_close)
        async with Connections() as http:
            address = f"http://127.0.0.1:{listening.getsockname()[1]}/"
            await http.post(address, b"", {}, seconds=SECONDS)
            may_close.set()
            assert closed.wait(SECONDS)  # the loop stands still, and sees nothing of it
            assert (await http.post(address, b"", {}, seconds=SECONDS)).status == 200
        answering.result()


async def test_a_chunk_without_a_size_ends_the_wait_in_time() -> None:
    """As silence does."""
    may_go_on = asyncio.Event()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")
        await may_go_on.wait()
        writer.write(b"no size\r\n")
        await reader.read()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server, Connections() as http, asyncio.timeout(SECONDS):
        address = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        async with http.stream(address, {}, seconds=0.2) as reply:
            pieces = reply.pieces()
            assert await anext(pieces) == b"abc"
            may_go_on.set()
            with pytest.raises(HttpFailure) as broken:
                await anext(pieces)
        assert not isinstance(broken.value, NeverSent)


async def test_who_waits_for_others_has_the_time_for_a_connection_still_ahead() -> None:
    """That all connections are in use says nothing of the host; who waits too long for one has sent nothing."""
    async with socket_world(*[None] * MOST_CONNECTIONS, Said()) as world:
        busy = [asyncio.create_task(posted(world)) for _ in range(MOST_CONNECTIONS)]
        await world.until_asked(MOST_CONNECTIONS)
        waiting = asyncio.create_task(
            world.http.post(world.address("/"), b"{}", {}, seconds=SECONDS, connect_seconds=0.05)
        )
        with pytest.raises(NoConnectionInTime):
            await posted(world, seconds=0.1)
        for each in busy:
            each.cancel()
        assert (await waiting).status == 200
        await asyncio.gather(*busy, return_exceptions=True)


@pytest.mark.parametrize("headers", [{"Authorization": "a\nb"}, {"Authorization": "a\0"}, {"X\r\nY": ""}])
async def test_a_header_that_cannot_be_sent_is_not_sent(headers: dict[str, str]) -> None:
    """Nor does anything else of the call leave."""
    async with socket_world() as world:
        with pytest.raises(NeverSent):
            await world.http.post(world.address("/"), b"", headers, seconds=SECONDS)
        assert world.asked == []


async def test_a_stream_that_is_left_early_keeps_no_connection() -> None:
    """Nobody will read the rest of it."""
    async with socket_world(Said(body=b"x" * 1_000_000), Said()) as world:
        async with world.http.stream(world.address("/"), {}, seconds=SECONDS) as reply:
            assert reply.status == 200
        await posted(world)
        assert world.connections == 2


async def test_a_host_that_does_not_take_the_connection_in_time() -> None:
    """It was never sent, and it took too long: who asks may look at either."""
    with socket.create_server(
        ("127.0.0.1", 0)
    ) as listening:  # the system takes connections, and nobody says a word of TLS
        port = listening.getsockname()[1]
        async with Connections() as http:
            with pytest.raises(NoConnectionInTime):
                await http.post(f"https://127.0.0.1:{port}/", b"", {}, seconds=SECONDS, connect_seconds=0.05)


async def test_a_host_that_nobody_vouches_for_is_sent_nothing() -> None:
    """The roots are those that browsers trust."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    heard: list[bytes] = []

    async def hear(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.read())
        writer.close()

    server = await asyncio.start_server(hear, "127.0.0.1", 0, ssl=context)
    async with server, Connections() as http:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(NeverSent, match="Certificate"):
            await http.post(f"https://127.0.0.1:{port}/", b"secret", {}, seconds=SECONDS)
    assert b"".join(heard) == b""
