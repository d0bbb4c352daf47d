"""What the sandbox's rows are in truth, and what a catalog made of them: told apart from SyncWorker's own reading."""

import json
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from sandbox.shopify.shop import Customer, Variant
from sandbox.world import StoreWorld

Rows = dict[int, tuple[Any, ...]]
"""Rows by the vendor's id."""


@dataclass(frozen=True, slots=True)
class Mirror:
    """A table of the catalog, its columns that are compared (the id first), and what they are in truth."""

    table: str
    columns: tuple[str, ...]
    true_rows: Callable[[StoreWorld], Rows]

    def stored_rows(self, catalog: Path, store_id: str) -> Rows:
        """Read a store's living rows out of a SQLite catalog."""
        query = f"SELECT {', '.join(self.columns)} FROM {self.table} WHERE store_id = ? AND gone_time IS NULL"
        with closing(sqlite3.connect(catalog)) as connection:
            rows = connection.execute(query, [store_id]).fetchall()
        found = {row[0]: row for row in rows}
        assert len(found) == len(rows)
        return found

    def check(self, world: StoreWorld, catalog: Path) -> None:
        """Compare row by row."""
        stored, true = self.stored_rows(catalog, world.store_id), self.true_rows(world)
        differing = {one: (stored.get(one), true.get(one)) for one in stored.keys() | true.keys()}
        wrong = {one: pair for one, pair in differing.items() if pair[0] != pair[1]}
        assert not wrong, f"{len(wrong)} of {len(true)} rows of {self.table}: {dict(list(wrong.items())[:3])}"


def _scaled(amount: object) -> int | None:
    return None if amount is None else round(Decimal(str(amount)) * 10_000)


def _text(given: object) -> str | None:
    return None if given in (None, "", [], {}) else str(given)


def _number(given: object) -> int | None:
    return None if given in (None, "", [], {}) else int(str(given))


def _name(given: object) -> str | None:
    return _text(given.get("name")) if isinstance(given, Mapping) else None


def _nhanh_customers(world: StoreWorld) -> Rows:
    return {
        one: (
            one,
            int(row["type"]),
            row["name"],
            _text(row["mobile"]),
            _text(row["email"]),
            _text(row["address"]),
            _name(row["level"]),
            _name(row["group"]),
            _number(row["points"]),
            _scaled(row["totalAmount"]),
            _number(row["updatedAt"]),
        )
        for one, row in world.business.customers.items()
    }


def _nhanh_products(world: StoreWorld) -> Rows:
    business = world.business

    def stock(one: int) -> tuple[int | None, str | None]:
        if one not in business.stock:
            return None, None
        granted = business.granted_depots
        shown = {depot: amount for depot, amount in business.stock[one].items() if granted is None or depot in granted}
        by_depot = {str(depot): _scaled(shown[depot]) for depot in sorted(shown)}
        return _scaled(sum(shown.values())), json.dumps(by_depot, separators=(",", ":"))

    return {
        one: (
            one,
            max(int(row["parentId"]), 0) or None,
            _text(row["code"]),
            _text(row["barcode"]),
            row["name"],
            int(row["status"]),
            _scaled(row["prices"]["retail"]),
            *stock(one),
            _number(row["updatedAt"]),
        )
        for one, row in business.products.items()
        if int(row["parentId"]) != -2
    }


def _shopify_variants(world: StoreWorld) -> Rows:
    products = world.shop.products

    def row(variant: Variant) -> tuple[Any, ...]:
        product = products[variant.product_id]
        default = variant.title == "Default Title"
        return (
            variant.variant_id,
            variant.product_id,
            variant.inventory_item_id,
            product.title if default else f"{product.title} - {variant.title}",
            variant.sku,
            variant.barcode,
            _scaled(variant.price),
            _scaled(variant.compare_at_price),
            product.status.lower(),
            sum(variant.quantities.values()),
            variant.updated_at,
        )

    return {one: row(variant) for one, variant in world.shop.variants.items()}


def _shopify_customers(world: StoreWorld) -> Rows:
    def row(customer: Customer) -> tuple[Any, ...]:
        return (
            customer.customer_id,
            customer.first_name,
            customer.last_name,
            customer.email,
            customer.phone,
            customer.address_phone,
            customer.note,
            _scaled(customer.amount_spent),
            customer.orders,
            customer.updated_at,
        )

    return {one: row(customer) for one, customer in world.shop.customers.items()}


NHANH_CUSTOMERS = Mirror(
    "nhanh_customers",
    (
        "nhanh_id",
        "type",
        "name",
        "phone",
        "email",
        "address",
        "level_name",
        "group_name",
        "points",
        "total_spent",
        "updated_at",
    ),
    _nhanh_customers,
)
NHANH_PRODUCTS = Mirror(
    "nhanh_products",
    (
        "nhanh_id",
        "parent_id",
        "code",
        "barcode",
        "name",
        "status",
        "price_retail",
        "stock_available",
        "stock_by_depot",
        "updated_at",
    ),
    _nhanh_products,
)
SHOPIFY_VARIANTS = Mirror(
    "shopify_variants",
    (
        "variant_id",
        "product_id",
        "inventory_item_id",
        "title",
        "sku",
        "barcode",
        "price",
        "compare_at_price",
        "product_status",
        "inventory_quantity",
        "updated_at",
    ),
    _shopify_variants,
)
SHOPIFY_CUSTOMERS = Mirror(
    "shopify_customers",
    (
        "customer_id",
        "first_name",
        "last_name",
        "email",
        "phone",
        "address_phone",
        "note",
        "amount_spent",
        "orders",
        "updated_at",
    ),
    _shopify_customers,
)
MIRRORS = (NHANH_PRODUCTS, SHOPIFY_VARIANTS, NHANH_CUSTOMERS, SHOPIFY_CUSTOMERS)
