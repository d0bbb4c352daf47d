"""HTTP as vendors are called: an answer as a whole or as a stream, and failures that say whether anything was sent."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole answer; names of headers are found in any case."""

    status: int
    headers: Mapping[str, str]
    content: bytes


class StreamedReply(Protocol):
    """An answer whose body is still to come."""

    @property
    def status(self) -> int:
        """The HTTP status."""
        ...

    @property
    def headers(self) -> Mapping[str, str]:
        """The headers; names are found in any case."""
        ...

    def pieces(self) -> AsyncIterator[bytes]:
        """Read the body as it comes, and as it was sent.

        Raises:
            HttpFailure: It does not come to its end.
        """
        ...


class HttpFailure(Exception):
    """No whole answer came; what was asked may have been done. Its text is a word on the cause, without addresses."""


class TimedOut(HttpFailure):
    """The other side let us wait for too long."""


class NeverSent(HttpFailure):
    """No connection came about, so that nothing was sent."""


class NoConnectionInTime(NeverSent, TimedOut):
    """None came about within the time for it."""


class Http(Protocol):
    """Connections to any hosts, kept for the next call. No redirect is followed, no cookie kept, no proxy of the machine used."""

    async def post(
        self,
        url: str,
        content: bytes,
        headers: Mapping[str, str],
        *,
        seconds: float,
        connect_seconds: float | None = None,
    ) -> Reply:
        """Post, and read the whole answer, unpacked if it comes packed.

        All of it ends after so many seconds, the wait for one of the connections included; making one, after `connect_seconds`.

        Raises:
            NeverSent, TimedOut, HttpFailure: As their names say.
        """
        ...

    def stream(
        self, url: str, headers: Mapping[str, str], *, seconds: float
    ) -> AbstractAsyncContextManager[StreamedReply]:
        """Get, and read the answer's body piece by piece; each wait ends after so many seconds.

        Raises:
            NeverSent, TimedOut, HttpFailure: As their names say.
        """
        ...
