"""How much more memory a worker holds for a hundred times the rows: a pull that streams holds no more."""

from collections.abc import AsyncIterator
from pathlib import Path

from bench.lines import Line, said
from bench.pulling.lists import NHANH_CUSTOMERS, SHOPIFY_CUSTOMERS, VendorList, Way
from bench.pulling.shop import Pulled, pull, sandbox, worker

GOAL_MB = 50.0
PEOPLE_A_ROW = {NHANH_CUSTOMERS.table: 1.03, SHOPIFY_CUSTOMERS.table: 1.1}
"""The sandbox's people are known to one vendor or to both: so many make a row of each list, and a few more."""


async def lines(folder: Path, few: int, many: int) -> AsyncIterator[Line]:
    """Measure Shopify's customers by bulk and Nhanh's in pages, each pull by a worker of its own."""
    lists = (SHOPIFY_CUSTOMERS.read(Way.BULK), NHANH_CUSTOMERS)
    pulled: dict[VendorList, list[Pulled | Exception]] = {wanted: [] for wanted in lists}
    for rows in (few, many):
        place = folder / f"memory-{rows}"
        people = str(round(rows * max(PEOPLE_A_ROW.values())))
        async with sandbox(place, "--no-limits", "--products", "0", "--customers", people) as vendors:
            for wanted in lists:
                try:
                    async with worker(place / wanted.table, vendors.stores_file) as at:
                        pulled[wanted].append(await pull(at, wanted))
                except Exception as failure:
                    pulled[wanted].append(failure)
    for wanted, (small, large) in pulled.items():
        yield line(f"{wanted}: peak memory of {many:,} rows over that of {few:,}", small, large)


def line(name: str, small: Pulled | Exception, large: Pulled | Exception) -> Line:
    """Compare two pulls, or say why one is missing."""
    for failure in (small, large):
        if isinstance(failure, Exception):
            return Line(name, "MB", None, GOAL_MB, note=said(failure))
    assert isinstance(small, Pulled)  # noqa: S101 - for the type checker
    assert isinstance(large, Pulled)  # noqa: S101 - for the type checker
    more = {
        "peak_rss_mb_few": small.peak_mb,
        "peak_rss_mb_many": large.peak_mb,
        "rows_few": small.rows,
        "rows_many": large.rows,
        "seconds_many": large.seconds,
        "rows_per_second_many": large.per_second,
        "cpu_seconds_many": large.cpu_seconds,
    }
    return Line(name, "MB", large.peak_mb - small.peak_mb, GOAL_MB, more=more, goal_name="under 50 MB")
