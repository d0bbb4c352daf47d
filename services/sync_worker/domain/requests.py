"""What each operation is asked with: the typed content of a job's params. Times are Unix seconds."""

from dataclasses import dataclass
from enum import StrEnum

from sync_worker.domain.mappings import Entity, MappingStatus
from sync_worker.domain.operations import Strategy


class PullMode(StrEnum):
    """How much a pull reads."""

    FULL = "FULL"
    INCREMENTAL = "INCREMENTAL"


class PullMethod(StrEnum):
    """How a pull from Shopify reads: AUTO takes a bulk operation for a FULL one and pages for an INCREMENTAL one."""

    AUTO = "AUTO"
    PAGES = "PAGES"
    BULK = "BULK"


@dataclass(frozen=True, slots=True)
class NhanhProductFilter:
    """Which Nhanh products; empty conditions select everything."""

    name: str = ""
    category_ids: tuple[int, ...] = ()
    brand_ids: tuple[int, ...] = ()
    statuses: tuple[int, ...] = ()
    updated_since: int | None = None


@dataclass(frozen=True, slots=True)
class ShopifyProductFilter:
    """Which Shopify variants, by their product's state (`active`, `draft`, `archived`)."""

    statuses: tuple[str, ...] = ()
    updated_since: int | None = None


@dataclass(frozen=True, slots=True)
class NhanhCustomerFilter:
    """Which Nhanh customers; days are `YYYY-MM-DD` in Vietnam. `updated_until` is for windows of time; nobody asks for it."""

    type: int | None = None
    last_bought_from: str = ""
    last_bought_to: str = ""
    updated_since: int | None = None
    updated_until: int | None = None


@dataclass(frozen=True, slots=True)
class ShopifyCustomerFilter:
    """Which Shopify customers, in Shopify's own search words."""

    search: str = ""
    updated_since: int | None = None


PullFilter = NhanhProductFilter | ShopifyProductFilter | NhanhCustomerFilter | ShopifyCustomerFilter


@dataclass(frozen=True, slots=True)
class PullRequest:
    """A pull: the operation is told by the filter's class."""

    mode: PullMode
    filter: PullFilter
    method: PullMethod = PullMethod.AUTO


@dataclass(frozen=True, slots=True)
class Selection:
    """Which mappings a push takes: these ids, or all in these states (exactly one of the two is given)."""

    mapping_ids: tuple[str, ...] = ()
    statuses: tuple[MappingStatus, ...] = ()


class ProductAspect(StrEnum):
    """What of a product is pushed."""

    INVENTORY = "INVENTORY"
    PRICE = "PRICE"


@dataclass(frozen=True, slots=True)
class SyncProductsRequest:
    """Bulk Sync Products."""

    selection: Selection
    aspects: tuple[ProductAspect, ...] = (ProductAspect.INVENTORY,)
    repush: bool = False
    allow_mass_zero: bool = False
    dry_run: bool = False
    max_drop_percent: int = 50


@dataclass(frozen=True, slots=True)
class SyncCustomersRequest:
    """Bulk Sync Customers."""

    selection: Selection
    repush: bool = False
    allow_mass_zero: bool = False
    dry_run: bool = False
    max_drop_percent: int = 50


@dataclass(frozen=True, slots=True)
class MatchProductsRequest:
    """Auto-Match Products."""

    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class MatchCustomersRequest:
    """Auto-Match Customers."""

    strategy: Strategy
    dry_run: bool = False
    batch_size: int = 1_000


@dataclass(frozen=True, slots=True)
class RetryFailedRequest:
    """Retry Failed."""

    entities: tuple[Entity, ...]
    limit: int = 100
    include_permanent: bool = False
    dry_run: bool = False


OperationRequest = (
    PullRequest
    | SyncProductsRequest
    | SyncCustomersRequest
    | MatchProductsRequest
    | MatchCustomersRequest
    | RetryFailedRequest
)
