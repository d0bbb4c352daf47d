"""A host of files over real connections, which it cuts in the middle of an answer when a test says so."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field


@dataclass
class FileHost:
    """Serves `content`. Each of `cuts` is how many bytes of the body of one answer are sent before its connection is cut."""

    content: bytes
    ranges: bool = True
    cuts: list[int] = field(default_factory=list)
    asked: list[bytes] = field(default_factory=list)
    url: str = ""

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one request and close."""
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            self.asked.append(head)
            asked = re.search(rb"range: bytes=(\d+)-\r\n", head, re.IGNORECASE) if self.ranges else None
            first = int(asked[1]) if asked else 0
            body = self.content[first:]
            span = f"Content-Range: bytes {first}-{len(self.content) - 1}/{len(self.content)}\r\n" if asked else ""
            status = "206 Partial Content" if asked else "200 OK"
            writer.write(
                f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{span}Connection: close\r\n\r\n".encode()
            )
            writer.write(body[: self.cuts.pop(0)] if self.cuts else body)
            await writer.drain()
        finally:
            writer.close()


@asynccontextmanager
async def a_file_host(content: bytes) -> AsyncIterator[FileHost]:
    """Run a host on a free port."""
    host = FileHost(content)
    server = await asyncio.start_server(host.answer, "127.0.0.1", 0)
    async with server:
        host.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        yield host
