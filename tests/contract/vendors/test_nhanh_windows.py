"""A full pull of the sandbox's customers in windows of time, into a real catalog."""

from pathlib import Path
from typing import Any, cast

from sqlalchemy import select
from sync_worker.adapters.catalog.pulls import SqlPullCatalog
from sync_worker.adapters.catalog.tables import nhanh_customers
from sync_worker.application.ports.job import OperationResult
from sync_worker.application.pull.windows import WAY
from sync_worker.domain.failures import JobCancelled
from sync_worker.domain.operations import Operation

from tests.fakes.catalog_database import catalog_database
from tests.fakes.job_context import RecordingJobContext
from tests.fakes.nhanh_shop import ALL_CUSTOMERS, Shop, a_shop


class Puller:
    """Pulls all customers of a shop into a catalog, job after job."""

    def __init__(self, shop: Shop, database: Any) -> None:
        self._shop = shop
        self._database = database
        self._catalog = SqlPullCatalog(database, shop.clock)
        self._jobs = 0

    async def pull(self, *, stop_after: int = 0) -> OperationResult:
        """Pull; stop after so many reports, if any are given."""
        self._jobs += 1
        self._shop.clock.advance(1)
        job = RecordingJobContext(self._shop.store, job_id=f"job-{self._jobs}", gate=self._shop.gate)
        if stop_after:
            job.stop, job.stop_after = JobCancelled(), stop_after
        return await self._shop.pull(self._catalog, Operation.PULL_NHANH_CUSTOMERS, ALL_CUSTOMERS, job)

    async def living(self) -> dict[int, str]:
        """Names of the customers that are not gone."""
        table = nhanh_customers.c
        found = await self._database.read(
            lambda c: c.execute(select(table.nhanh_id, table.name).where(table.gone_time.is_(None))).all()
        )
        return {row.nhanh_id: row.name for row in found}


async def test_a_pull_in_windows_mirrors_every_customer_and_counts_each_once(tmp_path: Path) -> None:
    """The first pull reads the whole list; the second, after changes at Nhanh, brings the changes and marks who is gone."""
    async with a_shop(customers=4_000) as shop, catalog_database(tmp_path) as database:
        puller = Puller(shop, database)
        customers = shop.world.business.customers
        result = await puller.pull()
        assert result.result["way"] == "page by page"
        assert result.result["created"] == len(customers)
        assert (result.result["updated"], result.result["unchanged"]) == (0, 0)
        assert await puller.living() == {one: row["name"] for one, row in customers.items()}

        first, second, *_ = customers
        customers[first] = {**customers[first], "name": "Another", "updatedAt": int(shop.clock.now())}
        del customers[second]
        result = await puller.pull()
        assert result.result["way"] == WAY
        counts = {name: result.result[name] for name in ("created", "updated", "unchanged", "gone")}
        assert counts == {"created": 0, "updated": 1, "unchanged": len(customers) - 1, "gone": 1}
        assert await puller.living() == {one: row["name"] for one, row in customers.items()}


async def test_a_pull_in_windows_goes_on_where_it_was_stopped(tmp_path: Path) -> None:
    """Stopped again and again, it repeats no more than what was under way."""
    async with a_shop(customers=4_000) as shop, catalog_database(tmp_path) as database:
        puller = Puller(shop, database)
        await puller.pull()
        answered = shop.world.calls.answered["nhanh customer/list"]
        stops = 0
        while True:
            try:
                result = await puller.pull(stop_after=12)
                break
            except JobCancelled:
                stops += 1
        assert stops >= 3
        customers = shop.world.business.customers
        assert (result.result["way"], result.result["unchanged"]) == (WAY, len(customers))
        assert await puller.living() == {one: row["name"] for one, row in customers.items()}
        pages = cast("int", result.result["pages"])
        assert shop.world.calls.answered["nhanh customer/list"] - answered <= pages + 1 + 5 * stops


async def test_customers_without_a_time_are_in_the_first_pull(tmp_path: Path) -> None:
    """Nothing is known of the shop, and customers behind its first pages have no time: windows would not show them."""
    async with a_shop(customers=4_000) as shop, catalog_database(tmp_path) as database:
        puller = Puller(shop, database)
        customers = shop.world.business.customers
        for one in sorted(customers)[1_500:1_510]:
            customers[one] = {**customers[one], "updatedAt": None}
        assert (await puller.pull()).result["created"] == len(customers)
        assert set(await puller.living()) == set(customers)


async def test_customers_without_a_time_are_found(tmp_path: Path) -> None:
    """Windows do not show them; the mirror knows one, and that is enough to find the other."""
    async with a_shop(customers=4_000) as shop, catalog_database(tmp_path) as database:
        puller = Puller(shop, database)
        customers = shop.world.business.customers
        await puller.pull()
        *_, known, unknown = customers
        customers[known] = {**customers[known], "updatedAt": None}
        customers[unknown + 1] = {**customers[unknown], "id": unknown + 1, "updatedAt": None}
        result = await puller.pull()
        assert (result.result["gone"], result.result["created"]) == (0, 1)
        assert set(await puller.living()) == set(customers)
