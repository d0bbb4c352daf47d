"""Lists of Nhanh, page by page, with a guard against lists that never end."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import orjson

from sync_worker.adapters.endless_lists import ListGuard
from sync_worker.adapters.nhanh.decode import next_cursor
from sync_worker.adapters.nhanh.envelope import VENDOR, Json
from sync_worker.adapters.nhanh.fields import is_empty
from sync_worker.adapters.nhanh.transport import NhanhTransport
from sync_worker.domain.failures import MalformedAnswer

PAGE_SIZE = 100
"""The largest page that Nhanh gives."""

LONGEST_CURSOR = 4_000


class Walk:
    """One list under one filter. A page may be read again; a list that never ends is refused.

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
        self.path = path
        self._filters = filters
        self._sort = sort
        self._guard = ListGuard()

    async def page(self, cursor: str | None) -> tuple[Json, str | None]:
        """Read the rows at a cursor (None begins), undecoded, and the cursor of the page after it.

        Raises:
            VendorFailure: As `NhanhTransport.call` says; MalformedAnswer also for a cursor that came before, and for one
                empty page too many.
        """
        paginator: dict[str, Any] = {"size": PAGE_SIZE}
        if self._sort is not None:
            paginator["sort"] = self._sort
        if cursor is not None:
            paginator["next"] = orjson.Fragment(cursor)
        body = orjson.dumps({"filters": self._filters, "paginator": paginator})
        answer = await self._transport.call(self.path, body)
        following = next_cursor(answer.paginator)
        text = self._text_of(following)
        objection = self._guard.objection(cursor, text, empty=is_empty(answer.data))
        if objection is not None:
            raise MalformedAnswer(VENDOR, f"Nhanh's list {self.path} {objection}")
        return answer.data, text

    def _text_of(self, following: Json) -> str | None:
        if following is None:
            return None
        try:
            text = orjson.dumps(following, default=_as_it_came).decode()
        except TypeError:  # half a surrogate pair, or a number beyond 64 bits: it could not be sent back unchanged
            raise MalformedAnswer(VENDOR, f"Nhanh's cursor of {self.path} cannot be kept as it is") from None
        if len(text) > LONGEST_CURSOR:
            raise MalformedAnswer(VENDOR, f"Nhanh's cursor of {self.path} has {len(text)} characters")
        return text


def _as_it_came(number: object) -> orjson.Fragment:
    if isinstance(number, Decimal):
        return orjson.Fragment(str(number))
    raise TypeError
