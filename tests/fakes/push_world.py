"""A store with linked products and customers on a real catalog database, for pushes under test."""

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from chassis.database import Database, open_database
from sqlalchemy import Connection, Row, insert, select, update
from sync_worker.adapters.catalog.pushes import SqlPushCatalog
from sync_worker.adapters.catalog.tables import (
    confirmed_values,
    mappings,
    nhanh_customers,
    nhanh_products,
    push_intents,
    push_items,
    shopify_customers,
    shopify_variants,
    sync_log,
)
from sync_worker.application.ports.job import Fence, JobContext, OperationResult
from sync_worker.application.ports.shopify import VariantPrice
from sync_worker.application.push.retry_failed import run_retry_failed
from sync_worker.application.push.sync_customers import run_sync_customers
from sync_worker.application.push.sync_products import run_sync_products
from sync_worker.domain.mappings import PUSHABLE, Entity, MappingStatus
from sync_worker.domain.money import SCALE
from sync_worker.domain.products import NhanhStock
from sync_worker.domain.push_plan import Lane
from sync_worker.domain.requests import (
    ProductAspect,
    RetryFailedRequest,
    Selection,
    SyncCustomersRequest,
    SyncProductsRequest,
)
from sync_worker.domain.stores import LocationMapping, NhanhAccount, ShopifyAccount, Store

from tests.fakes.clock import ManualClock
from tests.fakes.job_context import RecordingJobContext
from tests.fakes.push_vendors import VendorsInMemory

DEPOT, OTHER_DEPOT = 7, 8
LOCATION, OTHER_LOCATION = 71, 81
ALL = Selection(statuses=tuple(sorted(PUSHABLE)))
ENTITIES = (Entity.PRODUCTS, Entity.CUSTOMERS)

_SCHEMA = """
from alembic import context
from sync_worker.adapters.catalog.tables import metadata

metadata.create_all(context.config.attributes["connection"])
"""

STORE = Store(
    "hanoi",
    "Hanoi",
    NhanhAccount("http://nhanh.invalid", 1, 2, "token", None, 0, 30.0),
    ShopifyAccount("http://shopify.invalid", "hanoi", "2026-07", "token"),
    (LocationMapping(DEPOT, LOCATION),),
)


@dataclass
class PushWorld:
    """The catalog, the vendors and the clock; jobs are numbered, and each has a fence of its own."""

    database: Database
    clock: ManualClock = field(default_factory=ManualClock)
    vendors: VendorsInMemory = field(default_factory=VendorsInMemory)
    store: Store = STORE
    jobs: int = 0

    def __post_init__(self) -> None:
        """Open the catalog."""
        self.catalog = SqlPushCatalog(self.database, self.clock)

    def job(self, job_id: str | None = None, attempt: int = 1) -> RecordingJobContext:
        """Begin an attempt, of a new job unless one is named."""
        self.jobs += 1
        keys = tuple(f"{self.store.store_id}/push/{entity}" for entity in ENTITIES)
        return RecordingJobContext(
            self.store, job_id or f"job-{self.jobs}", attempt=attempt, fence=Fence(self.jobs, keys)
        )

    async def product(
        self,
        number: int,
        stock: float | None = 0,
        *,
        at_shopify: int = 0,
        other_stock: float | None = None,
        **mapping: Any,
    ) -> str:
        """Link product `number` (item 1000+n, variant 2000+n, product 3000+n) and give it stock at Nhanh."""
        if stock is not None:
            by_depot = {DEPOT: round(stock * SCALE)}
            if other_stock is not None:
                by_depot[OTHER_DEPOT] = round(other_stock * SCALE)
            self.vendors.business.stock[number] = NhanhStock(sum(by_depot.values()), by_depot)
        self.vendors.shop.quantities[1000 + number, LOCATION] = at_shopify
        self.vendors.shop.prices[2000 + number] = VariantPrice(0, None)
        await self._link(Entity.PRODUCTS, number, 2000 + number, 3000 + number, 1000 + number, mapping)
        return mapping_id(Entity.PRODUCTS, number)

    async def catalog_product(self, number: int, retail: int | None, old: int | None = None) -> None:
        """Put product `number` with prices in VND into the catalog's Nhanh side."""
        await self.write(
            nhanh_products,
            nhanh_id=number,
            name="Áo",
            status=2,
            price_retail=None if retail is None else retail * SCALE,
            price_old=None if old is None else old * SCALE,
            **_MIRROR,
        )

    async def catalog_variant(self, number: int, quantity: int, **values: Any) -> None:
        """Put variant 2000+n with what Shopify was pulled with into the catalog."""
        row = {
            "variant_id": 2000 + number,
            "product_id": 3000 + number,
            "inventory_item_id": 1000 + number,
            "title": "Áo",
            "price": 0,
            "product_status": "active",
            "inventory_quantity": quantity,
            "updated_at": 0,
        }
        await self.write(shopify_variants, **{**row, **_MIRROR, **values})

    async def customer(self, number: int, spent: float | None, **mapping: Any) -> str:
        """Link customer `number` (Shopify's 4000+n), who spent so many VND, in the catalog and at Shopify."""
        await self.write(
            nhanh_customers,
            nhanh_id=number,
            name="An",
            total_spent=None if spent is None else round(spent * SCALE),
            **_MIRROR,
        )
        await self.write(
            shopify_customers,
            customer_id=4000 + number,
            amount_spent=0,
            currency="VND",
            orders=0,
            updated_at=0,
            **_MIRROR,
        )
        self.vendors.shop.spends[4000 + number] = None
        await self._link(Entity.CUSTOMERS, number, 4000 + number, None, None, mapping)
        return mapping_id(Entity.CUSTOMERS, number)

    async def sync_products(
        self,
        *ids: str,
        job: RecordingJobContext | None = None,
        prices: bool = False,
        inventory: bool = True,
        **options: Any,
    ) -> OperationResult:
        """Run Bulk Sync Products on these ids, or on everything."""
        chosen = {ProductAspect.INVENTORY: inventory, ProductAspect.PRICE: prices}
        aspects = tuple(aspect for aspect, wanted in chosen.items() if wanted)
        request = SyncProductsRequest(**{"selection": _selection(ids), "aspects": aspects, **options})
        context = _context(job or self.job())
        return await run_sync_products(context, request, vendors=self.vendors, catalog=self.catalog, clock=self.clock)

    async def sync_customers(
        self, *ids: str, job: RecordingJobContext | None = None, **options: Any
    ) -> OperationResult:
        """Run Bulk Sync Customers on these ids, or on everyone."""
        request = SyncCustomersRequest(**{"selection": _selection(ids), **options})
        context = _context(job or self.job())
        return await run_sync_customers(context, request, vendors=self.vendors, catalog=self.catalog, clock=self.clock)

    async def retry(
        self, *, job: RecordingJobContext | None = None, entities: Sequence[Entity] = ENTITIES, **options: Any
    ) -> OperationResult:
        """Run Retry Failed."""
        request = RetryFailedRequest(tuple(entities), **options)
        context = _context(job or self.job())
        return await run_retry_failed(context, request, vendors=self.vendors, catalog=self.catalog, clock=self.clock)

    async def write(self, table: Any, **values: Any) -> None:
        """Insert a row of this store."""
        row = {"store_id": self.store.store_id, **values}

        def unit(connection: Connection) -> None:
            connection.execute(insert(table).values(row))

        await self.database.write(unit)

    async def set_rows(self, table: Any, condition: Any, **values: Any) -> None:
        """Change rows."""

        def unit(connection: Connection) -> None:
            connection.execute(update(table).where(condition).values(**values))

        await self.database.write(unit)

    async def rows(self, table: Any) -> Sequence[Row[Any]]:
        """Read a whole table."""

        def unit(connection: Connection) -> Sequence[Row[Any]]:
            return connection.execute(select(table)).all()

        return await self.database.read(unit)

    async def mapping(self, mapping: str) -> Row[Any]:
        """Read a mapping."""

        def unit(connection: Connection) -> Row[Any]:
            return connection.execute(select(mappings).where(mappings.c.mapping_id == mapping)).one()

        return await self.database.read(unit)

    async def everything(self) -> list[Sequence[Row[Any]]]:
        """Read all that a push writes in the catalog."""
        tables = (mappings, confirmed_values, push_intents, push_items, sync_log)
        return [await self.rows(table) for table in tables]

    async def open_intents(self) -> int:
        """Count writes whose outcome is not stored."""
        return sum(row.settle_time is None for row in await self.rows(push_intents))

    async def confirm(self, kind: str, owner: int, value: int | None, *, location: int = 0, age: float = 0) -> None:
        """Let Shopify have confirmed a value `age` seconds ago."""
        time = self.clock.now_micros() - round(age * 1_000_000)
        await self.write(
            confirmed_values, kind=kind, owner_id=owner, location_id=location, value=value, confirm_time=time
        )

    async def _link(
        self,
        entity: Entity,
        number: int,
        shopify_id: int,
        product_id: int | None,
        item_id: int | None,
        values: dict[str, Any],
    ) -> None:
        row = {
            "mapping_id": mapping_id(entity, number),
            "entity": entity,
            "nhanh_id": number,
            "shopify_id": shopify_id,
            "shopify_product_id": product_id,
            "shopify_inventory_item_id": item_id,
            "status": MappingStatus.PENDING,
            "rule": "sku",
            "evidence": "",
            "confidence": 1.0,
            "made_by_job_id": "match",
            "create_time": 0,
        }
        await self.write(mappings, **{**row, **values})


_MIRROR = {"row_hash": 0, "first_time": 0, "change_pull": 0, "change_time": 0, "gone_time": None}


def left_failed(lane: Lane, *, attempts: int = 1, retryable: bool = True, at: int = 0) -> dict[str, Any]:
    """The columns of a mapping whose last push failed `at` microseconds after the epoch."""
    failure = {"code": "X", "message": "X", "retryable": retryable}
    return {
        "status": "FAILED",
        "failure_code": "X",
        "failure_message": "X",
        "failure_retryable": retryable,
        "failure_attempts": attempts,
        "failure_time": at,
        "failed_lanes": json.dumps({lane.value: failure}),
    }


def mapping_id(entity: Entity, number: int) -> str:
    """The id of a linked product or customer."""
    return f"{entity}-{number:05}"


def _context(job: RecordingJobContext) -> JobContext:
    # Its gate is of a class of its own, which a mutable attribute of a protocol does not allow.
    return cast("JobContext", job)


def _selection(ids: Sequence[str]) -> Selection:
    return Selection(mapping_ids=tuple(ids)) if ids else ALL


@asynccontextmanager
async def push_world(folder: Path, name: str = "catalog") -> AsyncIterator[PushWorld]:
    """An empty world with the catalog's schema."""
    migrations = folder / "schema"
    (migrations / "versions").mkdir(parents=True, exist_ok=True)
    (migrations / "env.py").write_text(_SCHEMA)
    database = await open_database(f"sqlite:///{folder / name}.db", migrations=migrations)
    try:
        yield PushWorld(database)
    finally:
        await database.close()
