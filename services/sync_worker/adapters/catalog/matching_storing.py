"""Links, what was left alone, and the place reached, stored together."""

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import orjson
from chassis.database.upserts import insert
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    FromClause,
    Select,
    and_,
    bindparam,
    case,
    cast,
    delete,
    func,
    literal,
    null,
    select,
)

from sync_worker.adapters.catalog.driver_statements import insert_new, insert_unless_there
from sync_worker.adapters.catalog.job_runs import save_job_run
from sync_worker.adapters.catalog.matching_scratch import SCRATCH
from sync_worker.adapters.catalog.matching_sides import JOB, STORE, scope_values
from sync_worker.adapters.catalog.statistics import refresh_statistics
from sync_worker.adapters.catalog.tables import mappings, shopify_variants, unmatched
from sync_worker.application.ports.match_catalog import MatchScope
from sync_worker.domain.mappings import Entity, MappingStatus, Side
from sync_worker.domain.matching.place import MatchPlace
from sync_worker.domain.matching.verdicts import Link
from sync_worker.domain.matching.views import Unmatched

LOOKUP = 500
"""Ids that one statement asks for."""


_LINK_COLUMNS = [
    mappings.c.mapping_id,
    mappings.c.store_id,
    mappings.c.entity,
    mappings.c.nhanh_id,
    mappings.c.shopify_id,
    mappings.c.shopify_product_id,
    mappings.c.shopify_inventory_item_id,
    mappings.c.status,
    mappings.c.rule,
    mappings.c.evidence,
    mappings.c.confidence,
    mappings.c.made_by_job_id,
    mappings.c.create_time,
    mappings.c.failure_attempts,
]


def store_links(
    connection: Connection, scope: MatchScope, links: Sequence[Link], *, now: int, new_id: Callable[[], str]
) -> int:
    """Store links as mappings; how many were stored. A link of an object that is mapped already is not."""
    if not links:
        return 0
    items = _variant_ids(connection, scope, [link.other_id for link in links])
    neither = (None, None)
    rows = [
        (
            new_id(),
            scope.store_id,
            scope.entity.value,
            nhanh_id,
            shopify_id,
            *items.get(shopify_id, neither),
            _status(evidence.confidence, scope).value,
            evidence.rule.value,
            evidence.text,
            evidence.confidence,
            scope.job_id,
            now,
            0,
        )
        for nhanh_id, shopify_id, evidence in links
    ]
    return insert_unless_there(connection, _LINK_COLUMNS, rows)


def store_judged_links(connection: Connection, scope: MatchScope, *, now: int, new_id: Callable[[], str]) -> int:
    """Store the links among the verdicts as `store_links` would, without taking them out of the database."""
    scratch = SCRATCH[scope.entity]
    linked = select(func.count()).select_from(scratch.verdicts).where(scratch.verdicts.c.reason.is_(None))
    links: int = connection.execute(linked).scalar_one()
    insert_new(
        connection,
        scratch.new_ids,
        tuple(scratch.new_ids.c.keys()),
        [(place, new_id()) for place in range(1, links + 1)],
    )
    refresh_statistics(connection, scratch.new_ids)
    statement = insert(connection, mappings).from_select(_LINK_COLUMNS, _judged(scope.entity), include_defaults=False)
    values = {**scope_values(scope), "sure": scope.auto_link_confidence, "now": now}
    return connection.execute(statement.on_conflict_do_nothing(), values).rowcount


@cache
def _judged(entity: Entity) -> Select[Any]:
    scratch = SCRATCH[entity]
    verdicts, ids, item = scratch.verdicts.c, scratch.new_ids.c, shopify_variants.c
    place = func.row_number().over(order_by=verdicts.id).label("place")
    links = select(scratch.verdicts, place).where(verdicts.reason.is_(None)).subquery("links")
    link = links.c
    source: FromClause = links.join(scratch.new_ids, ids.place == link.place)
    product_id: ColumnElement[Any] = null()
    inventory_item_id: ColumnElement[Any] = null()
    if entity is Entity.PRODUCTS:
        source = source.outerjoin(shopify_variants, and_(item.store_id == STORE, item.variant_id == link.other))
        product_id, inventory_item_id = item.product_id, item.inventory_item_id
    status = case(
        (link.confidence >= bindparam("sure"), literal(MappingStatus.PENDING.value)),
        else_=literal(MappingStatus.PENDING_APPROVAL.value),
    )
    return (
        select(
            ids.id,
            STORE,
            literal(entity.value),
            link.id,
            link.other,
            cast(product_id, BigInteger),
            cast(inventory_item_id, BigInteger),
            status,
            link.rule,
            link.evidence,
            link.confidence,
            JOB,
            bindparam("now", type_=BigInteger()),
            literal(0),
        )
        .select_from(source)
        .order_by(link.id)
    )


def clear_unmatched(connection: Connection, scope: MatchScope, side: Side, after: int, upto: int | None) -> None:
    """Forget what an earlier match left alone in a stretch."""
    statement = delete(unmatched).where(
        unmatched.c.store_id == scope.store_id,
        unmatched.c.entity == scope.entity.value,
        unmatched.c.side == side.value,
        unmatched.c.vendor_id > after,
    )
    connection.execute(statement if upto is None else statement.where(unmatched.c.vendor_id <= upto))


def store_unmatched(connection: Connection, scope: MatchScope, side: Side, rows: Sequence[Unmatched]) -> None:
    """Store what was left alone, and why."""
    insert_new(
        connection,
        unmatched,
        tuple(unmatched.c.keys()),
        [
            (
                scope.store_id,
                scope.entity.value,
                side.value,
                row.party_id,
                row.reason.value,
                orjson.dumps(row.candidate_ids).decode(),
                orjson.dumps(row.keys).decode(),
            )
            for row in rows
        ],
    )


def store_place(connection: Connection, scope: MatchScope, place: MatchPlace, *, now: int) -> None:
    """Store the place reached."""
    save_job_run(connection, scope.job_id, now=now, cursor=place.cursor, state=place.tally.state())


def _status(confidence: float, scope: MatchScope) -> MappingStatus:
    return MappingStatus.PENDING if confidence >= scope.auto_link_confidence else MappingStatus.PENDING_APPROVAL


def _variant_ids(connection: Connection, scope: MatchScope, ids: Sequence[int]) -> dict[int, tuple[int, int]]:
    """Find the product and the inventory item of each variant; customers have none."""
    if scope.entity is not Entity.PRODUCTS:
        return {}
    table = shopify_variants.c
    wanted = select(table.variant_id, table.product_id, table.inventory_item_id).where(table.store_id == scope.store_id)
    found: dict[int, tuple[int, int]] = {}
    for begin in range(0, len(ids), LOOKUP):
        for row in connection.execute(wanted.where(table.variant_id.in_(ids[begin : begin + LOOKUP]))):
            found[row.variant_id] = (row.product_id, row.inventory_item_id)
    return found
