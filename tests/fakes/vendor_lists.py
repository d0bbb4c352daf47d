"""Vendors that have only lists: pages of rows in order of id, which a test can change, break or hold."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from sync_worker.application.ports.call_gate import CallGate
from sync_worker.application.ports.nhanh import Nhanh
from sync_worker.application.ports.pages import Page, RowRefusal
from sync_worker.application.ports.shopify import Shopify
from sync_worker.application.ports.vendor_metrics import VendorMetrics
from sync_worker.domain.requests import PullFilter
from sync_worker.domain.stores import Store


@dataclass
class ListingVendor:
    """`Nhanh` and `Shopify` as far as pulls use them. A cursor is the index of the first row of the page.

    A `RowRefusal` among the rows is a row that cannot be read.
    `troubles` maps a page's index to what asking for it raises, once; `holds` to an event that it waits for.
    """

    rows: list[Any]
    page_size: int = 3
    troubles: dict[int, Exception] = field(default_factory=dict)
    holds: dict[int, asyncio.Event] = field(default_factory=dict)
    asked: list[tuple[PullFilter, str | None]] = field(default_factory=list)
    cancelled: int = 0
    metrics: VendorMetrics = field(default_factory=VendorMetrics)

    async def page(self, wanted: PullFilter, cursor: str | None) -> Page[Any]:
        """Read a page."""
        self.asked.append((wanted, cursor))
        self.metrics.api_calls += 1
        first = int(cursor or 0)
        index = first // self.page_size
        if index in self.holds:
            try:
                await self.holds[index].wait()
            except asyncio.CancelledError:
                self.cancelled += 1
                raise
        if index in self.troubles:
            raise self.troubles.pop(index)
        behind = first + self.page_size
        listed = self.rows[first:behind]
        return Page(
            [row for row in listed if not isinstance(row, RowRefusal)],
            str(behind) if behind < len(self.rows) else None,
            [row for row in listed if isinstance(row, RowRefusal)],
        )

    product_page = customer_page = variant_page = page


@dataclass
class ListingVendors:
    """`Vendors` that all lead to one list."""

    vendor: ListingVendor

    def nhanh(self, store: Store, gate: CallGate) -> Nhanh:
        """Open it as Nhanh."""
        return cast("Nhanh", self.vendor)

    def shopify(self, store: Store, gate: CallGate) -> Shopify:
        """Open it as Shopify."""
        return cast("Shopify", self.vendor)


def listing(rows: Sequence[Any], page_size: int = 3) -> ListingVendors:
    """Make vendors that list these rows."""
    return ListingVendors(ListingVendor(list(rows), page_size))
