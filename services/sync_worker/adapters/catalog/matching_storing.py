"""Links, what was left alone, and the place reached, stored together."""

from collections.abc import Callable, Sequence

import orjson
from sqlalchemy import Connection, delete, func, select
from sqlalchemy.dialects.sqlite import insert

from sync_worker.adapters.catalog.job_runs import save_job_run
from sync_worker.adapters.catalog.tables import mappings, shopify_variants, unmatched
from sync_worker.application.ports.match_catalog import MatchScope
from sync_worker.domain.mappings import Entity, MappingStatus, Side
from sync_worker.domain.matching.place import MatchPlace
from sync_worker.domain.matching.verdicts import Link
from sync_worker.domain.matching.views import Unmatched

LOOKUP = 500
"""Ids that one statement asks for."""


def store_links(
    connection: Connection, scope: MatchScope, links: Sequence[Link], *, now: int, new_id: Callable[[], str]
) -> int:
    """Store links as mappings; how many were stored. A link of an object that is mapped already is not."""
    if not links:
        return 0
    items = _variant_ids(connection, scope, [link.other_id for link in links])
    rows = [
        {
            "mapping_id": new_id(),
            "store_id": scope.store_id,
            "entity": scope.entity.value,
            "nhanh_id": link.party_id,
            "shopify_id": link.other_id,
            "shopify_product_id": items.get(link.other_id, (None, None))[0],
            "shopify_inventory_item_id": items.get(link.other_id, (None, None))[1],
            "status": _status(link, scope).value,
            "rule": link.evidence.rule.value,
            "evidence": link.evidence.text,
            "confidence": link.evidence.confidence,
            "made_by_job_id": scope.job_id,
            "create_time": now,
            "failure_attempts": 0,
        }
        for link in links
    ]
    before = _made(connection, scope, links)
    connection.execute(insert(mappings).on_conflict_do_nothing(), rows)
    return _made(connection, scope, links) - before


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
    connection.execute(
        insert(unmatched),
        [
            {
                "store_id": scope.store_id,
                "entity": scope.entity.value,
                "side": side.value,
                "vendor_id": row.party_id,
                "reason": row.reason.value,
                "candidate_ids": orjson.dumps(row.candidate_ids).decode(),
                "keys": orjson.dumps(row.keys).decode(),
            }
            for row in rows
        ],
    )


def store_place(connection: Connection, scope: MatchScope, place: MatchPlace, *, now: int) -> None:
    """Store the place reached."""
    save_job_run(connection, scope.job_id, now=now, cursor=place.cursor, state=place.tally.state())


def _status(link: Link, scope: MatchScope) -> MappingStatus:
    sure = link.evidence.confidence >= scope.auto_link_confidence
    return MappingStatus.PENDING if sure else MappingStatus.PENDING_APPROVAL


def _made(connection: Connection, scope: MatchScope, links: Sequence[Link]) -> int:
    """Count the job's own mappings between the first and the last of the links."""
    ids = [link.party_id for link in links]
    return connection.execute(
        select(func.count()).where(
            mappings.c.store_id == scope.store_id,
            mappings.c.entity == scope.entity.value,
            mappings.c.nhanh_id.between(min(ids), max(ids)),
            mappings.c.made_by_job_id == scope.job_id,
        )
    ).scalar_one()


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
