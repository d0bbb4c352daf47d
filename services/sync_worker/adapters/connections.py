"""`Http` over aiohttp, whose parser is written in C: a call costs a quarter of what it costs over one that is not."""

import ssl
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from types import TracebackType

import aiohttp
import certifi
from yarl import URL

from sync_worker.adapters.http import HttpFailure, NeverSent, NoConnectionInTime, Reply, TimedOut

MOST_CONNECTIONS = 20
"""At once, for all jobs of a process together; who needs another waits for one."""

KEPT_SECONDS = 30.0
"""So long a connection is kept without use."""

_NEVER_SENT = (aiohttp.ClientConnectorError, aiohttp.InvalidURL, aiohttp.NonHttpUrlClientError)


class Connections:
    """`Http`, for as long as the context lasts. Settings of the machine's environment (proxies, .netrc) are not taken."""

    async def __aenter__(self) -> "Connections":
        roots = ssl.create_default_context(cafile=certifi.where())  # the same on every machine
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=MOST_CONNECTIONS, keepalive_timeout=KEPT_SECONDS, ssl=roots),
            cookie_jar=aiohttp.DummyCookieJar(),
        )
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
            async with self._session.post(
                _as_it_is(url),
                data=content,
                headers=headers,
                timeout=_timeout(seconds, connect_seconds),
                allow_redirects=False,
            ) as response:
                return Reply(response.status, response.headers, await response.read())

    @asynccontextmanager
    async def stream(self, url: str, headers: Mapping[str, str], *, seconds: float) -> AsyncIterator["_Streamed"]:
        """Get; see `Http`."""
        with _failures_told():
            response = await self._session.get(
                _as_it_is(url), headers=headers, timeout=_timeout(seconds), allow_redirects=False, auto_decompress=False
            )
        async with response:
            yield _Streamed(response)


class _Streamed:
    """`StreamedReply`."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self.status = response.status
        self.headers: Mapping[str, str] = response.headers
        self._response = response

    async def pieces(self) -> AsyncIterator[bytes]:
        """Read the body; see `StreamedReply`."""
        with _failures_told():
            async for piece in self._response.content.iter_any():
                yield piece


def _as_it_is(url: str) -> URL:
    """Take an address as it was given: written another way, a signature in it would not be good any more."""
    try:
        return URL(url, encoded=True)
    except ValueError as error:
        raise aiohttp.InvalidURL(url) from error


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
    except (aiohttp.ClientError, OSError) as error:
        raise HttpFailure(type(error).__name__) from error
