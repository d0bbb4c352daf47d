"""Both vendors' API where nobody is known: every call is refused at once, and is not tried again."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

REFUSAL = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


async def _refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(REFUSAL)
        await writer.drain()
    except (OSError, asyncio.IncompleteReadError):
        pass  # whoever called has gone
    finally:
        writer.close()


@asynccontextmanager
async def an_unknowing_vendor() -> AsyncIterator[str]:
    """Run it; its address."""
    server = await asyncio.start_server(_refuse, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
