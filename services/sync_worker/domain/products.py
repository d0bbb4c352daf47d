"""Products as the two vendors tell of them, decoded."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple


class NhanhProduct(NamedTuple):
    """A sellable item of Nhanh: a standalone product or a child of a parent; parents themselves are never rows.

    Amounts are ten-thousandths of a VND; stock is ten-thousandths of a piece, since Nhanh sends doubles.
    """

    nhanh_id: int
    parent_id: int | None
    code: str | None
    barcode: str | None
    name: str
    status: int
    category_id: int | None
    brand_id: int | None
    price_retail: int | None
    price_old: int | None
    price_wholesale: int | None
    price_import: int | None
    stock: "NhanhStock | None"
    updated_at: int | None


@dataclass(frozen=True, slots=True)
class NhanhStock:
    """What can be sold of an item, in ten-thousandths of a piece, over the depots that the access token grants.

    A depot that an answered product does not list holds none of it.
    """

    available: int
    by_depot: Mapping[int, int]


class ShopifyVariant(NamedTuple):
    """A variant of a Shopify product. Ids are the numbers inside gids; amounts are ten-thousandths of the currency."""

    variant_id: int
    product_id: int
    inventory_item_id: int
    title: str
    sku: str | None
    barcode: str | None
    price: int
    compare_at_price: int | None
    product_status: str
    inventory_quantity: int | None
    updated_at: int


class ShopifyLevel(NamedTuple):
    """What a Shopify location has of an inventory item, in whole pieces; None: that cannot be read, so nobody knows.

    It is listed under a variant, or with `variant_id` 0 under the item itself. Several variants may share an item.
    """

    inventory_item_id: int
    location_id: int
    variant_id: int
    available: int | None


@dataclass(frozen=True, slots=True)
class ShopifyLocation:
    """A place where a Shopify shop keeps stock."""

    location_id: int
    name: str
    active: bool
