"""Where the pages of each pull come from."""

from collections.abc import Awaitable, Callable
from dataclasses import replace

from sync_worker.application.ports.job import JobContext
from sync_worker.application.ports.pages import Page
from sync_worker.application.ports.pull_catalog import MirrorRow
from sync_worker.application.ports.vendor_metrics import VendorMetrics
from sync_worker.application.ports.vendors import Vendors
from sync_worker.domain.failures import Origin
from sync_worker.domain.requests import (
    NhanhCustomerFilter,
    NhanhProductFilter,
    PullFilter,
    ShopifyCustomerFilter,
    ShopifyProductFilter,
)


class PullSource:
    """One pull's pages, and what reading them costs."""

    def __init__(
        self, origin: Origin, read: Callable[[str | None], Awaitable[Page[MirrorRow]]], metrics: VendorMetrics
    ) -> None:
        self.origin = origin
        self.metrics = metrics
        self._read = read

    @property
    def has_points(self) -> bool:
        """Whether the vendor counts what calls cost in points."""
        return self.origin is Origin.SHOPIFY

    async def page(self, cursor: str | None) -> Page[MirrorRow]:
        """Read the page at a cursor; None begins.

        Raises:
            VendorFailure, WorkStopped: As the vendor's port says.
        """
        return await self._read(cursor)


def source_of(wanted: PullFilter, since: int | None, job: JobContext, vendors: Vendors) -> PullSource:
    """Open what a filter reads; changes before `since` (Unix seconds) are not asked for."""
    wanted = _narrowed(wanted, since)
    if isinstance(wanted, NhanhProductFilter | NhanhCustomerFilter):
        nhanh = vendors.nhanh(job.store, job.gate)
        if isinstance(wanted, NhanhProductFilter):
            products = wanted
            return PullSource(Origin.NHANH, lambda cursor: nhanh.product_page(products, cursor), nhanh.metrics)
        customers = wanted
        return PullSource(Origin.NHANH, lambda cursor: nhanh.customer_page(customers, cursor), nhanh.metrics)
    shopify = vendors.shopify(job.store, job.gate)
    if isinstance(wanted, ShopifyProductFilter):
        variants = wanted
        return PullSource(Origin.SHOPIFY, lambda cursor: shopify.variant_page(variants, cursor), shopify.metrics)
    buyers: ShopifyCustomerFilter = wanted
    return PullSource(Origin.SHOPIFY, lambda cursor: shopify.customer_page(buyers, cursor), shopify.metrics)


def _narrowed(wanted: PullFilter, since: int | None) -> PullFilter:
    if since is None:
        return wanted
    return replace(wanted, updated_since=max(since, wanted.updated_since or 0))
