"""A Shopify shop's state: what its rows are, and what has been written to them. Ids are the numbers inside gids."""

import secrets
from dataclasses import dataclass, field
from decimal import Decimal

from sandbox.by_id import ById
from sandbox.shopify.app_access import AppAccess
from sandbox.shopify.bulk.operations import Operations

SCOPES = ("write_customers", "write_inventory", "write_products", "read_locations")
"""What the app was granted; who may write may read."""

DEFAULT_TITLE = "Default Title"
"""What Shopify calls the only variant of a product without options."""


@dataclass(slots=True)
class Location:
    """A place where the shop keeps stock."""

    location_id: int
    name: str
    active: bool = True


@dataclass(slots=True)
class Product:
    """A product; `status` is ACTIVE, DRAFT or ARCHIVED. Times are Unix seconds."""

    product_id: int
    title: str
    status: str
    updated_at: int
    variant_ids: list[int] = field(default_factory=list)


@dataclass(slots=True)
class Variant:
    """A variant with its inventory item. `quantities` has the locations where it is stocked: what is available there."""

    variant_id: int
    product_id: int
    inventory_item_id: int
    title: str
    sku: str | None
    barcode: str | None
    price: Decimal
    compare_at_price: Decimal | None
    updated_at: int
    quantities: dict[int, int] = field(default_factory=dict)


@dataclass(slots=True)
class Metafield:
    """A metafield's type and value, as text."""

    type: str
    value: str


@dataclass(slots=True)
class Customer:
    """A customer. `metafields` is keyed by (namespace, key)."""

    customer_id: int
    first_name: str | None
    last_name: str | None
    email: str | None
    phone: str | None
    address_phone: str | None
    note: str | None
    amount_spent: Decimal
    orders: int
    updated_at: int
    metafields: dict[tuple[str, str], Metafield] = field(default_factory=dict)


@dataclass(slots=True)
class Shop:
    """One shop's whole state."""

    shop: str
    access_token: str
    currency: str = "VND"
    scopes: set[str] = field(default_factory=lambda: set(SCOPES))
    locations: dict[int, Location] = field(default_factory=dict)
    products: ById[Product] = field(default_factory=ById)
    variants: ById[Variant] = field(default_factory=ById)
    customers: ById[Customer] = field(default_factory=ById)
    variant_of_item: dict[int, int] = field(default_factory=dict)
    """Which variant an inventory item belongs to."""
    bulk: Operations = field(default_factory=Operations)
    app: AppAccess = field(default_factory=lambda: AppAccess("sandbox-app", secrets.token_hex(16)))
    """What tokens are granted for, beside the one that stays."""

    def display_name(self, variant: Variant) -> str:
        """Name a variant by its product, and by its own title where that says something."""
        title = self.products[variant.product_id].title
        return title if variant.title == DEFAULT_TITLE else f"{title} - {variant.title}"
