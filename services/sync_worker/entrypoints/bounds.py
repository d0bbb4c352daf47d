"""The bounds of every field, in one table; the contract's comments say the same."""

import re
from collections.abc import Sized
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Text:
    """A string's length in characters, and its form in words; `optional` lets it be empty whatever the form."""

    longest: int
    shortest: int = 0
    pattern: str = ""
    form: str = ""
    optional: bool = False

    def fault(self, value: str) -> str | None:
        """Say what is wrong with a value, None when nothing is."""
        if not value and self.optional:
            return None
        if not value and (self.shortest or self.pattern):
            return "is missing"
        if len(value) > self.longest:
            return f"must have at most {self.longest:,} characters, has {len(value):,}"
        if "\0" in value:
            return "must hold no NUL character"  # JobTracker takes none either
        if self.pattern and re.fullmatch(self.pattern, value) is None:
            return f"must be {self.form}"
        return None


@dataclass(frozen=True, slots=True)
class Number:
    """A whole number's range; `unset` is what 0 means."""

    lowest: int
    highest: int
    unset: int | None = None

    def fault(self, value: int) -> str | None:
        """Say what is wrong with a value, None when nothing is."""
        if self.lowest <= value <= self.highest:
            return None
        return f"must be from {self.lowest} to {self.highest}, is {value}"


@dataclass(frozen=True, slots=True)
class Count:
    """How many elements a list holds."""

    most: int
    least: int = 0

    def fault(self, value: Sized) -> str | None:
        """Say what is wrong with a value, None when nothing is."""
        if len(value) < self.least:
            return "is missing"
        if len(value) > self.most:
            return f"must hold at most {self.most:,}, holds {len(value):,}"
        return None


STORE_ID = Text(64, shortest=1, pattern=r"[a-z0-9_-]+", form="a store's id: small letters, digits, _ and -")
DAY = Text(10, pattern=r"[0-9]{4}-[0-9]{2}-[0-9]{2}", form='a day, "YYYY-MM-DD"', optional=True)
VENDOR_ID = Number(1, 2**63 - 1)
PAGE_SIZE = Number(0, 500, unset=50)
PAGE_TOKEN = Text(4_096)
PERCENT = Number(0, 100, unset=50)
STATES = Count(100)

Bound = Text | Number | Count

BOUNDS: dict[str, Bound] = {
    "StartOptions.store_id": STORE_ID,
    "StartOptions.request_id": Text(128),
    "StartOptions.priority": Number(-100, 100),
    "StartOptions.created_by": Text(128),
    "NhanhProductFilter.name": Text(200),
    "NhanhProductFilter.category_ids": Count(100),
    "NhanhProductFilter.category_ids value": VENDOR_ID,
    "NhanhProductFilter.brand_ids": Count(100),
    "NhanhProductFilter.brand_ids value": VENDOR_ID,
    "NhanhProductFilter.statuses": STATES,
    "ShopifyProductFilter.statuses": STATES,
    "NhanhCustomerFilter.last_bought_from": DAY,
    "NhanhCustomerFilter.last_bought_to": DAY,
    "ShopifyCustomerFilter.search": Text(500),
    "MappingIds.mapping_ids": Count(10_000, least=1),
    "MappingIds.mapping_ids value": Text(
        36, pattern=r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", form="a mapping's id, a UUID in small letters"
    ),
    "MappingStatuses.statuses": STATES,
    "SyncProductsRequest.aspects": STATES,
    "SyncProductsRequest.max_drop_percent": PERCENT,
    "SyncCustomersRequest.max_drop_percent": PERCENT,
    "AutoMatchCustomersRequest.batch_size": Number(0, 100_000, unset=1_000),
    "RetryFailedRequest.limit": Number(0, 10_000, unset=100),
    "CheckStoreRequest.store_id": STORE_ID,
    "ListMappingsRequest.store_id": STORE_ID,
    "ListMappingsRequest.statuses": STATES,
    "ListMappingsRequest.page_size": PAGE_SIZE,
    "ListMappingsRequest.page_token": PAGE_TOKEN,
    "ListUnmatchedRequest.store_id": STORE_ID,
    "ListUnmatchedRequest.page_size": PAGE_SIZE,
    "ListUnmatchedRequest.page_token": PAGE_TOKEN,
    "ResetPullCheckpointRequest.store_id": STORE_ID,
}
"""By message and field; `value` is an element of a list."""
