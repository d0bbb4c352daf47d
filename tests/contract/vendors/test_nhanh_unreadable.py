"""Rows that Nhanh spoils, over HTTP: each fails alone, down to the catalog."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sandbox.faults import FaultKind
from sqlalchemy import Table, select
from sync_worker.adapters.catalog.pulls import SqlPullCatalog
from sync_worker.adapters.catalog.tables import nhanh_customers, nhanh_products
from sync_worker.domain.operations import Operation

from tests.fakes.catalog_database import catalog_database
from tests.fakes.job_context import RecordingJobContext
from tests.fakes.nhanh_shop import ALL_CUSTOMERS, ALL_PRODUCTS, Shop, a_shop


async def test_a_spoiled_price_is_refused_alone() -> None:
    """The page has every other row."""
    async with a_shop() as shop:
        whole = await shop.nhanh().product_page(ALL_PRODUCTS, None)
        one = whole.rows[0].nhanh_id
        shop.fault(FaultKind.BAD_ITEM, "product/list", item=str(one), times=-1)
        page = await shop.nhanh().product_page(ALL_PRODUCTS, None)
        assert page == replace(whole, rows=whole.rows[1:], refused=page.refused)
        (refused,) = page.refused
        assert refused.vendor_id == one
        assert f"the retail price of product {one}" in refused.message


async def test_a_spoiled_spend_is_refused_alone() -> None:
    """The page has every other row."""
    async with a_shop() as shop:
        whole = await shop.nhanh().customer_page(ALL_CUSTOMERS, None)
        one = whole.rows[0].nhanh_id
        shop.fault(FaultKind.BAD_ITEM, "customer/list", item=str(one), times=-1)
        page = await shop.nhanh().customer_page(ALL_CUSTOMERS, None)
        assert page == replace(whole, rows=whole.rows[1:], refused=page.refused)
        (refused,) = page.refused
        assert refused.vendor_id == one
        assert f"the total of customer {one}" in refused.message


async def test_spoiled_stock_is_refused_alone() -> None:
    """It is neither missing nor zero, and the others are read."""
    async with a_shop() as shop:
        ids = sorted(shop.world.business.stock.keys() & shop.sellable.keys())[:20]
        whole = await shop.nhanh().stock_of(ids)
        shop.fault(FaultKind.BAD_ITEM, "product/inventory", item=str(ids[0]), times=-1)
        answer = await shop.nhanh().stock_of(ids)
        assert answer.stock == {one: stock for one, stock in whole.stock.items() if one != ids[0]}
        assert list(answer.refused) == [ids[0]]
        assert f"the stock of product {ids[0]}" in answer.refused[ids[0]]


async def test_a_spoiled_product_is_not_unknown() -> None:
    """Read by its id, it is refused."""
    async with a_shop() as shop:
        one, other = sorted(shop.sellable)[:2]
        shop.fault(FaultKind.BAD_ITEM, "product/list", item=str(one), times=-1)
        answer = await shop.nhanh().products_by_id([one, other, 999_999_999])
        assert (list(answer.products), list(answer.refused)) == ([other], [one])


PULLS = [
    ("product/list", Operation.PULL_NHANH_PRODUCTS, ALL_PRODUCTS, nhanh_products),
    ("customer/list", Operation.PULL_NHANH_CUSTOMERS, ALL_CUSTOMERS, nhanh_customers),
]


@pytest.mark.parametrize(("operation", "pull", "wanted", "table"), PULLS)
async def test_a_spoiled_row_stays_as_it_was_pulled_before(
    tmp_path: Path, operation: str, pull: Operation, wanted: Any, table: Table
) -> None:
    """An unfiltered full pull neither changes it nor marks it gone, while a row that Nhanh took away is marked."""
    async with a_shop() as shop, catalog_database(tmp_path) as database:
        catalog = SqlPullCatalog(database, shop.clock)

        async def pulled(number: int) -> RecordingJobContext:
            shop.clock.advance(1)
            job = RecordingJobContext(shop.store, job_id=f"job-{number}", gate=shop.gate)
            done = await shop.pull(catalog, pull, wanted, job)
            job.reports.append(done.progress)
            return job

        async def stored() -> dict[int, Any]:
            rows: Sequence[Any] = await database.read(lambda c: c.execute(select(table)).all())
            return {row.nhanh_id: row for row in rows}

        await pulled(1)
        before = await stored()
        spoiled, taken = _two_of(shop, operation)
        shop.fault(FaultKind.BAD_ITEM, operation, item=str(spoiled), times=-1)
        job = await pulled(2)
        after = await stored()
        assert after[spoiled] == before[spoiled]
        assert after[spoiled].gone_time is None
        assert after[taken].gone_time is not None
        assert {one for one, row in after.items() if row != before[one]} == {taken}
        failures = {(failure.item_key, failure.stage, failure.code) for failure in job.failures}
        assert failures == {(f"nhanh:{spoiled}", "pull", "UNREADABLE_ROW")}
        assert (job.reports[-1].failed, job.reports[-1].successful) == (1, len(before) - 2)


def _two_of(shop: Shop, operation: str) -> tuple[int, int]:
    """A row to spoil, with another price or spend than the one that was pulled, and one that is taken away."""
    business = shop.world.business
    if operation == "product/list":
        spoiled, taken = sorted(shop.sellable)[:2]
        business.products[spoiled]["prices"]["retail"] = 1
        del business.products[taken]
    else:
        spoiled, taken = sorted(business.customers)[:2]
        business.customers[spoiled]["totalAmount"] = 1
        del business.customers[taken]
    return spoiled, taken
