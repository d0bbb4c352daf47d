"""A list that is read page after page, each naming the next."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from functools import partial
from math import inf

from sync_worker.application.ports.clock import Clock
from sync_worker.application.ports.pages import Page
from sync_worker.application.ports.pull_catalog import MirrorRow
from sync_worker.application.ports.vendor_metrics import VendorMetrics
from sync_worker.application.pull.fetched import Fetched, fetch
from sync_worker.application.pull.sources import Step, refused_place
from sync_worker.domain.failures import Origin, VendorRefusal


class PagedSource:
    """`PullSource` over one cursor; the vendor's cursor is the place. Behind `most_pages` it stops, and the list may go on."""

    way = "page by page"

    def __init__(
        self,
        origin: Origin,
        read: Callable[[str | None], Awaitable[Page[MirrorRow]]],
        metrics: VendorMetrics,
        clock: Clock,
        *,
        most_pages: float = inf,
    ) -> None:
        self.origin = origin
        self.metrics = metrics
        self._read = read
        self._clock = clock
        self._left = most_pages

    async def steps(self, place: str | None) -> AsyncGenerator[Step, None]:
        """Read page after page; while one is worked on, the next is on its way. See `PullSource`."""
        coming = self._next(place)
        given = place
        try:
            while coming is not None:
                try:
                    fetched = await coming
                except VendorRefusal as refusal:
                    if given is not None:
                        raise refused_place(refusal) from refusal
                    raise
                given = None
                page = fetched.page
                following = page.next_cursor
                coming = None if following is None else self._next(following)
                yield Step(page.rows, following, fetched.read_time, page.refused)
        finally:
            if coming is not None:
                coming.cancel()
                await asyncio.gather(coming, return_exceptions=True)

    def _next(self, cursor: str | None) -> asyncio.Task[Fetched[MirrorRow]] | None:
        """Send for a page, if one more may be read."""
        self._left -= 1
        return asyncio.create_task(fetch(partial(self._read, cursor), self._clock)) if self._left >= 0 else None
