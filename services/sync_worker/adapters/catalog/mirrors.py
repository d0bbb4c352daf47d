"""How each vendor object becomes a row of its mirror: canonical keys beside the raw values, and a hash of all of it."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import Table

from sync_worker.adapters.catalog.tables import (
    nhanh_customers,
    nhanh_products,
    shopify_customers,
    shopify_variants,
)
from sync_worker.application.ports.pull_catalog import MirrorRow
from sync_worker.domain.customers import NhanhCustomer, ShopifyCustomer
from sync_worker.domain.keys import PhoneKey, barcode_key, customer_phone_keys, email_key, sku_key
from sync_worker.domain.mappings import Side
from sync_worker.domain.operations import Operation
from sync_worker.domain.products import NhanhProduct, ShopifyVariant
from sync_worker.domain.tiers import tier_of


@dataclass(frozen=True, slots=True)
class MirroredRow:
    """A row, ready to be stored: its vendor's id, its columns, its phones, and a hash that changes with any of them."""

    vendor_id: int
    columns: dict[str, Any]
    phones: Sequence[PhoneKey]
    row_hash: int


@dataclass(frozen=True, slots=True)
class Mirror:
    """A mirror of one vendor's objects: its table, and the column of the vendor's id. `side` is set where rows have phones."""

    table: Table
    id_column: str
    side: Side | None
    columns: Callable[[Any], dict[str, Any]]

    def rows(self, objects: Sequence[MirrorRow]) -> list[MirroredRow]:
        """Make rows of objects; of several with one id the last counts."""
        return list({row.vendor_id: row for row in map(self._row, objects)}.values())

    def _row(self, found: MirrorRow) -> MirroredRow:
        columns = self.columns(found)
        phones = customer_phone_keys(found) if isinstance(found, NhanhCustomer | ShopifyCustomer) else ()
        return MirroredRow(columns[self.id_column], columns, phones, _hash(columns, phones))


def _hash(columns: dict[str, Any], phones: Sequence[PhoneKey]) -> int:
    """Hash what is stored, keys included: a release that makes other keys updates every row once, unasked."""
    content = orjson.dumps([columns, [tuple(phone) for phone in phones]], option=orjson.OPT_SORT_KEYS)
    return int.from_bytes(hashlib.blake2b(content, digest_size=8).digest(), signed=True)


def _nhanh_product(found: NhanhProduct) -> dict[str, Any]:
    stock = found.stock
    by_depot = None
    if stock is not None:
        by_depot = orjson.dumps({str(depot): stock.by_depot[depot] for depot in sorted(stock.by_depot)}).decode()
    return {
        "nhanh_id": found.nhanh_id,
        "parent_id": found.parent_id,
        "code": found.code,
        "barcode": found.barcode,
        "sku_key": sku_key(found.code),
        "barcode_key": barcode_key(found.barcode),
        "name": found.name,
        "status": found.status,
        "category_id": found.category_id,
        "brand_id": found.brand_id,
        "price_retail": found.price_retail,
        "price_old": found.price_old,
        "price_wholesale": found.price_wholesale,
        "price_import": found.price_import,
        "stock_available": None if stock is None else stock.available,
        "stock_by_depot": by_depot,
        "updated_at": found.updated_at,
    }


def _shopify_variant(found: ShopifyVariant) -> dict[str, Any]:
    return {
        "variant_id": found.variant_id,
        "product_id": found.product_id,
        "inventory_item_id": found.inventory_item_id,
        "title": found.title,
        "sku": found.sku,
        "barcode": found.barcode,
        "sku_key": sku_key(found.sku),
        "barcode_key": barcode_key(found.barcode),
        "price": found.price,
        "compare_at_price": found.compare_at_price,
        "product_status": found.product_status,
        "inventory_quantity": found.inventory_quantity,
        "updated_at": found.updated_at,
    }


def _nhanh_customer(found: NhanhCustomer) -> dict[str, Any]:
    tier = tier_of(found.total_spent)
    return {
        "nhanh_id": found.nhanh_id,
        "type": found.type,
        "name": found.name,
        "phone": found.phone,
        "email": found.email,
        "email_key": email_key(found.email),
        "address": found.address,
        "code": found.code,
        "note": found.note,
        "gender": found.gender,
        "birthday": found.birthday,
        "points": found.points,
        "level_name": found.level_name,
        "group_name": found.group_name,
        "total_spent": found.total_spent,
        "tier": None if tier is None else tier.value,
        "updated_at": found.updated_at,
    }


def _shopify_customer(found: ShopifyCustomer) -> dict[str, Any]:
    return {
        "customer_id": found.customer_id,
        "first_name": found.first_name,
        "last_name": found.last_name,
        "email": found.email,
        "email_key": email_key(found.email),
        "phone": found.phone,
        "address_phone": found.address_phone,
        "note": found.note,
        "amount_spent": found.amount_spent,
        "currency": found.currency,
        "orders": found.orders,
        "updated_at": found.updated_at,
    }


MIRRORS = {
    Operation.PULL_NHANH_PRODUCTS: Mirror(nhanh_products, "nhanh_id", None, _nhanh_product),
    Operation.PULL_SHOPIFY_PRODUCTS: Mirror(shopify_variants, "variant_id", None, _shopify_variant),
    Operation.PULL_NHANH_CUSTOMERS: Mirror(nhanh_customers, "nhanh_id", Side.NHANH, _nhanh_customer),
    Operation.PULL_SHOPIFY_CUSTOMERS: Mirror(shopify_customers, "customer_id", Side.SHOPIFY, _shopify_customer),
}
"""The mirror that each pull writes."""
