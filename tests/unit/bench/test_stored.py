"""What the raw loop is given is what a pull has stored, by the vendor's own ids."""

import sqlite3
from contextlib import closing
from pathlib import Path

import orjson
from chassis.database import open_database

from bench.pulling.lists import SHOPIFY_VARIANTS
from bench.pulling.stored import keep_rows, products_of
from bench.raw_pull import MIGRATIONS


async def test_every_table_of_an_object(tmp_path: Path) -> None:
    """A variant's row and what is kept beside it come under its gid, whole."""
    catalog = tmp_path / "catalog.db"
    await (await open_database(f"sqlite:///{catalog}", migrations=MIGRATIONS)).close()
    with closing(sqlite3.connect(catalog)) as connection:
        for variant, product in ((11, 1), (12, 1), (21, 2)):
            connection.execute(
                "INSERT INTO shopify_variants (store_id, variant_id, product_id, inventory_item_id, title, price,"
                " product_status, updated_at, row_hash, first_time, change_time)"
                " VALUES ('hanoi', ?, ?, 5, 'A', 10000, 'active', 1, 2, 3, 4)",
                (variant, product),
            )
        connection.execute("INSERT INTO confirmed_values VALUES ('hanoi', 'price', 11, 0, 10000, 9)")
        connection.commit()
    keep_rows(catalog, SHOPIFY_VARIANTS, tmp_path / "rows.json")
    kept = orjson.loads((tmp_path / "rows.json").read_bytes())
    assert products_of(catalog) == 2
    assert sorted(kept["rows"]) == [f"gid://shopify/ProductVariant/{variant}" for variant in (11, 12, 21)]
    first = kept["rows"]["gid://shopify/ProductVariant/11"]
    assert first["confirmed_values"] == [["hanoi", "price", 11, 0, 10000, 9]]
    assert dict(zip(kept["columns"]["shopify_variants"], first["shopify_variants"][0], strict=True))["product_id"] == 1
