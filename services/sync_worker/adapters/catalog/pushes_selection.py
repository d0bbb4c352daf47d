"""Reads what a push plans with: the selected mappings, and both sides of them."""

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any, TypeVar

import orjson
from sqlalchemy import ColumnElement, Connection, Row, Select, and_, exists, func, select

from sync_worker.adapters.catalog.tables import (
    mappings,
    nhanh_customers,
    nhanh_products,
    push_items,
    shopify_customers,
    shopify_variants,
)
from sync_worker.application.ports.push_catalog import ItemOutcome, PushRow, PushScope, SelectedChunk, Unpushable
from sync_worker.domain.mappings import PUSHABLE, Entity, MappingStatus
from sync_worker.domain.push_plan import Lane
from sync_worker.domain.requests import Selection

BOUND = 1_000
"""Values in one `IN`, well below what SQLite allows."""

Value = TypeVar("Value")


def done_counts(connection: Connection, job_id: str) -> dict[ItemOutcome, int]:
    """Count the items that the job is done with."""
    rows = connection.execute(
        select(push_items.c.outcome, func.count()).where(push_items.c.job_id == job_id).group_by(push_items.c.outcome)
    )
    return {ItemOutcome(outcome): number for outcome, number in rows}


def count(connection: Connection, scope: PushScope, selection: Selection) -> int:
    """Count the selected mappings that the job is not done with; ids that lead nowhere count too."""
    if selection.mapping_ids:
        ids = list(dict.fromkeys(selection.mapping_ids))
        return len(ids) - sum(len(_done(connection, scope, part)) for part in in_parts(ids))
    found = select(func.count()).select_from(mappings).where(_chosen(scope, selection))
    return int(connection.execute(found).scalar_one())


def chunk(
    connection: Connection, scope: PushScope, selection: Selection, place: str | None, limit: int
) -> SelectedChunk:
    """Read the next selected mappings: ids in their order, states in the order of mapping ids."""
    if selection.mapping_ids:
        return _chunk_of_ids(connection, scope, selection.mapping_ids, int(place or 0), limit)
    query = _rows(scope).where(_chosen(scope, selection)).order_by(mappings.c.mapping_id).limit(limit)
    if place is not None:
        query = query.where(mappings.c.mapping_id > place)
    found = connection.execute(query).all()
    return SelectedChunk([_push_row(row) for row in found], (), found[-1].mapping_id if len(found) == limit else None)


def mapping_ids(connection: Connection, store_id: str, entity: Entity, nhanh_ids: Sequence[int]) -> dict[int, str]:
    """Find the mappings of Nhanh's objects."""
    found: dict[int, str] = {}
    for part in in_parts(nhanh_ids):
        rows = connection.execute(
            select(mappings.c.nhanh_id, mappings.c.mapping_id).where(
                mappings.c.store_id == store_id, mappings.c.entity == entity, mappings.c.nhanh_id.in_(part)
            )
        )
        found.update((nhanh_id, mapping_id) for nhanh_id, mapping_id in rows)
    return found


def in_parts(values: Sequence[Value]) -> Iterator[list[Value]]:
    """Cut values into parts of at most `BOUND`."""
    rest = iter(values)
    while part := list(islice(rest, BOUND)):
        yield part


def _chosen(scope: PushScope, selection: Selection) -> ColumnElement[bool]:
    states = sorted(set(selection.statuses) & PUSHABLE)
    return and_(
        mappings.c.store_id == scope.store_id,
        mappings.c.entity == scope.entity,
        mappings.c.status.in_([state.value for state in states]),
        not_done(scope.job_id),
    )


def not_done(job_id: str) -> ColumnElement[bool]:
    """Leave out mappings that the job is done with."""
    return ~exists().where(push_items.c.job_id == job_id, push_items.c.mapping_id == mappings.c.mapping_id)


def _done(connection: Connection, scope: PushScope, ids: Sequence[str]) -> set[str]:
    return set(
        connection.execute(
            select(push_items.c.mapping_id).where(push_items.c.job_id == scope.job_id, push_items.c.mapping_id.in_(ids))
        ).scalars()
    )


def _chunk_of_ids(
    connection: Connection, scope: PushScope, mapping_ids: Sequence[str], start: int, limit: int
) -> SelectedChunk:
    unique = list(dict.fromkeys(mapping_ids))
    asked = unique[start : start + limit]
    done = _done(connection, scope, asked)
    found = {row.mapping_id: row for row in connection.execute(_rows(scope).where(mappings.c.mapping_id.in_(asked)))}
    pushable: list[Row[Any]] = []
    unpushable: list[Unpushable] = []
    for mapping_id in asked:
        row = found.get(mapping_id)
        if mapping_id in done:
            continue
        if row is None:
            unpushable.append(Unpushable(mapping_id, None, None))
        elif row.status not in PUSHABLE:
            unpushable.append(Unpushable(mapping_id, row.nhanh_id, MappingStatus(row.status)))
        else:
            pushable.append(row)
    end = start + limit
    return SelectedChunk([_push_row(row) for row in pushable], unpushable, str(end) if end < len(unique) else None)


def _rows(scope: PushScope) -> Select[Any]:
    """Select mappings of a store and entity with what the catalog knows of both sides."""
    if scope.entity is Entity.PRODUCTS:
        nhanh, shopify, shopify_id = nhanh_products, shopify_variants, shopify_variants.c.variant_id
        values: tuple[ColumnElement[Any], ...] = (
            nhanh.c.price_retail,
            nhanh.c.price_old,
            shopify.c.inventory_quantity.label("shopify_quantity"),
        )
    else:
        nhanh, shopify, shopify_id = nhanh_customers, shopify_customers, shopify_customers.c.customer_id
        values = (nhanh.c.total_spent,)
    joined = mappings.outerjoin(
        nhanh, and_(nhanh.c.store_id == mappings.c.store_id, nhanh.c.nhanh_id == mappings.c.nhanh_id)
    ).outerjoin(shopify, and_(shopify.c.store_id == mappings.c.store_id, shopify_id == mappings.c.shopify_id))
    return (
        select(
            mappings,
            and_(nhanh.c.nhanh_id.is_not(None), nhanh.c.gone_time.is_(None)).label("nhanh_known"),
            shopify.c.gone_time.is_not(None).label("shopify_gone"),
            *values,
        )
        .select_from(joined)
        .where(mappings.c.store_id == scope.store_id, mappings.c.entity == scope.entity)
    )


def _push_row(row: Row[Any]) -> PushRow:
    values = row._mapping
    return PushRow(
        row.mapping_id,
        row.nhanh_id,
        row.shopify_id,
        row.shopify_product_id,
        row.shopify_inventory_item_id,
        MappingStatus(row.status),
        row.failure_attempts,
        bool(row.nhanh_known),
        bool(row.shopify_gone),
        price_retail=values.get("price_retail"),
        price_old=values.get("price_old"),
        shopify_quantity=values.get("shopify_quantity"),
        total_spent=values.get("total_spent"),
        failed_lanes={
            Lane(lane): failure["retryable"] for lane, failure in orjson.loads(row.failed_lanes or "{}").items()
        },
    )
