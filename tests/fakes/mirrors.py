"""A catalog's mirrors beside the sandbox's truth: neither side is read by code of SyncWorker's.

Every column is compared that the truth tells of, so that a new one in the truth is a new one here.
"""

import json
import sqlite3
from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import asyncpg
from sandbox.row_truth import list_rows
from sandbox.shopify.gids import gid
from sandbox.world import StoreWorld

Row = dict[str, Any]
Rows = dict[int, Row]
"""Rows by the vendor's id."""

AMOUNTS = frozenset(
    {
        *("price_retail", "price_old", "price_wholesale", "price_import", "total_spent"),
        *("price", "compare_at_price", "amount_spent"),
    }
)
IDS = frozenset({"product_id", "inventory_item_id"})
"""Told as text in the truth, and kept as numbers."""


@dataclass(frozen=True, slots=True)
class Mirror:
    """A table of the catalog, which has the name of its list in the truth, its id, and Shopify's kind of thing."""

    table: str
    key: str
    kind: str = ""

    def item(self, one: int) -> str:
        """Name a row as the fault plan does."""
        return gid(self.kind, one) if self.kind else str(one)

    def true_rows(self, world: StoreWorld) -> Rows:
        """Tell what the living rows are, in the catalog's columns."""
        told = list_rows(world, self.table)
        return {int(one): _as_mirrored(row) for one, row in told.items() if not row["gone"]}

    async def stored_rows(self, catalog_url: str, store_id: str) -> Rows:
        """Read a store's living rows."""
        query = f"SELECT * FROM {self.table} WHERE store_id = $1 AND gone_time IS NULL"
        rows = await catalog_rows(catalog_url, query, store_id)
        found = {row[self.key]: _read(row) for row in rows}
        assert len(found) == len(rows)
        return found

    def differing(self, stored: Rows, true: Rows) -> dict[int, tuple[Row | None, Row | None]]:
        """Find the rows that differ, in the columns that the truth tells of: each as it is stored and as it should be."""
        shown = {one: _columns(row, true[one]) if one in true else row for one, row in stored.items()}
        pairs = {one: (shown.get(one), true.get(one)) for one in shown.keys() | true.keys()}
        return {one: pair for one, pair in pairs.items() if pair[0] != pair[1]}

    async def check(self, world: StoreWorld, catalog_url: str) -> None:
        """Compare a store's mirror row by row."""
        true = self.true_rows(world)
        wrong = self.differing(await self.stored_rows(catalog_url, world.store_id), true)
        assert not wrong, f"{len(wrong)} of {len(true)} rows of {self.table}: {dict(list(wrong.items())[:3])}"


async def check_levels(world: StoreWorld, catalog_url: str) -> None:
    """Compare the stock levels that count for a store, each under its variant, with what its shop has."""
    query = "SELECT * FROM pull_levels WHERE pull_id IN (SELECT levels_pull FROM pull_runs WHERE store_id = $1)"
    stored = {
        (row["variant_id"], row["inventory_item_id"], row["location_id"]): row["available"]
        for row in await catalog_rows(catalog_url, query, world.store_id)
    }
    true = {
        (variant.variant_id, variant.inventory_item_id, location): pieces
        for variant in world.shop.variants.values()
        for location, pieces in variant.quantities.items()
    }
    wrong = {key: (stored.get(key), true.get(key)) for key in stored.keys() | true.keys()}
    wrong = {key: pair for key, pair in wrong.items() if pair[0] != pair[1]}
    assert true
    assert not wrong, f"{len(wrong)} of {len(true)} stock levels: {dict(list(wrong.items())[:3])}"


async def catalog_rows(url: str, query: str, *values: object) -> list[Mapping[str, Any]]:
    """Read rows out of a catalog of either kind, past the services."""
    if url.startswith("sqlite:///"):
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as file:
            file.row_factory = sqlite3.Row
            return [dict(row) for row in file.execute(query.replace("$", "?"), values)]
    connection = await asyncpg.connect(url)
    try:
        return [dict(row) for row in await connection.fetch(query, *values)]
    finally:
        await connection.close()


def _columns(row: Row, names: Iterable[str]) -> Row:
    return {name: row[name] for name in names}


def _read(row: Mapping[str, Any]) -> Row:
    """Take a stored row; its stock by depot is JSON in the catalog, whose keys have no order."""
    read = dict(row)
    if read.get("stock_by_depot") is not None:
        read["stock_by_depot"] = json.loads(read["stock_by_depot"])
    return read


def _as_mirrored(told: Row) -> Row:
    """Put a row of the truth into the catalog's columns."""
    row = {name: _kept(name, value) for name, value in told.items() if name not in ("gone", "stock")}
    if "stock" in told:
        stock = told["stock"]
        row["stock_available"] = None if stock is None else _scaled(stock["available"])
        row["stock_by_depot"] = stock and {depot: _scaled(pieces) for depot, pieces in stock["by_depot"].items()}
    return row


def _kept(name: str, value: Any) -> Any:
    if value is not None and name in AMOUNTS:
        return _scaled(value)
    return int(value) if name in IDS else value


def _scaled(text: str) -> int:
    """Ten-thousandths, half up."""
    return int((Decimal(text) * 10_000).to_integral_value(ROUND_HALF_UP))


NHANH_PRODUCTS = Mirror("nhanh_products", "nhanh_id")
NHANH_CUSTOMERS = Mirror("nhanh_customers", "nhanh_id")
SHOPIFY_VARIANTS = Mirror("shopify_variants", "variant_id", "ProductVariant")
SHOPIFY_CUSTOMERS = Mirror("shopify_customers", "customer_id", "Customer")
MIRRORS = (NHANH_PRODUCTS, SHOPIFY_VARIANTS, NHANH_CUSTOMERS, SHOPIFY_CUSTOMERS)
