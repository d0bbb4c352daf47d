"""Links, what was left alone, and the place reached, stored together."""

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import orjson
from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    FromClause,
    and_,
    bindparam,
    case,
    delete,
    func,
    literal,
    null,
    select,
)
from sqlalchemy.dialects import sqlite
from sqlalchemy.dialects.sqlite import Insert, insert

from sync_worker.adapters.catalog.job_runs import save_job_run
from sync_worker.adapters.catalog.matching_scratch import verdicts
from sync_worker.adapters.catalog.matching_sides import JOB, STORE, scope_values
from sync_worker.adapters.catalog.tables import mappings, shopify_variants, unmatched
from sync_worker.application.ports.match_catalog import MatchScope
from sync_worker.domain.mappings import Entity, MappingStatus, Side
from sync_worker.domain.matching.place import MatchPlace
from sync_worker.domain.matching.verdicts import Link
from sync_worker.domain.matching.views import Unmatched

LOOKUP = 500
"""Ids that one statement asks for."""

_NEW_ID = "new_mapping_id"
"""The SQL function that makes ids."""


def _by_position(statement: Insert, columns: Sequence[Column[Any]]) -> str:
    """Write an insert whose values are given by position, for the driver itself: thousands of rows are stored at once."""
    values: dict[str, Any] = {column.name: bindparam(column.name) for column in columns}
    return str(statement.values(values).compile(dialect=sqlite.dialect()))


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
_INSERT_LINK = _by_position(insert(mappings).on_conflict_do_nothing(), _LINK_COLUMNS)
_INSERT_UNMATCHED = _by_position(insert(unmatched), list(unmatched.c))


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
    return connection.exec_driver_sql(_INSERT_LINK, rows).rowcount


def store_judged_links(connection: Connection, scope: MatchScope, *, now: int, new_id: Callable[[], str]) -> int:
    """Store the links among `verdicts` as `store_links` would, without taking them out of the database."""
    driver: Any = connection.connection.dbapi_connection
    driver.create_function(_NEW_ID, 0, new_id)
    values = {**scope_values(scope), "sure": scope.auto_link_confidence, "now": now}
    return connection.execute(_insert_judged_links(scope.entity), values).rowcount


@cache
def _insert_judged_links(entity: Entity) -> Insert:
    link, item = verdicts.c, shopify_variants.c
    source: FromClause = verdicts
    product_id: ColumnElement[Any] = null()
    inventory_item_id: ColumnElement[Any] = null()
    if entity is Entity.PRODUCTS:
        source = verdicts.outerjoin(shopify_variants, and_(item.store_id == STORE, item.variant_id == link.other))
        product_id, inventory_item_id = item.product_id, item.inventory_item_id
    status = case(
        (link.confidence >= bindparam("sure"), literal(MappingStatus.PENDING.value)),
        else_=literal(MappingStatus.PENDING_APPROVAL.value),
    )
    rows = (
        select(
            getattr(func, _NEW_ID)(),
            STORE,
            literal(entity.value),
            link.id,
            link.other,
            product_id,
            inventory_item_id,
            status,
            link.rule,
            link.evidence,
            link.confidence,
            JOB,
            bindparam("now"),
            literal(0),
        )
        .select_from(source)
        .where(link.reason.is_(None))
        .order_by(link.id)
    )
    return insert(mappings).from_select(_LINK_COLUMNS, rows, include_defaults=False).on_conflict_do_nothing()


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
    if not rows:
        return
    connection.exec_driver_sql(
        _INSERT_UNMATCHED,
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
