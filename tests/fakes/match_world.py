"""Shops with objects to match, on a real catalog database."""

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

from chassis.database import Database, open_database
from sqlalchemy import Connection, Row, insert, select
from sync_worker.adapters.catalog.matching import SqlMatchCatalog
from sync_worker.adapters.catalog.tables import (
    mappings,
    nhanh_customers,
    nhanh_products,
    phone_keys,
    shopify_customers,
    shopify_variants,
    unmatched,
)
from sync_worker.application.match_customers import run_match_customers
from sync_worker.application.match_products import run_match_products
from sync_worker.application.ports.job import Fence, JobContext, OperationResult
from sync_worker.application.ports.match_catalog import MatchCatalog
from sync_worker.domain.mappings import Entity, Side
from sync_worker.domain.matching.parties import Party
from sync_worker.domain.operations import Strategy
from sync_worker.domain.requests import MatchCustomersRequest, MatchProductsRequest

from tests.fakes.clock import ManualClock
from tests.fakes.job_context import RecordingJobContext
from tests.fakes.stores import a_store

_SCHEMA = """
from alembic import context
from sync_worker.adapters.catalog.tables import metadata

metadata.create_all(context.config.attributes["connection"])
"""

_MIRROR = {"row_hash": 0, "first_time": 0, "change_pull": 0, "change_time": 0}
_CUSTOMERS = {Side.NHANH: nhanh_customers, Side.SHOPIFY: shopify_customers}
_SHOPIFY_CUSTOMER = {"amount_spent": 0, "currency": "VND", "orders": 0, "updated_at": 0}


@dataclass(frozen=True)
class Someone:
    """A party of a side, which may be gone."""

    party: Party
    gone: bool = False


@dataclass
class MatchWorld:
    """The catalog and its clock; jobs are numbered, and each has a fence of its own."""

    database: Database
    clock: ManualClock = field(default_factory=ManualClock)
    jobs: int = 0
    ids: int = 0

    def __post_init__(self) -> None:
        """Open the catalog."""
        self.catalog = SqlMatchCatalog(self.database, self.clock, self._new_id)

    def job(self, store_id: str = "hanoi", job_id: str | None = None, confidence: float = 0.90) -> RecordingJobContext:
        """Begin an attempt, of a new job unless one is named."""
        self.jobs += 1
        store = replace(a_store(store_id), auto_link_confidence=confidence)
        keys = tuple(f"{store_id}/mappings/{entity}" for entity in Entity)
        return RecordingJobContext(store, job_id or f"job-{self.jobs}", fence=Fence(self.jobs, keys))

    async def match_customers(
        self,
        strategy: Strategy,
        job: RecordingJobContext | None = None,
        *,
        batch_size: int = 1_000,
        dry_run: bool = False,
        catalog: MatchCatalog | None = None,
    ) -> OperationResult:
        """Run Auto-Match Customers."""
        request = MatchCustomersRequest(strategy, dry_run=dry_run, batch_size=batch_size)
        return await run_match_customers(_context(job or self.job()), request, catalog=catalog or self.catalog)

    async def match_products(self, job: RecordingJobContext | None = None, *, dry_run: bool = False) -> OperationResult:
        """Run Auto-Match Products."""
        request = MatchProductsRequest(dry_run=dry_run)
        return await run_match_products(_context(job or self.job()), request, catalog=self.catalog)

    async def add_customers(self, side: Side, people: Sequence[Someone], *, store_id: str = "hanoi") -> None:
        """Put customers with these keys into the catalog; strong keys are phones as `+84…`."""
        mirror = {"store_id": store_id, **_MIRROR}
        rows = [
            mirror
            | {"email_key": each.party.weak, "gone_time": 1 if each.gone else None}
            | (
                {"nhanh_id": each.party.party_id, "name": "Lan"}
                if side is Side.NHANH
                else {"customer_id": each.party.party_id, **_SHOPIFY_CUSTOMER}
            )
            for each in people
        ]
        phones = [
            {
                "store_id": store_id,
                "side": side.value,
                "phone_key": int(key.text.removeprefix("+")),
                "owner_id": each.party.party_id,
                "rule": key.rule.value,
                "confidence": key.confidence,
            }
            for each in people
            for key in each.party.strong
        ]
        await self.insert(_CUSTOMERS[side], rows)
        await self.insert(phone_keys, phones)

    async def add_products(self, side: Side, items: Sequence[Someone], *, store_id: str = "hanoi") -> None:
        """Put products with these keys into the catalog; variant n has product 3000+n and inventory item 1000+n."""
        rows = []
        for each in items:
            number = each.party.party_id
            row: dict[str, object] = {
                "store_id": store_id,
                **_MIRROR,
                "sku_key": each.party.strong[0].text if each.party.strong else None,
                "barcode_key": each.party.weak,
                "gone_time": 1 if each.gone else None,
            }
            if side is Side.NHANH:
                row |= {"nhanh_id": number, "name": "Áo", "status": 2}
            else:
                row |= {"variant_id": number, "product_id": 3000 + number, "inventory_item_id": 1000 + number}
                row |= {"title": "Áo", "price": 0, "product_status": "active", "updated_at": 0}
            rows.append(row)
        await self.insert(nhanh_products if side is Side.NHANH else shopify_variants, rows)

    async def map_already(
        self, nhanh_id: int, shopify_id: int, *, entity: Entity = Entity.CUSTOMERS, store_id: str = "hanoi"
    ) -> None:
        """Link two objects as an earlier job did."""
        row = {
            "mapping_id": self._new_id(),
            "store_id": store_id,
            "entity": entity.value,
            "nhanh_id": nhanh_id,
            "shopify_id": shopify_id,
            "status": "PENDING",
            "rule": "manual",
            "evidence": "",
            "confidence": 1.0,
            "made_by_job_id": "earlier",
            "create_time": 0,
        }
        await self.insert(mappings, [row])

    async def insert(self, table: Any, rows: Sequence[dict[str, Any]]) -> None:
        """Insert rows as they are."""

        def unit(connection: Connection) -> None:
            if rows:
                connection.execute(insert(table), rows)

        await self.database.write(unit)

    async def rows(self, table: Any, store_id: str = "hanoi") -> Sequence[Row[Any]]:
        """Read a store's rows of a table."""

        def unit(connection: Connection) -> Sequence[Row[Any]]:
            return connection.execute(select(table).where(table.c.store_id == store_id)).all()

        return await self.database.read(unit)

    async def links(self, store_id: str = "hanoi") -> dict[tuple[int, int], tuple[str, str, float, str]]:
        """The links that matches have made: rule, evidence, confidence and status by both ids."""
        return {
            (row.nhanh_id, row.shopify_id): (row.rule, row.evidence, row.confidence, row.status)
            for row in await self.rows(mappings, store_id)
            if row.made_by_job_id != "earlier"
        }

    async def left(
        self, store_id: str = "hanoi"
    ) -> dict[tuple[str, int], tuple[str, tuple[int, ...], tuple[str, ...]]]:
        """The objects left alone: reason, candidates and keys by side and id."""
        return {
            (row.side, row.vendor_id): (row.reason, tuple(json.loads(row.candidate_ids)), tuple(json.loads(row.keys)))
            for row in await self.rows(unmatched, store_id)
        }

    def _new_id(self) -> str:
        self.ids += 1
        return f"mapping-{self.ids:08}"


def _context(job: RecordingJobContext) -> JobContext:
    # Its gate is of a class of its own, which a mutable attribute of a protocol does not allow.
    return cast("JobContext", job)


@asynccontextmanager
async def match_world(folder: Path) -> AsyncIterator[MatchWorld]:
    """An empty world with the catalog's schema."""
    migrations = folder / "schema"
    (migrations / "versions").mkdir(parents=True)
    (migrations / "env.py").write_text(_SCHEMA)
    database = await open_database(f"sqlite:///{folder / 'catalog'}.db", migrations=migrations)
    try:
        yield MatchWorld(database)
    finally:
        await database.close()
