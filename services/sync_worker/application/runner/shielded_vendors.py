"""Vendors whose writes are marked, so that a stop never cuts one in two."""

from collections.abc import AsyncGenerator, Mapping, Sequence

from sync_worker.application.ports.call_gate import CallGate
from sync_worker.application.ports.nhanh import Nhanh
from sync_worker.application.ports.pages import Page
from sync_worker.application.ports.shopify import (
    BatchOutcome,
    PriceChange,
    QuantityChange,
    Shopify,
    SpendChange,
    VariantPrice,
)
from sync_worker.application.ports.shopify_bulk import (
    BulkChunk,
    BulkList,
    BulkOperation,
    BulkPosition,
    ShopifyBulk,
    SlotsTaken,
)
from sync_worker.application.ports.vendor_metrics import VendorMetrics
from sync_worker.application.ports.vendors import Vendors
from sync_worker.application.runner.stopping import Stopping
from sync_worker.domain.customers import ShopifyCustomer
from sync_worker.domain.products import ShopifyLocation, ShopifyVariant
from sync_worker.domain.requests import ShopifyCustomerFilter, ShopifyProductFilter
from sync_worker.domain.stores import Store


class ShieldedVendors:
    """`Vendors` for one attempt. Nhanh is only read and needs no shield."""

    def __init__(self, vendors: Vendors, stopping: Stopping) -> None:
        self._vendors = vendors
        self._stopping = stopping

    def nhanh(self, store: Store, gate: CallGate) -> Nhanh:
        """Open the store's Nhanh business."""
        return self._vendors.nhanh(store, gate)

    def shopify(self, store: Store, gate: CallGate) -> Shopify:
        """Open the store's Shopify shop."""
        return ShieldedShopify(self._vendors.shopify(store, gate), self._stopping)


class ShieldedShopify:
    """`Shopify` that passes reads on and marks writes."""

    def __init__(self, shopify: Shopify, stopping: Stopping) -> None:
        self._shopify = shopify
        self._stopping = stopping
        self.metrics: VendorMetrics = shopify.metrics

    @property
    def bulk(self) -> ShopifyBulk:
        """Mark what starts an operation; see `Shopify`."""
        return ShieldedBulk(self._shopify.bulk, self._stopping)

    async def variant_page(self, wanted: ShopifyProductFilter, cursor: str | None) -> Page[ShopifyVariant]:
        """Read; see `Shopify`."""
        return await self._shopify.variant_page(wanted, cursor)

    async def customer_page(self, wanted: ShopifyCustomerFilter, cursor: str | None) -> Page[ShopifyCustomer]:
        """Read; see `Shopify`."""
        return await self._shopify.customer_page(wanted, cursor)

    async def locations(self) -> Sequence[ShopifyLocation]:
        """Read; see `Shopify`."""
        return await self._shopify.locations()

    async def quantities_of(
        self, inventory_item_ids: Sequence[int], location_ids: Sequence[int]
    ) -> Mapping[tuple[int, int], int | None]:
        """Read; see `Shopify`."""
        return await self._shopify.quantities_of(inventory_item_ids, location_ids)

    async def spends_of(self, customer_ids: Sequence[int]) -> Mapping[int, int | None]:
        """Read; see `Shopify`."""
        return await self._shopify.spends_of(customer_ids)

    async def prices_of(self, variant_ids: Sequence[int]) -> Mapping[int, VariantPrice]:
        """Read; see `Shopify`."""
        return await self._shopify.prices_of(variant_ids)

    async def set_quantities(self, changes: Sequence[QuantityChange], idempotency_key: str) -> BatchOutcome:
        """Write; see `Shopify`."""
        with self._stopping.writing():
            return await self._shopify.set_quantities(changes, idempotency_key)

    async def set_spends(self, changes: Sequence[SpendChange]) -> BatchOutcome:
        """Write; see `Shopify`."""
        with self._stopping.writing():
            return await self._shopify.set_spends(changes)

    async def set_prices(self, product_id: int, changes: Sequence[PriceChange]) -> BatchOutcome:
        """Write; see `Shopify`."""
        with self._stopping.writing():
            return await self._shopify.set_prices(product_id, changes)


class ShieldedBulk:
    """`ShopifyBulk` that is told the id of whatever it starts, so that it can be stopped or picked up again."""

    def __init__(self, bulk: ShopifyBulk, stopping: Stopping) -> None:
        self._bulk = bulk
        self._stopping = stopping

    async def find(self, pull_id: str) -> BulkOperation | None:
        """Read; see `ShopifyBulk`."""
        return await self._bulk.find(pull_id)

    async def start(self, wanted: BulkList, pull_id: str) -> BulkOperation | SlotsTaken:
        """Write; see `ShopifyBulk`."""
        with self._stopping.writing():
            return await self._bulk.start(wanted, pull_id)

    async def look(self, operation_id: int) -> BulkOperation | None:
        """Read; see `ShopifyBulk`."""
        return await self._bulk.look(operation_id)

    async def cancel(self, operation_id: int) -> None:
        """Best effort, and so not held up; see `ShopifyBulk`."""
        await self._bulk.cancel(operation_id)

    def read(
        self, operation: BulkOperation, wanted: BulkList, position: BulkPosition
    ) -> AsyncGenerator[BulkChunk, None]:
        """Read; see `ShopifyBulk`."""
        return self._bulk.read(operation, wanted, position)
