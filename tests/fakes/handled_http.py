"""HTTP without a network: a handler answers every request, as httpx has them."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from typing import cast

import httpx
from sync_worker.adapters.http.port import HttpFailure, NeverSent, NoConnectionInTime, Reply, TimedOut

Handler = Callable[[httpx.Request], httpx.Response] | Callable[[httpx.Request], Awaitable[httpx.Response]]


class HandledHttp:
    """`Http` over a handler, which may raise httpx's errors as its transports do."""

    def __init__(self, handler: Handler) -> None:
        self._transport = httpx.MockTransport(handler)

    async def post(
        self,
        url: str,
        content: bytes,
        headers: Mapping[str, str],
        *,
        seconds: float,
        connect_seconds: float | None = None,
    ) -> Reply:
        """Have a request answered; see `Http`."""
        with _failures_told():
            timeout = httpx.Timeout(seconds, connect=connect_seconds or seconds)
            request = _request("POST", url, headers, timeout, content)
            async with asyncio.timeout(seconds):
                response = await self._transport.handle_async_request(request)
            return Reply(response.status_code, response.headers, await response.aread())

    @asynccontextmanager
    async def stream(self, url: str, headers: Mapping[str, str], *, seconds: float) -> AsyncIterator["_Streamed"]:
        """Have a request answered piece by piece; see `Http`."""
        with _failures_told():
            request = _request("GET", url, headers, httpx.Timeout(seconds))
            response = await self._transport.handle_async_request(request)
        try:
            yield _Streamed(response)
        finally:
            await response.aclose()


class _Streamed:
    """`StreamedReply` of a handler."""

    def __init__(self, response: httpx.Response) -> None:
        self.status = response.status_code
        self.headers: Mapping[str, str] = response.headers
        self._response = response

    async def pieces(self) -> AsyncIterator[bytes]:
        """Give the body."""
        with _failures_told():
            async for piece in cast("httpx.AsyncByteStream", self._response.stream):
                yield piece


def _request(
    method: str, url: str, headers: Mapping[str, str], timeout: httpx.Timeout, content: bytes | None = None
) -> httpx.Request:
    address = httpx.URL(url)
    if address.scheme not in ("http", "https") or not address.host:
        raise httpx.UnsupportedProtocol(url)
    extensions = {"timeout": timeout.as_dict()}
    return httpx.Request(method, address, headers=dict(headers), content=content, extensions=extensions)


@contextmanager
def _failures_told() -> Iterator[None]:
    try:
        yield
    except (httpx.ConnectError, httpx.UnsupportedProtocol, httpx.InvalidURL) as error:
        raise NeverSent(type(error).__name__) from error
    except (httpx.ConnectTimeout, httpx.PoolTimeout) as error:
        raise NoConnectionInTime(type(error).__name__) from error
    except (httpx.TimeoutException, TimeoutError) as error:
        raise TimedOut(type(error).__name__) from error
    except httpx.HTTPError as error:
        raise HttpFailure(type(error).__name__) from error
