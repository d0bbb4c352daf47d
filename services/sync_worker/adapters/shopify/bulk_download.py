"""The result of a bulk operation over HTTP: a stream of whole lines that begins anywhere and outlives broken connections.

The file lies with a storage host that is no part of Shopify's API: no access token is sent to it, its redirects are not followed,
and only https, or the very origin that the shop is called at, will do.
"""

import re
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass

from yarl import URL

from sync_worker.adapters.backoff import Backoff, Retries, retry_after_seconds
from sync_worker.adapters.http.addresses import address_of
from sync_worker.adapters.http.port import Http, HttpFailure, StreamedReply
from sync_worker.adapters.shopify.answers import bounded
from sync_worker.application.ports.call_gate import CallGate
from sync_worker.application.ports.clock import Clock
from sync_worker.application.ports.shopify_bulk import UnusableResult
from sync_worker.application.ports.vendor_metrics import VendorMetrics
from sync_worker.domain.failures import VendorUnavailable

CHUNK_BYTES = 1024 * 1024
"""So much is read before it is handed on, as far as it is whole lines: some 3,000 rows. With a quarter of it SQLite works half
as much again, since each transaction writes whole pages of its indexes."""

LONGEST_LINE = 16 * 1024 * 1024
"""Bytes; no row of ours comes near it."""

RETRIES = Backoff(attempts=6, first_seconds=0.5, longest_seconds=8.0, total_seconds=600.0)
"""Of a download that does not come on; one that does begins to count anew."""

FAIR_BYTES = 16 * 1024
"""A request that brought less than this has not brought the download on, or parts of a byte each would go on for days."""

PACE_SECONDS = 60.0
PACE_BYTES = 64 * 1024
"""Less than this in so many seconds is no download."""

MOST_ADDRESSES = 3
"""So often in a row a fresh address is asked for, since the last was refused, before the result is given up."""

_ADDRESS_STATUSES = frozenset({401, 403, 404, 410})
"""How storage hosts answer to an address whose signature has run out, or whose file is gone."""

_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+|\*)", re.ASCII)

Address = Callable[[], Awaitable[str]]
"""Asks Shopify for an address of the result, since one is good for a while only."""


class Download:
    """One result, read from a byte on."""

    def __init__(
        self,
        http: Http,
        origin: str,
        gate: CallGate,
        clock: Clock,
        uniform: Callable[[float, float], float],
        metrics: VendorMetrics,
        read_seconds: float,
    ) -> None:
        self._http = http
        self._origin = URL(origin).origin()
        self._gate = gate
        self._clock = clock
        self._uniform = uniform
        self._metrics = metrics
        self._read_seconds = read_seconds

    async def lines(self, url: str, fresh: Address, offset: int) -> AsyncGenerator[bytes, None]:
        """Read whole lines, about CHUNK_BYTES at a time, to the end of the file; the last may lack its line feed.

        Raises:
            UnusableResult: The file is gone, or is no such file.
            VendorUnavailable: The host is not to be had; what was read stays good.
            WorkStopped: The gate is shut.
        """
        held = bytearray()
        retries, addresses = self._retries(), 0
        while True:
            began, start = self._clock.monotonic(), offset + len(held)
            try:
                async with aclosing(self._pieces(url, start)) as pieces:
                    async for piece in pieces:
                        held += piece
                        if len(held) < CHUNK_BYTES or not (end := held.rfind(b"\n") + 1):
                            _bounded(held)
                            continue
                        lines = bytes(held[:end])
                        del held[:end]
                        offset += end
                        yield lines
                        await self._gate.pass_through(self._read_seconds)
            except _Broken as broken:
                fault = broken
            except HttpFailure as failure:
                fault = _Broken("CONNECTION_LOST", f"the download of a bulk result broke off: {failure}")
            else:
                if held:
                    yield bytes(held)
                return
            took = self._clock.monotonic() - began
            if _came_on(offset + len(held) - start, took):
                retries, addresses, took = self._retries(), 0, 0.0
                if isinstance(fault, _NotTheRest):
                    continue
            if isinstance(fault, _AddressRefused):
                addresses += 1
                if addresses > MOST_ADDRESSES:
                    raise UnusableResult(fault.code, fault.message)
                url = await fresh()
            if not await retries.again(took, fault.retry_after):
                raise VendorUnavailable("shopify", fault.code, fault.message, retry_after=fault.retry_after)
            self._metrics.retries += 1

    async def _pieces(self, url: str, offset: int) -> AsyncGenerator[bytes, None]:
        """Make one request, and read from a byte on; where the host gives the whole file, up to there for nothing."""
        self._must_be_safe(url)
        headers = {"accept-encoding": "identity"}  # bytes are counted as they are in the file
        if offset:
            headers["range"] = f"bytes={offset}-"
        await self._gate.pass_through(self._read_seconds)
        async with self._http.stream(url, headers, seconds=self._read_seconds) as response:
            if _is_behind_the_end(response, offset):
                return
            part = _part_of(response, offset)
            skipped, received = part.skip, 0
            async for piece in self._at_a_fair_pace(response.pieces()):
                received += len(piece)
                if len(piece) <= skipped:
                    skipped -= len(piece)
                else:
                    yield piece[skipped:]
                    skipped = 0
            if skipped:
                raise UnusableResult("BULK_INCOMPLETE", "the result of a bulk operation is shorter than it was")
            part.must_be_the_rest(received)

    async def _at_a_fair_pace(self, pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        """Pass on what comes, unless it only drips: the time-out of a read never ends a connection that drips."""
        began, received = self._clock.monotonic(), 0
        async for piece in pieces:
            received += len(piece)
            yield piece
            took = self._clock.monotonic() - began
            if took >= PACE_SECONDS:
                if received < PACE_BYTES:
                    raise _Broken("TOO_SLOW", f"a bulk result came at {received / took:.0f} bytes a second")
                began, received = self._clock.monotonic(), 0

    def _must_be_safe(self, url: str) -> None:
        try:
            address = address_of(url)
        except ValueError:
            address = URL()
        if address.scheme != "https" and (not address.scheme or address.origin() != self._origin):
            message = "the result of a bulk operation lies at an address that is not taken: it is no https one"
            raise UnusableResult("UNSAFE_ADDRESS", message, retryable=False)

    def _retries(self) -> Retries:
        return Retries(RETRIES, self._clock, self._uniform, self._read_seconds)


class _Broken(Exception):
    """A request that did not end well, and may if it is made again."""

    def __init__(self, code: str, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.retry_after = retry_after


class _AddressRefused(_Broken):
    """The address is not, or no longer, good."""


class _NotTheRest(_Broken):
    """The host gave less than all that lies behind a byte, and said so: it may be asked for what follows."""


@dataclass(frozen=True, slots=True)
class _Part:
    """What an answer holds of the file: behind `skip` bytes begins what was asked for.

    `length` is how many bytes there are, where the host says which part it is; `is_last` is False where it says that more
    follows.
    """

    skip: int
    length: int | None = None
    is_last: bool = True

    def must_be_the_rest(self, received: int) -> None:
        """See whether so many bytes are the file to its end."""
        if self.length is not None and received > self.length:
            raise UnusableResult("MALFORMED_ANSWER", "a part of a bulk result is longer than its host says")
        if self.length is not None and received < self.length:
            raise _Broken("CONNECTION_LOST", "the download of a bulk result broke off without a word")
        if not self.is_last:
            raise _NotTheRest("SHORT_PARTS", "the host of a bulk operation's result gives only small parts of it")


def _is_behind_the_end(response: StreamedReply, offset: int) -> bool:
    """Whether all has been read; 416 is how a host says that nothing lies at a byte (RFC 9110, 15.5.17)."""
    if response.status != 416:
        return False
    if offset and response.headers.get("content-range") == f"bytes */{offset}":
        return True
    raise UnusableResult("BULK_INCOMPLETE", "the result of a bulk operation is shorter than it was")


def _part_of(response: StreamedReply, offset: int) -> _Part:
    """Tell which part of the file an answer is, of which everything from a byte on was asked for (RFC 9110, 14.4)."""
    status = response.status
    if status == 200:
        return _Part(offset)
    if status == 206:
        named = _RANGE.fullmatch(response.headers.get("content-range", ""))
        first, last = (int(named[1]), int(named[2])) if named else (-1, -1)
        total = last + 1 if named is None or named[3] == "*" else int(named[3])
        if first != offset or not first <= last < total:
            raise UnusableResult("MALFORMED_ANSWER", "a part of a bulk result came that was not asked for")
        return _Part(0, last - first + 1, last + 1 == total)
    message = f"the host of a bulk operation's result answered with HTTP {status}"
    if status in _ADDRESS_STATUSES:
        raise _AddressRefused("BULK_RESULT_GONE", message)
    if status in (408, 429) or status >= 500:
        raise _Broken(f"HTTP_{status}", message, bounded(retry_after_seconds(response.headers.get("retry-after"))))
    raise UnusableResult("MALFORMED_ANSWER", message)


def _came_on(received: int, seconds: float) -> bool:
    """Whether a request brought a fair amount at a fair pace, rows or not: a chunk may take many such requests."""
    return received >= FAIR_BYTES and received * PACE_SECONDS >= PACE_BYTES * seconds


def _bounded(held: bytearray) -> None:
    if len(held) > LONGEST_LINE:
        raise UnusableResult("MALFORMED_ANSWER", "a line of a bulk operation's result does not end")
