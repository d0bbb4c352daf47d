"""The catalog, as callers look at it: keyset pages of mappings and of what was left alone; and the places of pulls."""

from collections.abc import Sequence
from heapq import merge
from itertools import islice
from typing import Any

import orjson
import uuid_utils
from chassis.database import Database
from sqlalchemy import ColumnElement, Connection, Row, Select, and_, case, delete, func, literal, select, tuple_, update

from sync_worker.adapters.catalog.pulls_over import clear_away
from sync_worker.adapters.catalog.tables import (
    mappings,
    nhanh_customers,
    nhanh_products,
    pull_runs,
    shopify_customers,
    shopify_variants,
    unmatched,
)
from sync_worker.application.ports.clock import Clock
from sync_worker.application.ports.listings import (
    MappingPlace,
    MappingQuestion,
    Unmatched,
    UnmatchedPlace,
    UnmatchedQuestion,
)
from sync_worker.domain.mappings import Entity, Mapping, MappingStatus, PushFailure, Rule, Side, UnmatchedReason
from sync_worker.domain.operations import Operation

_CUSTOMER_NAME = func.trim(
    func.coalesce(shopify_customers.c.first_name, "") + " " + func.coalesce(shopify_customers.c.last_name, "")
)
_NAMES: dict[tuple[Entity, Side], tuple[Any, ColumnElement[int], ColumnElement[str]]] = {
    (Entity.PRODUCTS, Side.NHANH): (nhanh_products, nhanh_products.c.nhanh_id, nhanh_products.c.name),
    (Entity.PRODUCTS, Side.SHOPIFY): (shopify_variants, shopify_variants.c.variant_id, shopify_variants.c.title),
    (Entity.CUSTOMERS, Side.NHANH): (nhanh_customers, nhanh_customers.c.nhanh_id, nhanh_customers.c.name),
    (Entity.CUSTOMERS, Side.SHOPIFY): (shopify_customers, shopify_customers.c.customer_id, _CUSTOMER_NAME),
}
"""Where the names of each kind of object are: the table, its id and what people read."""


class SqlCatalogReader:
    """`Listings` and `PullPlaces` in the catalog's database."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def mappings(self, question: MappingQuestion, *, after: MappingPlace | None, limit: int) -> Sequence[Mapping]:
        """Read mappings; see `Listings`."""
        entities = (question.entity,) if question.entity is not None else tuple(Entity)

        def unit(connection: Connection) -> Sequence[Mapping]:
            pages = [list(connection.execute(_mappings(question, entity, after).limit(limit))) for entity in entities]
            return [_mapping(row) for row in islice(merge(*pages, key=lambda row: (row.nhanh_id, row.entity)), limit)]

        return await self._database.read(unit)

    async def unmatched(
        self, question: UnmatchedQuestion, *, after: UnmatchedPlace | None, limit: int
    ) -> Sequence[Unmatched]:
        """Read what was left alone; see `Listings`."""

        def unit(connection: Connection) -> Sequence[Unmatched]:
            return [_unmatched(row) for row in connection.execute(_left_alone(question, after).limit(limit))]

        return await self._database.read(unit)

    async def clear(self, store_id: str, operations: Sequence[Operation]) -> int:
        """Forget the places of unfinished pulls; see `PullPlaces`. What finished pulls have covered stays known."""
        unfinished = (
            pull_runs.c.store_id == store_id,
            pull_runs.c.operation.in_([operation.value for operation in operations]),
            pull_runs.c.finish_time.is_(None),
        )
        covered = pull_runs.c.covered_until.is_not(None)
        ended = {
            "pull_id": str(uuid_utils.uuid7()),
            "finish_time": self._clock.now_micros(),
            "cursor": None,
            "left_behind": None,
        }

        # A page that is being stored moves its place last, and aborts when no place bears its pull's id any more. What it had
        # seen is stored by then, or never.
        def unit(connection: Connection) -> int:
            kept = connection.execute(update(pull_runs).where(*unfinished, covered).values(ended)).rowcount
            return kept + connection.execute(delete(pull_runs).where(*unfinished)).rowcount

        cleared = await self._database.write(unit)
        await clear_away(self._database)
        return cleared


def _mappings(question: MappingQuestion, entity: Entity, after: MappingPlace | None) -> Select[Any]:
    nhanh, nhanh_id, nhanh_name = _NAMES[entity, Side.NHANH]
    shopify, shopify_id, shopify_name = _NAMES[entity, Side.SHOPIFY]
    found = (
        select(mappings, nhanh_name.label("nhanh_name"), shopify_name.label("shopify_name"))
        .outerjoin(nhanh, and_(nhanh.c.store_id == mappings.c.store_id, nhanh_id == mappings.c.nhanh_id))
        .outerjoin(shopify, and_(shopify.c.store_id == mappings.c.store_id, shopify_id == mappings.c.shopify_id))
        .where(mappings.c.store_id == question.store_id, mappings.c.entity == entity.value)
        .order_by(mappings.c.nhanh_id)
    )
    if question.statuses:
        found = found.where(mappings.c.status.in_([status.value for status in question.statuses]))
    if after is not None:
        behind = tuple_(mappings.c.nhanh_id, mappings.c.entity) > tuple_(
            literal(after.nhanh_id), literal(after.entity.value)
        )
        found = found.where(behind)
    return found


def _left_alone(question: UnmatchedQuestion, after: UnmatchedPlace | None) -> Select[Any]:
    nhanh, nhanh_id, nhanh_name = _NAMES[question.entity, Side.NHANH]
    shopify, shopify_id, shopify_name = _NAMES[question.entity, Side.SHOPIFY]
    name = case((unmatched.c.side == Side.NHANH.value, nhanh_name), else_=shopify_name)

    def owns(table: Any, vendor_id: ColumnElement[int], side: Side) -> ColumnElement[bool]:  # noqa: ANN401 - a Table
        return and_(
            table.c.store_id == unmatched.c.store_id,
            vendor_id == unmatched.c.vendor_id,
            unmatched.c.side == side.value,
        )

    found = (
        select(unmatched, name.label("name"))
        .outerjoin(nhanh, owns(nhanh, nhanh_id, Side.NHANH))
        .outerjoin(shopify, owns(shopify, shopify_id, Side.SHOPIFY))
        .where(unmatched.c.store_id == question.store_id, unmatched.c.entity == question.entity.value)
        .order_by(unmatched.c.side, unmatched.c.vendor_id)
    )
    if question.side is not None:
        found = found.where(unmatched.c.side == question.side.value)
    if question.reason is not None:
        found = found.where(unmatched.c.reason == question.reason.value)
    if after is not None:
        behind = tuple_(unmatched.c.side, unmatched.c.vendor_id) > tuple_(
            literal(after.side.value), literal(after.vendor_id)
        )
        found = found.where(behind)
    return found


def _mapping(row: Row[Any]) -> Mapping:
    failure = None
    if row.failure_code is not None:
        failure = PushFailure(
            row.failure_code, row.failure_message, row.failure_retryable, row.failure_attempts, row.failure_time
        )
    return Mapping(
        mapping_id=row.mapping_id,
        store_id=row.store_id,
        entity=Entity(row.entity),
        nhanh_id=row.nhanh_id,
        shopify_id=row.shopify_id,
        shopify_product_id=row.shopify_product_id,
        shopify_inventory_item_id=row.shopify_inventory_item_id,
        status=MappingStatus(row.status),
        rule=Rule(row.rule),
        evidence=row.evidence,
        confidence=row.confidence,
        create_time=row.create_time,
        push_time=row.push_time,
        failure=failure,
        nhanh_name=row.nhanh_name or "",
        shopify_name=row.shopify_name or "",
    )


def _unmatched(row: Row[Any]) -> Unmatched:
    return Unmatched(
        side=Side(row.side),
        vendor_id=row.vendor_id,
        name=row.name or "",
        reason=UnmatchedReason(row.reason),
        candidate_ids=tuple(orjson.loads(row.candidate_ids)),
        keys=tuple(orjson.loads(row.keys)),
    )
