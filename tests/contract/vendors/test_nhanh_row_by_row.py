"""Pulls of odd pages, compared with the sandbox's truth row by row."""

from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any, cast

import orjson
import pytest
from sandbox.nhanh.habits import NhanhHabits
from sandbox.row_truth import rows_document
from sqlalchemy import Table, select
from sync_worker.adapters.catalog.pulls import SqlPullCatalog
from sync_worker.adapters.catalog.tables import nhanh_customers, nhanh_products
from sync_worker.application.ports.job import JobContext
from sync_worker.application.pull.run_pull import run_pull
from sync_worker.domain.operations import Operation
from sync_worker.domain.requests import NhanhCustomerFilter, NhanhProductFilter, PullFilter, PullMode, PullRequest

from tests.fakes.catalog_database import catalog_database
from tests.fakes.job_context import RecordingJobContext
from tests.fakes.nhanh_shop import a_shop

AMOUNTS = ("price_retail", "price_old", "price_wholesale", "price_import", "total_spent")


def scaled(text: str | None) -> int | None:
    """Ten-thousandths, half up, as the catalog keeps amounts."""
    return None if text is None else int((Decimal(text) * 10_000).to_integral_value(ROUND_HALF_UP))


def as_mirrored(row: dict[str, Any]) -> dict[str, Any]:
    """A row of the truth in the catalog's columns."""
    columns = {name: scaled(value) if name in AMOUNTS else value for name, value in row.items() if name != "gone"}
    if "stock" in columns:
        stock = columns.pop("stock")
        columns["stock_available"] = None if stock is None else scaled(stock["available"])
        columns["stock_by_depot"] = stock and {depot: scaled(pieces) for depot, pieces in stock["by_depot"].items()}
    return columns


LISTS = [
    ("nhanh_customers", Operation.PULL_NHANH_CUSTOMERS, NhanhCustomerFilter(), nhanh_customers),
    ("nhanh_products", Operation.PULL_NHANH_PRODUCTS, NhanhProductFilter(), nhanh_products),
]


@pytest.mark.parametrize(("name", "operation", "wanted", "table"), LISTS)
@pytest.mark.parametrize("undated", [0.0, 0.05])
async def test_odd_pages_are_mirrored_row_by_row(
    tmp_path: Path, name: str, operation: Operation, wanted: PullFilter, table: Table, undated: float
) -> None:
    """Short, empty and keyed pages, rows told of twice, and customers without a time."""
    habits = NhanhHabits(oddities=0.4, undated=undated)
    async with a_shop(customers=2_000, habits=habits) as shop, catalog_database(tmp_path) as database:
        job = RecordingJobContext(shop.store, gate=shop.gate)
        done = await run_pull(
            cast("JobContext", job),
            PullRequest(PullMode.FULL, wanted),
            operation=operation,
            vendors=shop.vendors,
            catalog=SqlPullCatalog(database, shop.clock),
            clock=shop.clock,
        )
        truth = rows_document(shop.world)[name]
        found = {
            str(row["nhanh_id"]): dict(row)
            for row in (await database.read(lambda c: c.execute(select(table)).mappings().all()))
        }
        assert found.keys() == truth.keys()
        for one, row in truth.items():
            expected = as_mirrored(row)
            mirrored = {column: found[one][column] for column in expected}
            if mirrored.get("stock_by_depot") is not None:
                mirrored["stock_by_depot"] = orjson.loads(mirrored["stock_by_depot"])
            assert mirrored == expected
        assert done.result["created"] == len(truth)
