"""What a push writes, and what it leaves alone because Shopify is known to have it already."""

from dataclasses import dataclass
from enum import StrEnum

from sync_worker.domain.mappings import Entity
from sync_worker.domain.money import whole_units

MIN_SPEND_CHANGE_VND = 1_000
"""A spend that differs by less from the confirmed one is not worth a write."""

MICROS = 1_000_000


class ValueKind(StrEnum):
    """A value that Shopify confirms: pieces, ten-thousandths of the currency (both prices), whole VND (the spend)."""

    QUANTITY = "quantity"
    PRICE = "price"
    COMPARE_AT = "compare_at"
    TOTAL_SPENT = "total_spent"


class Lane(StrEnum):
    """A kind of write, which has its own call at Shopify."""

    INVENTORY = "inventory"
    PRICE = "price"
    TOTAL_SPENT = "total_spent"

    @property
    def kinds(self) -> tuple[ValueKind, ...]:
        """The values of one write, in their order in `Entry.wanted`."""
        return _KINDS[self]

    @property
    def entity(self) -> Entity:
        """Whose values they are."""
        return Entity.CUSTOMERS if self is Lane.TOTAL_SPENT else Entity.PRODUCTS


_KINDS: dict[Lane, tuple[ValueKind, ...]] = {
    Lane.INVENTORY: (ValueKind.QUANTITY,),
    Lane.PRICE: (ValueKind.PRICE, ValueKind.COMPARE_AT),
    Lane.TOTAL_SPENT: (ValueKind.TOTAL_SPENT,),
}

Values = tuple[int | None, ...]
"""One value for each kind of a lane; None means not set."""


@dataclass(frozen=True, slots=True)
class Confirmed:
    """What Shopify last confirmed, and when (Unix microseconds): pushed or read, whichever came later."""

    values: Values
    time: int


@dataclass(frozen=True, slots=True)
class Entry:
    """One write: the values that an owner (inventory item, variant or customer) shall have.

    `location_id` is 0 where there is none; `group_id` is the Shopify product of a price, else 0. `before` is what was
    last confirmed at any time; `fresh` says that it is young enough to be compared with in the write itself.
    """

    lane: Lane
    mapping_id: str
    nhanh_id: int
    owner_id: int
    location_id: int
    group_id: int
    wanted: Values
    before: Values | None
    fresh: bool

    @property
    def change_from(self) -> int | None:
        """What Shopify is asked to compare with before it writes; None compares nothing."""
        return self.before[0] if self.fresh and self.before is not None else None

    @property
    def stage(self) -> str:
        """The stage of a failure of this write, by which its job tells it apart."""
        if self.lane is Lane.INVENTORY:
            return f"{self.lane}:gid://shopify/Location/{self.location_id}"
        return str(self.lane)


def lane_of(stage: str) -> Lane:
    """Say which lane a failure's stage belongs to."""
    return Lane(stage.partition(":")[0])


def is_fresh(confirmed: Confirmed | None, *, now: int, max_age_seconds: int) -> bool:
    """Whether a confirmed value is young enough to be relied on (`now` in microseconds)."""
    return confirmed is not None and now - confirmed.time <= max_age_seconds * MICROS


def must_write(lane: Lane, wanted: Values, confirmed: Confirmed | None, *, fresh: bool, repush: bool) -> bool:
    """Compare with the confirmed value: never confirmed, or too long ago, counts as changed."""
    if confirmed is None or not fresh or repush:
        return True
    if lane is not Lane.TOTAL_SPENT:
        return wanted != confirmed.values
    new, old = wanted[0], confirmed.values[0]
    return new is None or old is None or abs(new - old) >= MIN_SPEND_CHANGE_VND


def wanted_prices(price_retail: int | None, price_old: int | None) -> Values | None:
    """Choose price and compare-at price, ten-thousandths; None when Nhanh has no retail price to sell at.

    Nhanh sends 0 for a price that nobody has set, and a product is never made free by that.
    """
    if price_retail is None or price_retail <= 0:
        return None
    return (price_retail, price_old if price_old is not None and price_old > price_retail else None)


def wanted_spend(total_spent: int | None) -> Values | None:
    """Round a total spend to whole VND, half up; None when it is unknown."""
    return None if total_spent is None else (whole_units(total_spent),)
