"""How each pull is read."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial

from sync_worker.application.ports.clock import Clock
from sync_worker.application.ports.job import JobContext
from sync_worker.application.ports.pages import Page
from sync_worker.application.ports.pull_catalog import MirrorRow, PullPlace
from sync_worker.application.ports.shopify import Shopify
from sync_worker.application.ports.shopify_bulk import BulkList
from sync_worker.application.ports.vendors import Vendors
from sync_worker.application.pull.bulk import BulkSource
from sync_worker.application.pull.bulk_place import is_bulk_place
from sync_worker.application.pull.last_call_gate import LastCallGate
from sync_worker.application.pull.left_behind import ClearingFirst
from sync_worker.application.pull.paged import PagedSource
from sync_worker.application.pull.pages_then_bulk import DEEPEST_PAGE, PagesThenBulk
from sync_worker.application.pull.sources import PullSource
from sync_worker.application.pull.windows import MirroredCustomers, WindowedSource, is_window_place
from sync_worker.domain.failures import Origin
from sync_worker.domain.requests import (
    NhanhCustomerFilter,
    NhanhProductFilter,
    PullFilter,
    PullMethod,
    PullMode,
    PullRequest,
    ShopifyCustomerFilter,
    ShopifyProductFilter,
)
from sync_worker.domain.stores import Store


def source_of(
    request: PullRequest,
    place: PullPlace,
    job: JobContext,
    vendors: Vendors,
    clock: Clock,
    mirrored: MirroredCustomers,
) -> PullSource:
    """Open what a pull reads; changes before the place's `since` are not asked for. A pull goes on as it has begun."""
    wanted = _narrowed(request.filter, place.since)
    if isinstance(wanted, ShopifyProductFilter | ShopifyCustomerFilter):
        return _at_shopify(wanted, request, place, job, vendors, clock)
    nhanh = vendors.nhanh(job.store, job.gate)
    if isinstance(wanted, NhanhProductFilter):
        return PagedSource(Origin.NHANH, partial(nhanh.product_page, wanted), nhanh.metrics, clock)
    if wanted.updated_since is None and (place.cursor is None or is_window_place(place.cursor)):
        return WindowedSource(nhanh, wanted, mirrored, clock)
    return PagedSource(Origin.NHANH, partial(nhanh.customer_page, wanted), nhanh.metrics, clock)


def _at_shopify(
    wanted: ShopifyProductFilter | ShopifyCustomerFilter,
    request: PullRequest,
    place: PullPlace,
    job: JobContext,
    vendors: Vendors,
    clock: Clock,
) -> PullSource:
    shopify = vendors.shopify(job.store, job.gate)
    by_bulk = goes_by_bulk(request, place)
    source: PullSource
    if not by_bulk and request.method is PullMethod.PAGES:
        source = PagedSource(Origin.SHOPIFY, _pages_of(shopify, wanted), shopify.metrics, clock)
    else:
        farewell = vendors.shopify(job.store, LastCallGate(job.gate))
        gathered = BulkList(wanted, with_levels=place.levels is not None)
        source = bulk = BulkSource(shopify.bulk, farewell.bulk, shopify.metrics, gathered, place, job, clock)
        if not by_bulk:
            left = max(0, DEEPEST_PAGE - place.counts.pages)
            pages = PagedSource(Origin.SHOPIFY, _pages_of(shopify, wanted), shopify.metrics, clock, most_pages=left)
            source = PagesThenBulk(pages, bulk)
    return source if place.left is None else ClearingFirst(source, shopify.bulk, place.left)


def _pages_of(
    shopify: Shopify, wanted: ShopifyProductFilter | ShopifyCustomerFilter
) -> Callable[[str | None], Awaitable[Page[MirrorRow]]]:
    if isinstance(wanted, ShopifyProductFilter):
        return partial(shopify.variant_page, wanted)
    return partial(shopify.customer_page, wanted)


def goes_by_bulk(request: PullRequest, place: PullPlace) -> bool:
    """Whether a pull from Shopify goes by a bulk operation: as asked, or else as it was begun, or else when it is a FULL one."""
    if request.method is not PullMethod.AUTO:
        return request.method is PullMethod.BULK
    if place.cursor is not None:
        return is_bulk_place(place.cursor)
    return place.mode is PullMode.FULL


def reads_levels(request: PullRequest, store: Store) -> bool:
    """Whether a FULL pull reads stock levels beside its rows: of a store that tells its locations apart, and of all variants.

    They double or treble what a bulk operation brings; a page of 35 points would cost 22 more for each location.
    """
    return request.filter == ShopifyProductFilter() and bool(store.locations) and request.method is not PullMethod.PAGES


def begun_otherwise(request: PullRequest, place: PullPlace) -> bool:
    """Whether an unfinished pull from Shopify was begun another way than is asked for now, so that its place is of no use.

    One that has read nothing yet was begun to read stock levels, or any way.
    """
    if place.read_to_end or isinstance(request.filter, NhanhProductFilter | NhanhCustomerFilter):
        return False
    if place.cursor is None:
        return place.levels is not None and not goes_by_bulk(request, place)
    return goes_by_bulk(request, place) is not is_bulk_place(place.cursor)


def _narrowed(wanted: PullFilter, since: int | None) -> PullFilter:
    if since is None:
        return wanted
    return replace(wanted, updated_since=max(since, wanted.updated_since or 0))
