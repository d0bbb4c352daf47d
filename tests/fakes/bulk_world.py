"""Pulls by bulk operations, from a shop into a catalog."""

from dataclasses import dataclass
from typing import cast

from chassis.database import Database
from sqlalchemy import case, func, select
from sync_worker.adapters.catalog.pulls import SqlPullCatalog
from sync_worker.adapters.catalog.tables import pull_levels, pull_runs, shopify_variants
from sync_worker.application.ports.job import OperationResult
from sync_worker.application.ports.vendors import Vendors
from sync_worker.application.pull.run_pull import run_pull
from sync_worker.domain.operations import Operation
from sync_worker.domain.requests import PullMethod, PullMode, PullRequest, ShopifyProductFilter

from tests.fakes.bulk_shop import BulkShop
from tests.fakes.job_context import RecordingJobContext
from tests.fakes.stores import a_store

EVERYTHING = ShopifyProductFilter()


@dataclass
class BulkWorld:
    """Pulls of variants from a shop into a catalog."""

    shop: BulkShop
    database: Database

    async def pull(
        self,
        job: RecordingJobContext | None = None,
        mode: PullMode = PullMode.FULL,
        method: PullMethod = PullMethod.AUTO,
        wanted: ShopifyProductFilter = EVERYTHING,
    ) -> OperationResult:
        """Run an attempt."""
        return await run_pull(
            job or RecordingJobContext(a_store()),
            PullRequest(mode, wanted, method),
            operation=Operation.PULL_SHOPIFY_PRODUCTS,
            vendors=cast("Vendors", self.shop),
            catalog=SqlPullCatalog(self.database, self.shop.clock),
            clock=self.shop.clock,
        )

    async def living(self) -> list[int]:
        """The ids of the variants that are not gone."""
        statement = select(shopify_variants.c.variant_id).where(shopify_variants.c.gone_time.is_(None))
        return await self.database.read(lambda connection: sorted(connection.scalars(statement)))

    async def levels(self) -> dict[tuple[int, int], int | None]:
        """What is known of (item, location) pairs."""
        columns = pull_levels.c
        statement = select(columns.inventory_item_id, columns.location_id, columns.available).where(
            columns.pull_id.in_(select(pull_runs.c.levels_pull))
        )
        found = await self.database.read(lambda connection: connection.execute(statement).all())
        return {(item, location): available for item, location, available in found}

    async def place(self) -> tuple[str | None, int | None]:
        """The cursor from which an unfinished pull goes on, and until when everything is covered."""
        going_on = case((pull_runs.c.finish_time.is_(None), pull_runs.c.cursor))
        statement = select(going_on, pull_runs.c.covered_until)
        return await self.database.read(lambda connection: tuple(connection.execute(statement).one()))

    async def pulls(self) -> int:
        """How many pulls there are."""
        statement = select(func.count()).select_from(pull_runs)
        return await self.database.read(lambda connection: connection.scalar(statement) or 0)
