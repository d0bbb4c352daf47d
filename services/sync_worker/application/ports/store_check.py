"""The vendors, as far as a store's connections are tested."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from sync_worker.application.ports.call_gate import CallGate
from sync_worker.application.ports.nhanh import NhanhAccess
from sync_worker.application.ports.pages import Page
from sync_worker.domain.products import NhanhProduct, ShopifyLocation
from sync_worker.domain.requests import NhanhProductFilter
from sync_worker.domain.stores import Store


@dataclass(frozen=True, slots=True)
class ShopifyPoints:
    """The shop's bucket as Shopify last told of it: points, and points a second."""

    maximum: float
    available: float
    restored_per_second: float


@dataclass(frozen=True, slots=True)
class ShopifyAccess:
    """What Shopify says of a shop and of what our app may do there.

    `version_served` is None where Shopify does not say it; `version_fault` says why nothing may be written under it, and
    `version_warning` what is the matter where it is not the one that was asked for. `token_granted`: tokens are granted and
    expire, the one at hand at `token_expires_at` (Unix microseconds).
    """

    shop_name: str
    currency: str
    scopes: frozenset[str]
    version_asked: str
    version_served: str | None
    version_warning: str | None
    version_fault: str | None
    points: ShopifyPoints | None
    token_granted: bool
    token_expires_at: int | None


class CheckedNhanh(Protocol):
    """A Nhanh business; see `Nhanh`."""

    async def check_access(self) -> NhanhAccess:
        """Ask what the token grants."""
        ...

    async def product_page(self, wanted: NhanhProductFilter, cursor: str | None) -> Page[NhanhProduct]:
        """Read a page of products."""
        ...


class CheckedShopify(Protocol):
    """A Shopify shop; see `Shopify`."""

    async def check_access(self) -> ShopifyAccess:
        """Ask what the shop is, and which scopes the app was granted."""
        ...

    async def locations(self) -> Sequence[ShopifyLocation]:
        """Read every location."""
        ...


class CheckedVendors(Protocol):
    """Opens the vendors of a store; limiters are those of its jobs."""

    def nhanh(self, store: Store, gate: CallGate) -> CheckedNhanh:
        """Open the store's Nhanh business."""
        ...

    def shopify(self, store: Store, gate: CallGate) -> CheckedShopify:
        """Open the store's Shopify shop."""
        ...
