"""Pulls of odd pages, compared with the sandbox's truth row by row."""

from pathlib import Path

import pytest
from sandbox.nhanh.habits import NhanhHabits
from sync_worker.adapters.catalog.pulls import SqlPullCatalog
from sync_worker.domain.operations import Operation
from sync_worker.domain.requests import NhanhCustomerFilter, NhanhProductFilter, PullFilter

from tests.fakes.catalog_database import catalog_database
from tests.fakes.job_context import RecordingJobContext
from tests.fakes.mirrors import NHANH_CUSTOMERS, NHANH_PRODUCTS, Mirror
from tests.fakes.nhanh_shop import a_shop

LISTS = [
    (NHANH_CUSTOMERS, Operation.PULL_NHANH_CUSTOMERS, NhanhCustomerFilter()),
    (NHANH_PRODUCTS, Operation.PULL_NHANH_PRODUCTS, NhanhProductFilter()),
]


@pytest.mark.parametrize(("mirror", "operation", "wanted"), LISTS)
@pytest.mark.parametrize("undated", [0.0, 0.05])
async def test_odd_pages_are_mirrored_row_by_row(
    tmp_path: Path, mirror: Mirror, operation: Operation, wanted: PullFilter, undated: float
) -> None:
    """Short, empty and keyed pages, rows told of twice, and customers without a time."""
    habits = NhanhHabits(oddities=0.4, undated=undated)
    async with a_shop(customers=2_000, habits=habits) as shop, catalog_database(tmp_path) as database:
        job = RecordingJobContext(shop.store, gate=shop.gate)
        done = await shop.pull(SqlPullCatalog(database, shop.clock), operation, wanted, job)
        await mirror.check(shop.world, f"sqlite:///{tmp_path / 'database.db'}")
        assert done.result["created"] == len(mirror.true_rows(shop.world))
