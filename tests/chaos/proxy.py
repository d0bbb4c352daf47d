"""A TCP proxy that fails on purpose: it loses requests before they arrive and answers after they were given.

Each replica of JobTracker is a `House`; it has one `Door`, an address of its own, for every kind of call. What passes is
HTTP/2 and opaque but for the headers of its frames, which tell a call from the chatter of a connection. So "lose the answer to
the next CompleteJob" can be asked for, and happens exactly then.
"""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Iterable
from enum import StrEnum

CALL_FRAMES = frozenset({0, 1})
"""DATA and HEADERS; the rest (SETTINGS, PING, WINDOW_UPDATE, ...) belongs to the connection."""
FRAME_HEADER_BYTES = 9
CLIENT_PREFACE_BYTES = 24
CHUNK_BYTES = 64 * 1024


class Cut(StrEnum):
    """Where a connection breaks."""

    REQUEST_LOST = "request lost"
    REQUEST_TORN = "request torn"
    """Half of it arrives."""
    ABANDONED = "abandoned"
    """All of it arrives, and nobody waits for the answer: JobTracker finds that out in the middle of its work."""
    ANSWER_LOST = "answer lost"
    """JobTracker has done what was asked, and committed it."""


ARRIVES = {Cut.REQUEST_LOST: 0.0, Cut.REQUEST_TORN: 0.5, Cut.ABANDONED: 1.0}
"""How much of the request arrives."""


class Frames:
    """Tells which types of HTTP/2 frames begin in the bytes of one direction."""

    def __init__(self, preface: int) -> None:
        self._skip = preface
        self._header = b""

    def begun(self, data: bytes) -> set[int]:
        """Take the next bytes."""
        found, place = set(), 0
        while place < len(data):
            if self._skip:
                step = min(self._skip, len(data) - place)
                self._skip -= step
                place += step
                continue
            step = min(FRAME_HEADER_BYTES - len(self._header), len(data) - place)
            self._header += data[place : place + step]
            place += step
            if len(self._header) == FRAME_HEADER_BYTES:
                found.add(self._header[3])
                self._skip = int.from_bytes(self._header[:3], "big")
                self._header = b""
        return found


class House:
    """One JobTracker behind its doors; the doors keep their addresses when it comes back elsewhere."""

    def __init__(self) -> None:
        self.upstream: tuple[str, int] | None = None
        self.doors: dict[str, Door] = {}
        self.refusing = False
        self.cuts: Counter[Cut] = Counter()
        self.flowing = asyncio.Event()
        self.flowing.set()

    async def open(self, kinds: Iterable[str]) -> None:
        """Open a door for each kind of call."""
        for kind in kinds:
            self.doors[kind] = await Door.open(self)

    async def close(self) -> None:
        """Close every door, and break what passes through."""
        self.flowing.set()
        for door in self.doors.values():
            await door.close()

    def break_connections(self) -> None:
        """Break everything that passes through now."""
        for door in self.doors.values():
            door.break_connections()

    def heal(self) -> None:
        """Let everything pass again."""
        self.refusing = False
        self.flowing.set()
        for door in self.doors.values():
            door.armed = None


class Door:
    """An address for one kind of call. `armed` says how the next call breaks; it happens once."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._server: asyncio.Server | None = None
        self._passing: dict[asyncio.Task[None], tuple[asyncio.StreamWriter, ...]] = {}
        self.armed: Cut | None = None
        self.port = 0

    @classmethod
    async def open(cls, house: House) -> "Door":
        """Listen on a free port of loopback."""
        door = cls(house)
        door._server = await asyncio.start_server(door._enter, "127.0.0.1", 0)
        door.port = door._server.sockets[0].getsockname()[1]
        return door

    async def close(self) -> None:
        """Listen no more, and break what passes."""
        assert self._server is not None
        self._server.close()
        passing = list(self._passing)
        self.break_connections()
        await asyncio.gather(*passing, return_exceptions=True)

    def break_connections(self) -> None:
        """Break what passes through now."""
        for writers in list(self._passing.values()):
            for writer in writers:
                writer.transport.abort()

    async def _enter(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._passing[task] = (writer,)
        try:
            if self._house.refusing or self._house.upstream is None:
                return
            try:
                up_reader, up_writer = await asyncio.open_connection(*self._house.upstream)
            except OSError:
                return  # JobTracker is down, and its client finds that out here
            self._passing[task] = (writer, up_writer)
            ways = [
                asyncio.create_task(self._requests(reader, up_writer)),
                asyncio.create_task(self._answers(up_reader, writer)),
            ]
            _, pending = await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            for one in pending:
                one.cancel()
            await asyncio.wait(ways)
        finally:
            for one in self._passing.pop(task):
                one.transport.abort()

    async def _requests(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        frames = Frames(CLIENT_PREFACE_BYTES)
        with contextlib.suppress(OSError):
            while data := await reader.read(CHUNK_BYTES):
                await self._house.flowing.wait()
                call = CALL_FRAMES & frames.begun(data)
                if call and self.armed in ARRIVES:
                    writer.write(data[: round(len(data) * ARRIVES[self._cut()])])
                    await writer.drain()
                    writer.close()
                    await writer.wait_closed()
                    return
                writer.write(data)
                await writer.drain()

    async def _answers(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        frames = Frames(0)
        with contextlib.suppress(OSError):
            while data := await reader.read(CHUNK_BYTES):
                await self._house.flowing.wait()
                if CALL_FRAMES & frames.begun(data) and self.armed is Cut.ANSWER_LOST:
                    self._cut()
                    return
                writer.write(data)
                await writer.drain()

    def _cut(self) -> Cut:
        assert self.armed is not None
        done, self.armed = self.armed, None
        self._house.cuts[done] += 1
        return done
