"""Customers as the two vendors tell of them, decoded. Text is as it came; canonical keys are made in `domain.keys`."""

from typing import NamedTuple


class NhanhCustomer(NamedTuple):
    """A customer of Nhanh. `total_spent` is ten-thousandths of a VND, None when unknown; times are Unix seconds."""

    nhanh_id: int
    type: int | None
    name: str
    phone: str | None
    email: str | None
    address: str | None
    code: str | None
    note: str | None
    gender: int | None
    birthday: str | None
    points: int | None
    level_name: str | None
    group_name: str | None
    total_spent: int | None
    updated_at: int | None


class ShopifyCustomer(NamedTuple):
    """A customer of Shopify. `amount_spent` is ten-thousandths of `currency`; times are Unix seconds."""

    customer_id: int
    first_name: str | None
    last_name: str | None
    email: str | None
    phone: str | None
    address_phone: str | None
    note: str | None
    amount_spent: int
    currency: str
    orders: int
    updated_at: int

    @property
    def name(self) -> str:
        """What people read; may be empty."""
        return " ".join(part for part in (self.first_name, self.last_name) if part)
