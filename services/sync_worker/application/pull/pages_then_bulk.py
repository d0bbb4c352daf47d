"""Changes at Shopify that turn out to be more than it pages through: what pages cannot reach, a bulk operation gathers.

How many rows have changed nobody knows beforehand, and a count costs as much as ten rows do. So pages are read as far as
Shopify gives them; then a bulk operation brings the same list from its beginning. The rows that pages have brought are counted
once: they have not changed since, or are updated again.
"""

from collections.abc import AsyncGenerator
from contextlib import aclosing

from sync_worker.application.pull.bulk import BulkSource
from sync_worker.application.pull.paged import PagedSource
from sync_worker.application.pull.sources import Step, Waiting

DEEPEST_PAGE = 100
"""Of 250 rows each: Shopify pages through no more than 25,000 of one list (shopify.dev, "Shopify API limits")."""


class PagesThenBulk:
    """`PullSource` over pages, and over a bulk operation if the list goes on behind the last of them."""

    def __init__(self, pages: PagedSource, bulk: BulkSource) -> None:
        self.origin = pages.origin
        self.metrics = pages.metrics
        self.way = pages.way
        self._pages = pages
        self._bulk = bulk

    async def steps(self, place: str | None) -> AsyncGenerator[Step | Waiting, None]:
        """Read from a page on; see `PullSource`. Once there is an operation, it is the place, and `BulkSource` alone goes on."""
        async with aclosing(self._pages.steps(place)) as steps:
            async for step in steps:
                yield step
                if step.place is None:
                    return
        self.way = f"{self._pages.way}, and {self._bulk.way} behind page {DEEPEST_PAGE}"
        async with aclosing(self._bulk.steps(None)) as gathered:
            async for each in gathered:
                yield each
