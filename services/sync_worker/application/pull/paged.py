"""A list that is read page after page, each naming the next."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass

from sync_worker.application.ports.clock import Clock
from sync_worker.application.ports.pages import Page
from sync_worker.application.ports.pull_catalog import MirrorRow
from sync_worker.application.ports.vendor_metrics import VendorMetrics
from sync_worker.application.pull.sources import Step
from sync_worker.domain.failures import Origin


class PagedSource:
    """`PullSource` over one cursor; the vendor's cursor is the place."""

    way = "page by page"

    def __init__(
        self,
        origin: Origin,
        read: Callable[[str | None], Awaitable[Page[MirrorRow]]],
        metrics: VendorMetrics,
        clock: Clock,
    ) -> None:
        self.origin = origin
        self.metrics = metrics
        self._read = read
        self._clock = clock

    async def steps(self, place: str | None) -> AsyncGenerator[Step, None]:
        """Read to the end of the list; while a page is worked on, the next is on its way. See `PullSource`."""
        coming: asyncio.Task[_Fetched] | None = asyncio.create_task(self._fetch(place))
        try:
            while coming is not None:
                fetched = await coming
                page = fetched.page
                following = page.next_cursor
                coming = None if following is None else asyncio.create_task(self._fetch(following))
                yield Step(page.rows, following, fetched.read_time, page.refused)
        finally:
            if coming is not None:
                coming.cancel()
                await asyncio.gather(coming, return_exceptions=True)

    async def _fetch(self, cursor: str | None) -> "_Fetched":
        read_time = self._clock.now_micros()
        return _Fetched(await self._read(cursor), read_time)


@dataclass(frozen=True, slots=True)
class _Fetched:
    """A page, and when it was asked for (Unix microseconds)."""

    page: Page[MirrorRow]
    read_time: int
