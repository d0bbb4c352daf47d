"""How each pull is read."""

from dataclasses import replace

from sync_worker.application.ports.clock import Clock
from sync_worker.application.ports.job import JobContext
from sync_worker.application.ports.pull_catalog import PullPlace
from sync_worker.application.ports.vendors import Vendors
from sync_worker.application.pull.paged import PagedSource
from sync_worker.application.pull.sources import PullSource
from sync_worker.application.pull.windows import MirroredCustomers, WindowedSource, is_place
from sync_worker.domain.failures import Origin
from sync_worker.domain.requests import (
    NhanhCustomerFilter,
    NhanhProductFilter,
    PullFilter,
    ShopifyCustomerFilter,
    ShopifyProductFilter,
)


def source_of(
    wanted: PullFilter, place: PullPlace, job: JobContext, vendors: Vendors, clock: Clock, mirrored: MirroredCustomers
) -> PullSource:
    """Open what a filter reads; changes before the place's `since` are not asked for. A pull goes on as it has begun."""
    wanted = _narrowed(wanted, place.since)
    if isinstance(wanted, NhanhProductFilter | NhanhCustomerFilter):
        nhanh = vendors.nhanh(job.store, job.gate)
        if isinstance(wanted, NhanhProductFilter):
            products = wanted
            return PagedSource(Origin.NHANH, lambda cursor: nhanh.product_page(products, cursor), nhanh.metrics, clock)
        customers = wanted
        if customers.updated_since is None and (place.cursor is None or is_place(place.cursor)):
            return WindowedSource(nhanh, customers, mirrored, clock)
        return PagedSource(Origin.NHANH, lambda cursor: nhanh.customer_page(customers, cursor), nhanh.metrics, clock)
    shopify = vendors.shopify(job.store, job.gate)
    if isinstance(wanted, ShopifyProductFilter):
        variants = wanted
        return PagedSource(
            Origin.SHOPIFY, lambda cursor: shopify.variant_page(variants, cursor), shopify.metrics, clock
        )
    buyers: ShopifyCustomerFilter = wanted
    return PagedSource(Origin.SHOPIFY, lambda cursor: shopify.customer_page(buyers, cursor), shopify.metrics, clock)


def _narrowed(wanted: PullFilter, since: int | None) -> PullFilter:
    if since is None:
        return wanted
    return replace(wanted, updated_since=max(since, wanted.updated_since or 0))
