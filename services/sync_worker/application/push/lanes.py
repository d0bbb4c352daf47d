"""One lane a kind of write: how its entries are sent, how they are read back, and how many go into a call."""

from collections.abc import Mapping, Sequence
from typing import Protocol, TypeVar

from sync_worker.application.ports.shopify import (
    MAX_METAFIELDS,
    MAX_QUANTITIES,
    BatchOutcome,
    PriceChange,
    QuantityChange,
    Shopify,
    SpendChange,
)
from sync_worker.domain.push_plan import Entry, Lane, Values

Key = TypeVar("Key")

MAX_PRICES = 250
"""Shopify takes any array of at most so many elements."""

MUTATION_POINTS = 10.0
"""Every mutation costs so many points of Shopify's bucket (GraphQL rate limits, calculated query cost)."""

VARIANT_POINTS = 0.2
"""productVariantsBulkUpdate costs so much more for each variant (changelog of 2025-10)."""

CUSTOMER_POINTS = 1.0
"""metafieldsSet costs so much more for each customer (changelog of 2026-09-15)."""


class LaneCalls(Protocol):
    """The calls of one lane."""

    lane: Lane
    batch_size: int

    async def send(self, entries: Sequence[Entry], idempotency_key: str) -> BatchOutcome:
        """Write all entries or none; at most `batch_size`, all of one group."""
        ...

    async def read_back(self, entries: Sequence[Entry]) -> Sequence[Values | None]:
        """Read what Shopify has, in the order of the entries; None: the owner is gone."""
        ...

    def points(self, entries: int) -> float:
        """Estimate what a call with so many entries costs."""
        ...


class InventoryLane:
    """Sets available quantities."""

    lane = Lane.INVENTORY
    batch_size = MAX_QUANTITIES

    def __init__(self, shopify: Shopify) -> None:
        self._shopify = shopify

    async def send(self, entries: Sequence[Entry], idempotency_key: str) -> BatchOutcome:
        """Set quantities, each compared first with the fresh confirmed one, where there is one."""
        changes = [
            QuantityChange(entry.owner_id, entry.location_id, _known(entry.wanted[0]), entry.change_from)
            for entry in entries
        ]
        return await self._shopify.set_quantities(changes, idempotency_key)

    async def read_back(self, entries: Sequence[Entry]) -> Sequence[Values | None]:
        """Read quantities; an item that is not stocked at the location has (None,)."""
        found = await self._shopify.quantities_of(
            sorted({entry.owner_id for entry in entries}), sorted({entry.location_id for entry in entries})
        )
        return [_reading(found, (entry.owner_id, entry.location_id)) for entry in entries]

    def points(self, entries: int) -> float:
        """A flat cost, however many quantities."""
        return MUTATION_POINTS


class PriceLane:
    """Sets prices, one Shopify product a call."""

    lane = Lane.PRICE
    batch_size = MAX_PRICES

    def __init__(self, shopify: Shopify) -> None:
        self._shopify = shopify

    async def send(self, entries: Sequence[Entry], idempotency_key: str) -> BatchOutcome:
        """Set prices; the call has no key, since setting a price twice is setting it once."""
        changes = [PriceChange(entry.owner_id, _known(entry.wanted[0]), entry.wanted[1]) for entry in entries]
        return await self._shopify.set_prices(entries[0].group_id, changes)

    async def read_back(self, entries: Sequence[Entry]) -> Sequence[Values | None]:
        """Read prices."""
        found = await self._shopify.prices_of(sorted({entry.owner_id for entry in entries}))
        prices = {variant: (price.price, price.compare_at_price) for variant, price in found.items()}
        return [prices.get(entry.owner_id) for entry in entries]

    def points(self, entries: int) -> float:
        """A base and a part for each variant."""
        return MUTATION_POINTS + VARIANT_POINTS * entries


class SpendLane:
    """Sets the total spend of customers."""

    lane = Lane.TOTAL_SPENT
    batch_size = MAX_METAFIELDS

    def __init__(self, shopify: Shopify) -> None:
        self._shopify = shopify

    async def send(self, entries: Sequence[Entry], idempotency_key: str) -> BatchOutcome:
        """Set spends; the call has no key, since setting a metafield twice is setting it once."""
        return await self._shopify.set_spends([SpendChange(e.owner_id, _known(e.wanted[0])) for e in entries])

    async def read_back(self, entries: Sequence[Entry]) -> Sequence[Values | None]:
        """Read spends; a customer without one has (None,)."""
        found = await self._shopify.spends_of(sorted({entry.owner_id for entry in entries}))
        return [_reading(found, entry.owner_id) for entry in entries]

    def points(self, entries: int) -> float:
        """A base and a part for each customer."""
        return MUTATION_POINTS + CUSTOMER_POINTS * entries


def lanes_of(shopify: Shopify) -> dict[Lane, LaneCalls]:
    """Open every lane of a shop."""
    calls: tuple[LaneCalls, ...] = (InventoryLane(shopify), PriceLane(shopify), SpendLane(shopify))
    return {each.lane: each for each in calls}


def _known(value: int | None) -> int:
    if value is None:
        raise ValueError("a value that is not known is never sent")
    return value


def _reading(found: Mapping[Key, int | None], key: Key) -> Values | None:
    return (found[key],) if key in found else None
