"""Pulls of lists with rows that cannot be read: each fails alone, and what is stored of it stays."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from chassis.database import Database
from sqlalchemy import select
from sync_worker.adapters.catalog.pulls import SqlPullCatalog
from sync_worker.adapters.catalog.tables import nhanh_products, pull_runs, shopify_customers
from sync_worker.application.ports.job import OperationResult
from sync_worker.application.ports.pages import RowRefusal
from sync_worker.application.pull.run_pull import run_pull
from sync_worker.domain.failures import ItemFailure, Origin, VendorUnavailable
from sync_worker.domain.operations import Operation
from sync_worker.domain.requests import (
    NhanhProductFilter,
    PullFilter,
    PullMode,
    PullRequest,
    ShopifyCustomerFilter,
)

from tests.fakes.catalog_database import catalog_database
from tests.fakes.clock import ManualClock
from tests.fakes.job_context import RecordingJobContext
from tests.fakes.mirrored import a_nhanh_product, a_shopify_customer
from tests.fakes.stores import a_store
from tests.fakes.vendor_lists import ListingVendors, listing

WHY = "the retail price of product 2 is 'không rõ', which is no amount"
BAD = RowRefusal(2, WHY)


class World:
    """A catalog, and pulls into it; each is a second after the one before."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.clock = ManualClock()
        self.catalog = SqlPullCatalog(database, self.clock)

    async def pull(
        self,
        vendors: ListingVendors,
        job: RecordingJobContext,
        wanted: PullFilter | None = None,
        mode: PullMode = PullMode.FULL,
        operation: Operation = Operation.PULL_NHANH_PRODUCTS,
    ) -> OperationResult:
        """Run a pull."""
        self.clock.advance(1)
        request = PullRequest(mode, wanted or NhanhProductFilter())
        return await run_pull(
            job, request, operation=operation, vendors=vendors, catalog=self.catalog, clock=self.clock
        )

    async def products(self) -> list[tuple[Any, ...]]:
        """Each product's id and name, and whether it is gone."""
        columns = nhanh_products.c
        wanted = select(columns.nhanh_id, columns.name, columns.gone_time).order_by(columns.nhanh_id)
        found = await self.database.read(lambda c: c.execute(wanted).all())
        return [(row.nhanh_id, row.name, row.gone_time is not None) for row in found]


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """An empty catalog."""
    async with catalog_database(tmp_path) as database:
        yield World(database)


def a_job(number: int) -> RecordingJobContext:
    """A job that nobody stops."""
    return RecordingJobContext(a_store(), job_id=f"job-{number}")


async def test_one_unreadable_row_fails_alone(world: World) -> None:
    """Its mates are stored, it stays as it was and is not gone, what went is gone; its reason is told once."""
    await world.pull(listing([a_nhanh_product(number) for number in (1, 2, 3, 4)]), a_job(1))
    job = a_job(2)
    renamed = [a_nhanh_product(number, name="Renamed") for number in (1, 4)]
    done = await world.pull(listing([renamed[0], BAD, renamed[1]], 2), job)
    assert await world.products() == [
        (1, "Renamed", False),
        (2, "Item 2", False),
        (3, "Item 3", True),
        (4, "Renamed", False),
    ]
    assert job.failures == [
        ItemFailure("nhanh:2", "pull", Origin.NHANH, "UNREADABLE_ROW", WHY, retryable=False, attempts=1)
    ]
    assert (done.progress.total, done.progress.successful, done.progress.failed) == (3, 2, 1)
    assert [(report.successful, report.failed) for report in job.reports] == [(0, 0), (1, 1), (2, 1)]
    assert (done.result["updated"], done.result["failed"], done.result["gone"]) == (2, 1, 1)
    assert "1 more cannot be read" in done.message


async def test_an_unreadable_row_is_not_stored(world: World) -> None:
    """A row that nobody has read yet is not there, and nothing is put in its place."""
    done = await world.pull(listing([a_nhanh_product(1), BAD]), a_job(1))
    assert [number for number, *_ in await world.products()] == [1]
    assert done.progress.failed == 1


async def test_a_mended_row_is_read_by_the_next_pull(world: World) -> None:
    """Nothing of its failure is left."""
    await world.pull(listing([BAD]), a_job(1))
    job = a_job(2)
    done = await world.pull(listing([a_nhanh_product(2)]), job)
    assert (job.failures, done.progress.failed, done.progress.successful) == ([], 0, 1)


async def test_counts_go_on_over_a_later_attempt(world: World) -> None:
    """What failed before the attempt stopped still counts, and is told again: an attempt that crashes may not have told of it."""
    vendors = listing([a_nhanh_product(1), BAD, a_nhanh_product(3), a_nhanh_product(4)], 2)
    vendors.vendor.troubles[1] = VendorUnavailable("nhanh", "HTTP_503", "Nhanh is not available")
    first, second = a_job(1), a_job(1)
    with pytest.raises(VendorUnavailable):
        await world.pull(vendors, first)
    done = await world.pull(vendors, second)
    assert (done.progress.successful, done.progress.failed) == (3, 1)
    assert [[failure.item_key for failure in job.failures] for job in (first, second)] == [["nhanh:2"]] * 2
    run = await world.database.read(lambda c: c.execute(select(pull_runs)).one())
    assert (run.processed, run.created) == (4, 3)
    again = await world.pull(vendors, a_job(1))
    assert (again.progress.failed, again.result["failed"]) == (1, 1)


async def test_a_page_of_unreadable_rows_alone_is_read_over(world: World) -> None:
    """It is not the end of the list, and an incremental pull goes on from it as from any other."""
    vendors = listing([RowRefusal(1, "x"), RowRefusal(2, "x"), a_nhanh_product(3)], 2)
    assert (await world.pull(vendors, a_job(1))).progress.failed == 2
    done = await world.pull(vendors, a_job(2), mode=PullMode.INCREMENTAL)
    assert (done.result["mode"], done.progress.failed, done.result["unchanged"]) == ("INCREMENTAL", 2, 1)


async def test_a_shopify_row_is_named_by_shopify(world: World) -> None:
    """Its key and its origin are those of the vendor that told of it."""
    job = a_job(1)
    await world.pull(
        listing([a_shopify_customer(1), RowRefusal(5, "amount of gid://shopify/Customer/5 cannot be read")]),
        job,
        ShopifyCustomerFilter(),
        operation=Operation.PULL_SHOPIFY_CUSTOMERS,
    )
    assert [(failure.item_key, failure.origin) for failure in job.failures] == [("shopify:5", Origin.SHOPIFY)]
    ids = await world.database.read(lambda c: c.execute(select(shopify_customers.c.customer_id)).scalars().all())
    assert list(ids) == [1]
