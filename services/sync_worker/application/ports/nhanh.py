"""Nhanh.vn, as the operations use it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from sync_worker.application.ports.pages import Page
from sync_worker.application.ports.vendor_metrics import VendorMetrics
from sync_worker.domain.customers import NhanhCustomer
from sync_worker.domain.products import NhanhProduct, NhanhStock
from sync_worker.domain.requests import NhanhCustomerFilter, NhanhProductFilter

MAX_IDS = 100
"""Nhanh takes at most so many ids a call."""


@dataclass(frozen=True, slots=True)
class NhanhAccess:
    """What the access token grants. `depot_ids` is None when it grants every depot; the expiry is Unix seconds.

    `permissions` are in Nhanh's own words, and only shown.
    """

    expires_at: int | None
    depot_ids: frozenset[int] | None
    permissions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class StockAnswer:
    """Stock by item. `refused` are items whose stock is there and cannot be read, and why; no id is in both.

    An id that is in neither is missing, which is neither zero nor unreadable.
    """

    stock: Mapping[int, NhanhStock]
    refused: Mapping[int, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ProductAnswer:
    """Items by id. `refused` are those that cannot be read, and why; no id is in both. One in neither is unknown to Nhanh."""

    products: Mapping[int, NhanhProduct]
    refused: Mapping[int, str] = field(default_factory=dict)


class Nhanh(Protocol):
    """One store's Nhanh business, for one job. Every call passes the job's gate and the account's limiter.

    Every method raises the vendor failures of `domain.failures`, and the stops of `CallGate`. A list that never ends is a
    MalformedAnswer: one that goes in circles, or on and on without rows.
    """

    metrics: VendorMetrics

    async def check_access(self) -> NhanhAccess:
        """Ask what the token grants (`app/checkaccesstoken`)."""
        ...

    async def product_page(self, wanted: NhanhProductFilter, cursor: str | None) -> Page[NhanhProduct]:
        """Read a page of at most 100 sellable items in order of id; None begins."""
        ...

    async def customer_page(self, wanted: NhanhCustomerFilter, cursor: str | None) -> Page[NhanhCustomer]:
        """Read a page of at most 100 customers; None begins."""
        ...

    async def customers_by_id(self, nhanh_ids: Sequence[int]) -> Page[NhanhCustomer]:
        """Read at most MAX_IDS customers, in no order, as one page without another; an id in none of it is unknown to Nhanh."""
        ...

    async def stock_of(self, nhanh_ids: Sequence[int]) -> StockAnswer:
        """Read fresh stock of at most MAX_IDS items, all depots (`product/inventory`). A missing id is not zero."""
        ...

    async def products_by_id(self, nhanh_ids: Sequence[int]) -> ProductAnswer:
        """Read at most MAX_IDS items (`product/list`), each with its stock; None: Nhanh keeps no stock of it.

        An item of whose stock nothing is said is refused.
        """
        ...
