"""A second pull of a list in which nothing has changed: it must write no row, and be quicker than the first."""

import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

from bench.lines import Better, Line, said
from bench.pulling.lists import NHANH_CUSTOMERS, SHOPIFY_CUSTOMERS, VendorList, Way
from bench.pulling.shop import pull, sandbox, worker

TIMES_QUICKER = 1.5
PEOPLE_A_ROW = 1.1
MARKS = frozenset({"pull_runs", "pull_seen", "fences", "quotas", "catalog_version"})
"""What is a pull's own mark: where it stands, what it has seen, whose turn it is, and what is left of the vendors' limits."""


async def lines(folder: Path, rows: int) -> AsyncIterator[Line]:
    """Pull twice into SQLite; triggers count, row by row, what the second pull writes into every table but its marks."""
    place = folder / "unchanged"
    people = str(round(rows * PEOPLE_A_ROW))
    async with sandbox(place, "--no-limits", "--prepared", "--products", "0", "--customers", people) as vendors:
        for wanted in (SHOPIFY_CUSTOMERS.read(Way.BULK), NHANH_CUSTOMERS):
            try:
                for line in await _twice(place / wanted.table, vendors.stores_file, wanted):
                    yield line
            except Exception as failure:
                yield Line(f"{wanted}, unchanged", "times", None, TIMES_QUICKER, better=Better.MORE, note=said(failure))


async def _twice(folder: Path, stores_file: Path, wanted: VendorList) -> list[Line]:
    async with worker(folder, stores_file) as at:
        catalog = folder / "catalog.db"
        first = await pull(at, wanted)
        count_writes(catalog)
        second = await pull(at, wanted)
        written = writes(catalog)
    if first.rows != second.rows:
        raise ValueError(f"{first.rows} rows, then {second.rows}")
    name = f"{wanted}, unchanged, {first.rows} rows"
    more = {
        "first_seconds": first.seconds,
        "second_seconds": second.seconds,
        "first_rows_per_second": first.per_second,
        "second_rows_per_second": second.per_second,
        "first_cpu_seconds": first.cpu_seconds,
        "second_cpu_seconds": second.cpu_seconds,
    }
    return [
        Line(
            f"{name}: quicker than the first",
            "times",
            first.seconds / second.seconds,
            TIMES_QUICKER,
            more=more,
            better=Better.MORE,
        ),
        Line(f"{name}: rows written", "rows", float(sum(written.values())), 0.0, more=written, goal_name="none"),
    ]


def count_writes(catalog: Path) -> None:
    """From now on, count in the database itself what anybody writes."""
    with closing(sqlite3.connect(catalog, timeout=30, isolation_level=None)) as connection:
        tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
        connection.execute("CREATE TABLE bench_writes (name TEXT NOT NULL, rows INTEGER NOT NULL)")
        for table in set(tables) - MARKS:
            connection.execute("INSERT INTO bench_writes VALUES (?, 0)", (table,))
            for event in ("INSERT", "UPDATE", "DELETE"):
                connection.execute(
                    f"CREATE TRIGGER bench_{table}_{event} AFTER {event} ON {table} BEGIN "  # noqa: S608 - our own tables
                    f"UPDATE bench_writes SET rows = rows + 1 WHERE name = '{table}'; END"
                )


def writes(catalog: Path) -> dict[str, float]:
    """Tell how many rows were written since then, by table."""
    with closing(sqlite3.connect(f"file:{catalog}?mode=ro", uri=True)) as connection:
        return {name: float(rows) for name, rows in connection.execute("SELECT name, rows FROM bench_writes") if rows}
