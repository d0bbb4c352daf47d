"""Full pulls from the sandbox's Shopify by bulk operation, over HTTP, into a catalog."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import pytest
from chassis.database import Database
from graphql import parse, validate
from sandbox.faults import FaultKind, Rule
from sandbox.shopify.bulk.operations import FOREIGN, Status
from sandbox.shopify.schema import schema
from sqlalchemy import select
from sync_worker.adapters.catalog.pulls import SqlPullCatalog
from sync_worker.adapters.catalog.pushes import SqlPushCatalog
from sync_worker.adapters.catalog.tables import pull_runs, shopify_customers, shopify_variants
from sync_worker.adapters.shopify import bulk_download
from sync_worker.adapters.shopify.bulk_documents import BULK_DOCUMENTS, query_of
from sync_worker.adapters.shopify.client import ShopifyClient
from sync_worker.adapters.shopify.documents import Document
from sync_worker.application.ports.call_gate import CallGate
from sync_worker.application.ports.job import OperationResult
from sync_worker.application.ports.shopify_bulk import BulkList
from sync_worker.application.ports.vendors import Vendors
from sync_worker.application.pull.run_pull import run_pull
from sync_worker.domain.failures import AccessRefused, OperationFailure
from sync_worker.domain.operations import Operation
from sync_worker.domain.push_plan import Lane
from sync_worker.domain.requests import (
    PullMethod,
    PullMode,
    PullRequest,
    ShopifyCustomerFilter,
    ShopifyProductFilter,
)
from sync_worker.domain.stores import Store

from tests.fakes.catalog_database import catalog_database
from tests.fakes.job_context import RecordingJobContext
from tests.fakes.shopify_shop import SandboxShop, a_shopify_shop
from tests.fakes.stores import a_store

START = "bulkOperationRunQuery"
DOWNLOAD = "bulk/download"
LISTS = [
    BulkList(ShopifyProductFilter()),
    BulkList(ShopifyProductFilter(), with_levels=True),
    BulkList(ShopifyCustomerFilter()),
]


@dataclass
class World:
    """A shop and a catalog."""

    shop: SandboxShop
    database: Database

    def shopify(self, store: Store, gate: CallGate) -> ShopifyClient:
        """Open the shop, as `Vendors` does."""
        return self.shop.client()

    async def pull(
        self,
        wanted: ShopifyProductFilter | ShopifyCustomerFilter | None = None,
        *,
        job_id: str = "job",
        method: PullMethod = PullMethod.AUTO,
        mode: PullMode = PullMode.FULL,
    ) -> OperationResult:
        """Run an attempt."""
        wanted = wanted or ShopifyProductFilter()
        is_products = isinstance(wanted, ShopifyProductFilter)
        return await run_pull(
            RecordingJobContext(a_store(), job_id=job_id),
            PullRequest(mode, wanted, method),
            operation=Operation.PULL_SHOPIFY_PRODUCTS if is_products else Operation.PULL_SHOPIFY_CUSTOMERS,
            vendors=cast("Vendors", self),
            catalog=SqlPullCatalog(self.database, self.shop.clock),
            clock=self.shop.clock,
        )

    async def variants(self) -> list[int]:
        """The variants that are not gone."""
        living = select(shopify_variants.c.variant_id).where(shopify_variants.c.gone_time.is_(None))
        return await self.database.read(lambda connection: sorted(connection.scalars(living)))

    async def rows(self, *, customers: bool) -> list[tuple[object, ...]]:
        """What is stored of every row, without when."""
        table = shopify_customers if customers else shopify_variants
        kept = [column for column in table.columns if not column.name.endswith("_time")]
        statement = select(*kept).order_by(table.columns[1])
        return await self.database.read(lambda connection: [tuple(row) for row in connection.execute(statement)])

    async def covered(self) -> int | None:
        """Until when everything is covered."""
        return await self.database.read(lambda connection: connection.scalar(select(pull_runs.c.covered_until)))

    @property
    def known(self) -> list[int]:
        """The variants that the shop has."""
        return sorted(self.shop.world.shop.variants)


@asynccontextmanager
async def a_world(folder: Path, **shop: float) -> AsyncIterator[World]:
    """Open both."""
    async with a_shopify_shop(**shop) as opened, catalog_database(folder) as database:
        yield World(opened, database)


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """A few hundred rows are many chunks."""
    monkeypatch.setattr(bulk_download, "CHUNK_BYTES", 20_000)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """A shop whose operations are done at once, and an empty catalog."""
    async with a_world(tmp_path) as opened:
        yield opened


@pytest.mark.parametrize("document", BULK_DOCUMENTS, ids=lambda document: document.root)
def test_what_is_sent_is_valid(document: Document) -> None:
    """Each asks only for what the sandbox's schema has."""
    assert validate(schema(), parse(document.text)) == []


@pytest.mark.parametrize("wanted", LISTS)
def test_what_is_run_is_valid(wanted: BulkList) -> None:
    """The same holds of bulk queries."""
    assert validate(schema(), parse(query_of(wanted, "1"))) == []


@pytest.mark.parametrize("wanted", [ShopifyProductFilter(), ShopifyCustomerFilter()])
async def test_a_bulk_pull_stores_what_a_paged_one_stores(
    world: World, wanted: ShopifyProductFilter | ShopifyCustomerFilter
) -> None:
    """Row by row and column by column; a second pull, the other way, changes nothing."""
    customers = isinstance(wanted, ShopifyCustomerFilter)
    done = await world.pull(wanted)
    first = await world.rows(customers=customers)
    world.shop.clock.advance(60)
    assert done.result["way"] == "by a bulk operation"
    assert done.progress.successful == len(first) > 250
    again = await world.pull(wanted, job_id="again", method=PullMethod.PAGES)
    assert (again.result["way"], again.result["unchanged"]) == ("page by page", len(first))
    assert await world.rows(customers=customers) == first


async def test_every_stock_level_comes_beside_the_variants(world: World) -> None:
    """Strewn among them, at every location that has any; a push then knows what is there, and need not ask or write it."""
    done = await world.pull()
    variants = world.shop.world.shop.variants.values()
    true = {(one.inventory_item_id, place): pieces for one in variants for place, pieces in one.quantities.items()}
    assert (done.result["levels"], done.result["unreadable_levels"]) == (len(true), 0)
    items = [one.inventory_item_id for one in variants]
    pushes = SqlPushCatalog(world.database, world.shop.clock)
    known = await pushes.confirmed("hanoi", Lane.INVENTORY, items)
    assert {key: each.values for key, each in known.items()} == {key: (pieces,) for key, pieces in true.items()}


async def test_a_filtered_bulk_pull_gathers_what_pages_do(world: World) -> None:
    """The search stands in the query's text."""
    wanted = ShopifyProductFilter(("draft", "archived"))
    done = await world.pull(wanted)
    world.shop.clock.advance(60)
    paged = await world.pull(wanted, job_id="again", method=PullMethod.PAGES)
    assert 0 < done.progress.successful < len(world.known)
    assert paged.progress.successful == paged.result["unchanged"] == done.progress.successful


async def test_an_operation_that_takes_its_time_is_waited_for(tmp_path: Path) -> None:
    """For as long as it gets on; a look costs a point."""
    async with a_world(tmp_path, bulk_seconds=40.0, limits=1.0) as world:
        done = await world.pull()
        assert await world.variants() == world.known
        assert 40.0 <= world.shop.clock.monotonic() < 44.0
        assert done.progress.metrics["api_points"] < 50


@pytest.mark.parametrize(
    ("kind", "code", "retryable"),
    [
        (FaultKind.BULK_FAILED, "BULK_FAILED", True),
        (FaultKind.BULK_CANCELED, "BULK_CANCELED", True),
        (FaultKind.BULK_EXPIRED, "BULK_EXPIRED", True),
        (FaultKind.BULK_STUCK, "BULK_STALLED", True),
        (FaultKind.BULK_CUT_LINE, "BULK_INCOMPLETE", True),
        (FaultKind.BULK_BAD_LINE, "BULK_INCOMPLETE", True),
        (FaultKind.BULK_SHORT, "BULK_MISMATCH", True),
        (FaultKind.BULK_TWICE, "ROWS_MISSING", True),
    ],
)
async def test_an_operation_that_comes_to_nothing_moves_nothing(
    world: World, kind: FaultKind, code: str, retryable: bool
) -> None:
    """Nothing is gone and nothing more is covered; the next attempt starts another and has everything."""
    await world.pull()
    covered = await world.covered()
    world.shop.clock.advance(1_000)
    world.shop.fault(kind, START, times=1, item="partial")
    with pytest.raises(OperationFailure) as failed:
        await world.pull(job_id="second")
    assert (failed.value.code, failed.value.retryable) == (code, retryable)
    assert (await world.variants(), await world.covered()) == (world.known, covered)
    assert (await world.pull(job_id="second")).progress.successful == len(world.known)
    assert (await world.covered() or 0) > (covered or 0)


async def test_access_that_is_denied_is_never_retried(world: World) -> None:
    """A person has to grant it."""
    world.shop.fault(FaultKind.BULK_FAILED, START, times=1, code="ACCESS_DENIED")
    with pytest.raises(AccessRefused):
        await world.pull()


@pytest.mark.parametrize(
    ("kind", "operation"),
    [
        (FaultKind.DROP_AFTER_COMMIT, START),
        (FaultKind.DROP_AFTER_COMMIT, DOWNLOAD),
        (FaultKind.URL_EXPIRED, DOWNLOAD),
        (FaultKind.HTTP_503, DOWNLOAD),
        (FaultKind.HTTP_503, "bulkOperation"),
        (FaultKind.DROP_AFTER_COMMIT, "bulkOperation"),
        (FaultKind.HTTP_503, "bulkOperations"),
    ],
)
async def test_what_breaks_on_the_way_is_mended_on_the_way(world: World, kind: FaultKind, operation: str) -> None:
    """One operation is started, and one attempt is enough."""
    world.shop.fault(kind, operation, times=2 if operation != START else 1)
    assert (await world.pull()).progress.successful == len(world.known)
    assert await world.variants() == world.known
    assert len(world.shop.world.shop.bulk.known) == 1


async def test_a_host_without_ranges_costs_bytes_only(world: World) -> None:
    """What was read already is passed over."""
    world.shop.plan(
        [
            Rule("shopify", DOWNLOAD, FaultKind.DROP_AFTER_COMMIT),
            Rule("shopify", DOWNLOAD, FaultKind.RANGE_IGNORED, times=-1),
        ]
    )
    assert (await world.pull()).progress.successful == len(world.known)
    assert await world.variants() == world.known


async def test_operations_of_others_are_left_alone(world: World) -> None:
    """With all slots taken the job fails for now and says so; with one free it goes through."""
    bulk = world.shop.world.shop.bulk
    bulk.occupy(5, world.shop.clock.now())
    with pytest.raises(OperationFailure, match="already in progress") as failed:
        await world.pull()
    assert (failed.value.code, failed.value.retryable) == ("BULK_SLOTS_TAKEN", True)
    bulk.occupy(4, world.shop.clock.now())
    assert (await world.pull()).progress.successful == len(world.known)
    foreign = [one for one in bulk.known.values() if one.query == FOREIGN]
    assert [one.canceled_at for one in foreign] == [None] * 5
    assert [one.status(world.shop.clock.now()) for one in foreign].count(Status.RUNNING) == 4
