"""Shopify, as the operations use it. Ids are the numbers inside the gids."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from sync_worker.application.ports.pages import Page
from sync_worker.application.ports.shopify_bulk import ShopifyBulk
from sync_worker.application.ports.vendor_metrics import VendorMetrics
from sync_worker.domain.customers import ShopifyCustomer
from sync_worker.domain.products import ShopifyLocation, ShopifyVariant
from sync_worker.domain.requests import ShopifyCustomerFilter, ShopifyProductFilter

MAX_QUANTITIES = 250
"""Shopify takes at most so many quantities a call."""

MAX_METAFIELDS = 25
"""Shopify takes at most so many metafields a call, and sets all of them or none."""


@dataclass(frozen=True, slots=True)
class QuantityChange:
    """Set what is available of an item at a location; `change_from` is compared first unless it is None."""

    inventory_item_id: int
    location_id: int
    quantity: int
    change_from: int | None


@dataclass(frozen=True, slots=True)
class SpendChange:
    """Set a customer's metafield `custom.total_spent`, whole VND."""

    customer_id: int
    total_spent: int


@dataclass(frozen=True, slots=True)
class PriceChange:
    """Set a variant's price and compare-at price (None clears it), ten-thousandths."""

    variant_id: int
    price: int
    compare_at_price: int | None


@dataclass(frozen=True, slots=True)
class ItemRefusal:
    """Shopify's word on one entry of a batch (a `userErrors` row whose path names it)."""

    code: str
    message: str
    retryable: bool


@dataclass(frozen=True, slots=True)
class BatchOutcome:
    """What came of a batch.

    `refusals` is keyed by the index of the entry. With `applied` False nothing was written; a refusal that names no
    entry stands in `batch_refusal`.
    """

    applied: bool
    refusals: Mapping[int, ItemRefusal]
    batch_refusal: ItemRefusal | None = None


@dataclass(frozen=True, slots=True)
class VariantPrice:
    """A variant's prices as Shopify has them, ten-thousandths."""

    price: int
    compare_at_price: int | None


class Shopify(Protocol):
    """One store's Shopify shop, for one job. Every call passes the job's gate and the shop's limiter.

    Every method raises the vendor failures of `domain.failures`, and the stops of `CallGate`. A list that never ends is a
    MalformedAnswer: one that goes in circles, or on and on without rows. After a write that ends
    in `VendorUnavailable` with `outcome_unknown`, only reading back tells what happened.
    """

    metrics: VendorMetrics

    @property
    def bulk(self) -> ShopifyBulk:
        """The shop's bulk operations."""
        ...

    async def variant_page(self, wanted: ShopifyProductFilter, cursor: str | None) -> Page[ShopifyVariant]:
        """Read a page of at most 250 variants; None begins."""
        ...

    async def customer_page(self, wanted: ShopifyCustomerFilter, cursor: str | None) -> Page[ShopifyCustomer]:
        """Read a page of at most 250 customers; None begins."""
        ...

    async def locations(self) -> Sequence[ShopifyLocation]:
        """Read every location of the shop."""
        ...

    async def quantities_of(
        self, inventory_item_ids: Sequence[int], location_ids: Sequence[int]
    ) -> Mapping[tuple[int, int], int | None]:
        """Read what is available of at most MAX_QUANTITIES items at these locations, keyed by (item, location).

        None: the item is not stocked there. A missing key: the item is gone.
        """
        ...

    async def set_quantities(self, changes: Sequence[QuantityChange], idempotency_key: str) -> BatchOutcome:
        """Set at most MAX_QUANTITIES quantities, all or none (`inventorySetQuantities`).

        Shopify keeps keys for 24 hours: within them the same key with the same changes never applies twice.
        """
        ...

    async def spends_of(self, customer_ids: Sequence[int]) -> Mapping[int, int | None]:
        """Read `custom.total_spent` of at most 250 customers. None: not set. A missing key: the customer is gone."""
        ...

    async def set_spends(self, changes: Sequence[SpendChange]) -> BatchOutcome:
        """Set at most MAX_METAFIELDS spends, all or none (`metafieldsSet`)."""
        ...

    async def prices_of(self, variant_ids: Sequence[int]) -> Mapping[int, VariantPrice]:
        """Read the prices of at most 250 variants. A missing key: the variant is gone."""
        ...

    async def set_prices(self, product_id: int, changes: Sequence[PriceChange]) -> BatchOutcome:
        """Set prices of variants of one product, all or none (`productVariantsBulkUpdate`)."""
        ...
