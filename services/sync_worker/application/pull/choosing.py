"""How each pull is read."""

from dataclasses import replace

from sync_worker.application.ports.clock import Clock
from sync_worker.application.ports.job import JobContext
from sync_worker.application.ports.vendors import Vendors
from sync_worker.application.pull.paged import PagedSource
from sync_worker.application.pull.sources import PullSource
from sync_worker.domain.failures import Origin
from sync_worker.domain.requests import (
    NhanhCustomerFilter,
    NhanhProductFilter,
    PullFilter,
    ShopifyCustomerFilter,
    ShopifyProductFilter,
)


def source_of(wanted: PullFilter, since: int | None, job: JobContext, vendors: Vendors, clock: Clock) -> PullSource:
    """Open what a filter reads; changes before `since` (Unix seconds) are not asked for."""
    wanted = _narrowed(wanted, since)
    if isinstance(wanted, NhanhProductFilter | NhanhCustomerFilter):
        nhanh = vendors.nhanh(job.store, job.gate)
        if isinstance(wanted, NhanhProductFilter):
            products = wanted
            return PagedSource(Origin.NHANH, lambda cursor: nhanh.product_page(products, cursor), nhanh.metrics, clock)
        customers = wanted
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
