"""Lists of Nhanh, page by page, with a guard against going round in circles."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import orjson

from sync_worker.adapters.nhanh.decode import next_cursor
from sync_worker.adapters.nhanh.envelope import VENDOR, Json
from sync_worker.adapters.nhanh.transport import NhanhTransport
from sync_worker.domain.failures import MalformedAnswer

PAGE_SIZE = 100
"""The largest page that Nhanh gives."""

LONGEST_CURSOR = 4_000


class Walk:
    """One list under one filter. A page may be read again; a page that leads back to an earlier one is refused.

    Where it ends, in Nhanh's own words: `next` is absent or empty. A short page is not the end, nor is an empty page with
    a `next`: rows that are hidden or deleted are taken out of a page after it was cut.
    """

    def __init__(
        self,
        transport: NhanhTransport,
        path: str,
        filters: Mapping[str, object],
        sort: Mapping[str, str] | None,
    ) -> None:
        self._transport = transport
        self._path = path
        self._filters = filters
        self._sort = sort
        self._circle = CircleGuard()

    async def page(self, cursor: str | None) -> tuple[Json, str | None]:
        """Read the rows at a cursor (None begins), undecoded, and the cursor of the page after it.

        Raises:
            VendorFailure: As `NhanhTransport.call` says; MalformedAnswer also for a cursor that came before.
        """
        if cursor is None:
            self._circle = CircleGuard()
        paginator: dict[str, Any] = {"size": PAGE_SIZE}
        if self._sort is not None:
            paginator["sort"] = self._sort
        if cursor is not None:
            paginator["next"] = orjson.Fragment(cursor)
        body = orjson.dumps({"filters": self._filters, "paginator": paginator})
        answer = await self._transport.call(self._path, body)
        following = next_cursor(answer.paginator)
        text = self._text_of(following)
        if text is not None and self._circle.closes(cursor, text):
            message = f"Nhanh's list {self._path} goes in circles: it leads to cursor {text} again"
            raise MalformedAnswer(VENDOR, message)
        return answer.data, text

    def _text_of(self, following: Json) -> str | None:
        if following is None:
            return None
        try:
            text = orjson.dumps(following, default=_as_it_came).decode()
        except TypeError:  # half a surrogate pair, or a number beyond 64 bits: it could not be sent back unchanged
            raise MalformedAnswer(VENDOR, f"Nhanh's cursor of {self._path} cannot be kept as it is") from None
        if len(text) > LONGEST_CURSOR:
            raise MalformedAnswer(VENDOR, f"Nhanh's cursor of {self._path} has {len(text)} characters")
        return text


class CircleGuard:
    """Finds out that a list leads round and round, whatever the circle's length, in constant memory.

    The cursor that is remembered moves on after 1, 2, 4 … pages: Brent, "An improved Monte Carlo factorization algorithm"
    (BIT 20, 1980). A page that is read again counts once.
    """

    def __init__(self) -> None:
        self._last: list[str | None] = []
        self._remembered: str | None = None
        self._pages = 0
        self._until = 1

    def closes(self, cursor: str | None, following: str) -> bool:
        """Take note of a page at `cursor` that leads to `following`; whether that has come before."""
        if self._last == [cursor]:
            return following == cursor
        if following in (cursor, self._remembered):
            return True
        self._last = [cursor]
        self._pages += 1
        if self._pages == self._until:
            self._remembered, self._pages, self._until = following, 0, 2 * self._until
        return False


def _as_it_came(number: object) -> orjson.Fragment:
    if isinstance(number, Decimal):
        return orjson.Fragment(str(number))
    raise TypeError
