"""How each vendor object becomes a row of its mirror: canonical keys beside the raw values, and a hash of all of it.

A customer's phones have a table of their own, and take as long to read as all the rest. So the hash has the version of their
rules in their place, and where that is quick they are read only of rows that are written.
"""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

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
from sync_worker.domain.keys import PHONE_RULES_VERSION, PhoneKey, barcode_key, customer_phone_keys, email_key, sku_key
from sync_worker.domain.mappings import Side
from sync_worker.domain.operations import Operation
from sync_worker.domain.products import NhanhProduct, ShopifyVariant
from sync_worker.domain.tiers import tier_of

Phones = Callable[[], Sequence[PhoneKey]]
"""Gives the phones by which a customer is found, within microseconds."""

QUICK_CHARACTERS = 60
"""So much text is read for phones within microseconds. A note may take a millisecond, and a transaction holds up others."""


class MirroredRow(NamedTuple):
    """A row, ready to be stored; `values` are in the order of the mirror's columns.

    `row_hash` changes with any of them, and with the phones.
    """

    vendor_id: int
    values: tuple[Any, ...]
    phones: Phones
    row_hash: int


@dataclass(frozen=True, slots=True)
class Mirror:
    """A mirror of one vendor's objects: its table, and the columns that tell of an object, the vendor's id first.

    `side` is set where rows have `phones`.
    """

    table: Table
    columns: tuple[str, ...]
    side: Side | None
    values: Callable[[Any], tuple[Any, ...]]
    phones: Callable[[Any], Phones]

    @property
    def id_column(self) -> str:
        """The column of the vendor's id."""
        return self.columns[0]

    def rows(self, objects: Iterable[MirrorRow]) -> list[MirroredRow]:
        """Make rows of objects; of several with one id the last counts."""
        made: dict[int, MirroredRow] = {}
        for found in objects:
            values = self.values(found)
            row_hash = _hash(values if self.side is None else (values, PHONE_RULES_VERSION))
            made[values[0]] = MirroredRow(values[0], values, self.phones(found), row_hash)
        return list(made.values())


def _hash(content: tuple[Any, ...]) -> int:
    """Hash what is stored, keys included: a release that makes other keys updates every row once, unasked."""
    return int.from_bytes(hashlib.blake2b(orjson.dumps(content), digest_size=8).digest(), signed=True)


def _nobodys_phones(_found: object) -> Phones:
    return tuple


def _nhanh_phones(found: NhanhCustomer) -> Phones:
    return _phones(found, found.phone or "")


def _shopify_phones(found: ShopifyCustomer) -> Phones:
    return _phones(found, (found.phone or "") + (found.address_phone or ""))


def _phones(found: NhanhCustomer | ShopifyCustomer, text: str) -> Phones:
    read = partial(customer_phone_keys, found)
    if found.note is None and len(text) <= QUICK_CHARACTERS:
        return read
    phones = read()
    return lambda: phones


def _nhanh_product(found: NhanhProduct) -> tuple[Any, ...]:
    stock = found.stock
    by_depot = None
    if stock is not None:
        by_depot = orjson.dumps({str(depot): stock.by_depot[depot] for depot in sorted(stock.by_depot)}).decode()
    return (
        found.nhanh_id,
        found.parent_id,
        found.code,
        found.barcode,
        sku_key(found.code),
        barcode_key(found.barcode),
        found.name,
        found.status,
        found.category_id,
        found.brand_id,
        found.price_retail,
        found.price_old,
        found.price_wholesale,
        found.price_import,
        None if stock is None else stock.available,
        by_depot,
        found.updated_at,
    )


NHANH_PRODUCT_COLUMNS = (
    "nhanh_id",
    "parent_id",
    "code",
    "barcode",
    "sku_key",
    "barcode_key",
    "name",
    "status",
    "category_id",
    "brand_id",
    "price_retail",
    "price_old",
    "price_wholesale",
    "price_import",
    "stock_available",
    "stock_by_depot",
    "updated_at",
)


def _shopify_variant(found: ShopifyVariant) -> tuple[Any, ...]:
    return (*found, sku_key(found.sku), barcode_key(found.barcode))


def _nhanh_customer(found: NhanhCustomer) -> tuple[Any, ...]:
    tier = tier_of(found.total_spent)
    return (*found, email_key(found.email), None if tier is None else tier.value)


def _shopify_customer(found: ShopifyCustomer) -> tuple[Any, ...]:
    return (*found, email_key(found.email))


MIRRORS = {
    Operation.PULL_NHANH_PRODUCTS: Mirror(nhanh_products, NHANH_PRODUCT_COLUMNS, None, _nhanh_product, _nobodys_phones),
    Operation.PULL_SHOPIFY_PRODUCTS: Mirror(
        shopify_variants, (*ShopifyVariant._fields, "sku_key", "barcode_key"), None, _shopify_variant, _nobodys_phones
    ),
    Operation.PULL_NHANH_CUSTOMERS: Mirror(
        nhanh_customers, (*NhanhCustomer._fields, "email_key", "tier"), Side.NHANH, _nhanh_customer, _nhanh_phones
    ),
    Operation.PULL_SHOPIFY_CUSTOMERS: Mirror(
        shopify_customers, (*ShopifyCustomer._fields, "email_key"), Side.SHOPIFY, _shopify_customer, _shopify_phones
    ),
}
"""The mirror that each pull writes. Columns of an object's own fields have their names."""
