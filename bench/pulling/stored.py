"""What a pull has stored in a catalog on SQLite."""

import sqlite3
from collections import defaultdict
from contextlib import closing
from pathlib import Path
from typing import Any

import orjson

from bench.pulling.lists import VendorList

BESIDE = {"phone_keys": "owner_id", "confirmed_values": "owner_id", "pull_levels": "variant_id"}
"""Tables that a pull fills beside its mirror, and the column that names the vendor's object."""


def keep_rows(catalog: Path, wanted: VendorList, file: Path) -> None:
    """Write every row that a pull left, by its vendor's id as the vendor writes it: what `bench.raw_pull` is given."""
    rows: dict[str, dict[str, list[Any]]] = defaultdict(dict)
    columns: dict[str, list[str]] = {}
    with closing(_open(catalog)) as connection:
        for table, id_column in {wanted.table: wanted.id_column, **BESIDE}.items():
            found = connection.execute(f"SELECT * FROM {table}")  # noqa: S608 - our own tables
            names = [each[0] for each in found.description]
            place = names.index(id_column)
            for row in found:
                rows[f"{wanted.gid}{row[place]}"].setdefault(table, []).append(row)
                columns[table] = names
    file.write_bytes(orjson.dumps({"columns": columns, "rows": rows}))


def products_of(catalog: Path) -> int:
    """Count the products whose variants are stored."""
    with closing(_open(catalog)) as connection:
        return int(connection.execute("SELECT count(DISTINCT product_id) FROM shopify_variants").fetchone()[0])


def _open(catalog: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"file:{catalog}?mode=ro", uri=True)
