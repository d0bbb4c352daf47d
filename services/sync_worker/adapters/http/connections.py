"""`Http` over aiohttp, whose parser is written in C: a call costs a quarter of what it costs over one that is not."""

import asyncio
import re
import ssl
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from types import TracebackType

import aiohttp
import certifi
from yarl import URL

from sync_worker.adapters.http.addresses import address_of
from sync_worker.adapters.http.port import HttpFailure, NeverSent, NoConnectionInTime, Reply, TimedOut
from sync_worker.adapters.http.quiet_connector import QuietConnector

MOST_CONNECTIONS = 20
"""At once, for all jobs of a process together; who needs another waits for one."""

KEPT_SECONDS = 30.0
"""So long a connection is kept without use."""

_NEVER_SENT = (aiohttp.ClientConnectorError, aiohttp.InvalidURL, aiohttp.NonHttpUrlClientError)

_NOT_IN_HEADERS = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")


class Connections:
    """`Http`, for as long as the context lasts. Settings of the machine's environment (proxies, .netrc) are not taken."""

    async def __aenter__(self) -> "Connections":
        roots = ssl.create_default_context(cafile=certifi.where())  # the same on every machine
        self._session = aiohttp.ClientSession(
            connector=QuietConnector(limit=0, keepalive_timeout=KEPT_SECONDS, ssl=roots),
            cookie_jar=aiohttp.DummyCookieJar(),
        )
        self._places = asyncio.Semaphore(MOST_CONNECTIONS)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._session.close()

    async def post(
        self,
        url: str,
        content: bytes,
        headers: Mapping[str, str],
        *,
        seconds: float,
        connect_seconds: float | None = None,
    ) -> Reply:
        """Post; see `Http`."""
        with _failures_told():
            address, deadline = _sendable(url, headers), asyncio.get_running_loop().time() + seconds
            async with (
                self._place(deadline),
                asyncio.timeout_at(deadline),
                self._session.post(
                    address,
                    data=content,
                    headers=headers,
                    timeout=_timeout(seconds, connect_seconds),
                    allow_redirects=False,
                ) as response,
            ):
                return Reply(response.status, response.headers, await response.read())

    @asynccontextmanager
    async def stream(self, url: str, headers: Mapping[str, str], *, seconds: float) -> AsyncIterator["_Streamed"]:
        """Get; see `Http`."""
        async with self._place(asyncio.get_running_loop().time() + seconds):
            with _failures_told():
                response = await self._session.get(
                    _sendable(url, headers),
                    headers=headers,
                    timeout=_timeout(seconds),
                    allow_redirects=False,
                    auto_decompress=False,
                )
            async with response:
                yield _Streamed(response, seconds)

    @asynccontextmanager
    async def _place(self, deadline: float) -> AsyncIterator[None]:
        """Hold one of the connections; a host's own time for it begins only once there is one to be had."""
        try:
            async with asyncio.timeout_at(deadline):
                await self._places.acquire()
        except TimeoutError:
            raise NoConnectionInTime("AllConnectionsInUse") from None
        try:
            yield
        finally:
            self._places.release()


class _Streamed:
    """`StreamedReply`."""

    def __init__(self, response: aiohttp.ClientResponse, seconds: float) -> None:
        self.status = response.status
        self.headers: Mapping[str, str] = response.headers
        self._content = response.content
        self._seconds = seconds

    async def pieces(self) -> AsyncIterator[bytes]:
        """Read the body; see `StreamedReply`."""
        with _failures_told():
            while piece := await self._next():
                yield piece

    async def _next(self) -> bytes:
        """Wait for a piece; aiohttp's own time-out does not end the wait behind a chunk whose size cannot be read."""
        async with asyncio.timeout(self._seconds):
            return await self._content.readany()


def _sendable(url: str, headers: Mapping[str, str]) -> URL:
    """See to it that address and headers can be sent as they are."""
    for name, text in headers.items():
        if _NOT_IN_HEADERS.search(name) or _NOT_IN_HEADERS.search(text):
            raise NeverSent("InvalidHeader")
    try:
        return address_of(url)
    except ValueError:
        raise NeverSent("InvalidURL") from None


def _timeout(seconds: float, connect_seconds: float | None = None) -> aiohttp.ClientTimeout:
    connect = seconds if connect_seconds is None else connect_seconds
    return aiohttp.ClientTimeout(total=None, connect=connect, sock_connect=connect, sock_read=seconds)


@contextmanager
def _failures_told() -> Iterator[None]:
    """Say of aiohttp's failures what callers have to know of them."""
    try:
        yield
    except _NEVER_SENT as error:
        raise NeverSent(type(error).__name__) from error
    except aiohttp.ConnectionTimeoutError as error:
        raise NoConnectionInTime(type(error).__name__) from error
    except TimeoutError as error:
        raise TimedOut(type(error).__name__) from error
    except (aiohttp.ClientError, OSError, ValueError) as error:
        raise HttpFailure(type(error).__name__) from error
