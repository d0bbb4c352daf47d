"""Links between the two vendors."""

from dataclasses import dataclass
from enum import StrEnum


class Entity(StrEnum):
    """What is linked and pushed."""

    PRODUCTS = "products"
    CUSTOMERS = "customers"


class Side(StrEnum):
    """Whose object a row is."""

    NHANH = "nhanh"
    SHOPIFY = "shopify"


class MappingStatus(StrEnum):
    """Where a mapping stands."""

    PENDING = "PENDING"
    SYNCED = "SYNCED"
    FAILED = "FAILED"
    PENDING_APPROVAL = "PENDING_APPROVAL"


PUSHABLE = frozenset({MappingStatus.PENDING, MappingStatus.SYNCED, MappingStatus.FAILED})
"""A bulk sync takes these alike; a link that waits for a person is never pushed."""


class Rule(StrEnum):
    """What made a link."""

    SKU = "sku"
    BARCODE = "barcode"
    PHONE = "phone"
    ADDRESS_PHONE = "address_phone"
    NOTE_PHONE = "note_phone"
    EMAIL = "email"


class UnmatchedReason(StrEnum):
    """Why a match left an object alone."""

    NO_KEY = "NO_KEY"
    NO_CANDIDATE = "NO_CANDIDATE"
    SEVERAL_CANDIDATES = "SEVERAL_CANDIDATES"
    CANDIDATE_TAKEN = "CANDIDATE_TAKEN"
    CONTESTED = "CONTESTED"
    KEYS_DISAGREE = "KEYS_DISAGREE"


@dataclass(frozen=True, slots=True)
class PushFailure:
    """Why the last push of a mapping failed."""

    code: str
    message: str
    retryable: bool
    attempts: int
    time: int


@dataclass(frozen=True, slots=True)
class Mapping:
    """A Nhanh object linked with a Shopify object; unique on both sides in store and entity. Times are microseconds."""

    mapping_id: str
    store_id: str
    entity: Entity
    nhanh_id: int
    shopify_id: int
    shopify_product_id: int | None
    shopify_inventory_item_id: int | None
    status: MappingStatus
    rule: Rule
    evidence: str
    confidence: float
    create_time: int
    push_time: int | None = None
    failure: PushFailure | None = None
    nhanh_name: str = ""
    shopify_name: str = ""
