"""Objects with their keys, and views of them, read into memory."""

from collections import defaultdict
from typing import Any

from sqlalchemy import Connection, Row, func, select

from sync_worker.adapters.catalog.matching_sides import SideQuery
from sync_worker.adapters.catalog.matching_views import STRONG, WEAK, end_of_stretch, stretch_queries
from sync_worker.adapters.catalog.tables import phone_keys
from sync_worker.application.ports.match_catalog import MatchScope, ViewBatch
from sync_worker.domain.mappings import Rule, Side
from sync_worker.domain.matching.parties import SKU_CONFIDENCE, Party, StrongKey, World, phone_strong_key
from sync_worker.domain.matching.verdicts import Evidence, Facing, Reach, View
from sync_worker.domain.matching.views import Viewed


def count_unmapped(connection: Connection, scope: MatchScope) -> int:
    """Count Nhanh's objects that are not mapped."""
    objects = SideQuery(scope.store_id, scope.entity, Side.NHANH).objects()
    counted: int = connection.execute(objects.unmapped(scope.job_id, [func.count()])).scalar_one()
    return counted


def read_world(connection: Connection, scope: MatchScope) -> World:
    """Read everything that is live."""
    return World(_parties(connection, scope, Side.NHANH), _parties(connection, scope, Side.SHOPIFY))


def read_batch(connection: Connection, scope: MatchScope, side: Side, after: int, limit: int) -> ViewBatch:
    """Read the next unmapped objects with what their keys lead to."""
    upto = connection.execute(end_of_stretch(scope, side, after, limit)).scalar_one_or_none()
    queries = stretch_queries(scope, side, after, upto)
    reached: dict[tuple[int, int], list[int]] = defaultdict(list)
    for one, level, other in connection.execute(queries.candidates):
        reached[one, level].append(other)
    texts: dict[int, list[str]] = defaultdict(list)
    for one, text in connection.execute(queries.keys):
        texts[one].append(text)
    rows = [
        Viewed(
            _view(row),
            tuple(sorted(reached[row.id, STRONG])),
            tuple(sorted(reached[row.id, WEAK])),
            tuple(texts[row.id]),
        )
        for row in connection.execute(queries.views)
    ]
    return ViewBatch(sorted(rows, key=lambda each: each.view.party_id), upto)


def _parties(connection: Connection, scope: MatchScope, side: Side) -> list[Party]:
    query = SideQuery(scope.store_id, scope.entity, side)
    keys = _phones_by_owner(connection, query) if query.phones else {}
    objects = query.objects()
    columns: list[Any] = [objects.id.label("id"), objects.weak.label("weak")]
    columns.append(objects.taken(objects.id, scope.job_id).label("taken"))
    if not query.phones:
        columns.append(objects.table.c.sku_key)
    rows = connection.execute(select(*columns).where(objects.live).order_by(objects.id))
    if query.phones:
        return [Party(row.id, keys.get(row.id, ()), row.weak, bool(row.taken)) for row in rows]
    return [Party(row.id, _sku(row.sku_key), row.weak, bool(row.taken)) for row in rows]


def _sku(key: str | None) -> tuple[StrongKey, ...]:
    return () if key is None else (StrongKey(key, Rule.SKU, SKU_CONFIDENCE),)


def _phones_by_owner(connection: Connection, query: SideQuery) -> dict[int, list[StrongKey]]:
    keys: dict[int, list[StrongKey]] = defaultdict(list)
    wanted = phone_keys.c.store_id == query.store_id, phone_keys.c.side == query.side.value
    for row in connection.execute(select(phone_keys).where(*wanted)):
        keys[row.owner_id].append(phone_strong_key(row.phone_key, Rule(row.rule), row.confidence))
    return keys


def _view(row: Row[Any]) -> View:
    return View(
        row.id,
        keyed=bool(row.keyed),
        weak_text=row.weak_text,
        strong=_reach(row.strong_lowest, row.strong_highest),
        weak=_reach(row.weak_lowest, row.weak_highest),
        facing=None if row.other is None else _facing(row),
    )


def _facing(row: Row[Any]) -> Facing:
    evidence = None
    if row.shared_text is not None:
        evidence = Evidence(Rule(row.shared_rule), row.shared_text, row.shared_confidence)
    return Facing(
        row.other,
        taken=bool(row.taken),
        strong=_reach(row.back_strong_lowest, row.back_strong_highest),
        weak=_reach(row.back_weak_lowest, row.back_weak_highest),
        same_weak=bool(row.same_weak),
        shared=evidence,
    )


def _reach(lowest: int | None, highest: int | None) -> Reach | None:
    return None if lowest is None or highest is None else Reach(lowest, highest)
