"""Objects with their keys, and views of them, read into memory."""

from collections import defaultdict
from collections.abc import Sequence
from functools import cache
from typing import Any

from sqlalchemy import Connection, Select, and_, bindparam, func, null, or_, select

from sync_worker.adapters.catalog.matching_scratch import SCRATCH
from sync_worker.adapters.catalog.matching_sides import RULES, SideQuery, scope_values
from sync_worker.adapters.catalog.matching_views import (
    STRONG,
    WEAK,
    find_candidates,
    follow_stretch,
    views,
)
from sync_worker.adapters.catalog.tables import phone_keys
from sync_worker.application.ports.match_catalog import MatchScope, ViewBatch
from sync_worker.domain.keys import phone_text
from sync_worker.domain.mappings import Entity, Rule, Side
from sync_worker.domain.matching.parties import SKU_CONFIDENCE, Party, StrongKey, World, phone_strong_key
from sync_worker.domain.matching.verdicts import Evidence, Facing, Reach, View
from sync_worker.domain.matching.views import Viewed

PAGE = 5_000
"""Objects that are read at once: on PostgreSQL a unit runs in the event loop, and gives it back only when it asks."""


def count_unmapped(connection: Connection, scope: MatchScope) -> int:
    """Count Nhanh's objects that are not mapped."""
    objects = SideQuery(scope.entity, Side.NHANH).objects()
    counted: int = connection.execute(objects.unmapped([func.count()]), scope_values(scope)).scalar_one()
    return counted


def read_world(connection: Connection, scope: MatchScope) -> World:
    """Read everything that is live."""
    return World(_parties(connection, scope, Side.NHANH), _parties(connection, scope, Side.SHOPIFY))


def read_batch(connection: Connection, scope: MatchScope, side: Side, after: int, limit: int) -> ViewBatch:
    """Read the next unmapped objects with what their keys lead to. Of the catalog nothing is written, of scratch tables all."""
    scratch = SCRATCH[scope.entity]
    upto = follow_stretch(connection, scope, side, after, limit)
    find_candidates(connection, scope, side, _several(scope.entity))
    reached: dict[tuple[int, int], list[int]] = defaultdict(list)
    for one, level, other in connection.execute(
        select(scratch.candidates).order_by(*scratch.candidates.primary_key)
    ).all():
        reached[one, level].append(other)
    text_of = phone_text if scope.entity is Entity.CUSTOMERS else str
    texts: dict[int, list[str]] = defaultdict(list)
    for one, key in connection.execute(select(scratch.there.keys.c.owner, scratch.there.keys.c.key)).all():
        texts[one].append(text_of(key))
    rows = [
        Viewed(
            view,
            _ids(view.strong, reached[view.party_id, STRONG]),
            _ids(view.weak, reached[view.party_id, WEAK]),
            tuple(texts[view.party_id]),
        )
        for view in map(_view, connection.execute(views(scope.entity)).all())
    ]
    return ViewBatch(rows, upto)


@cache
def _several(entity: Entity) -> Select[Any]:
    reach = SCRATCH[entity].there.reach.c
    return select(reach.id).where(
        or_(reach.strong_lowest != reach.strong_highest, reach.weak_lowest != reach.weak_highest)
    )


def _ids(reach: Reach | None, several: Sequence[int]) -> tuple[int, ...]:
    """List whom keys lead to: `several` are looked up where it is not one alone."""
    if reach is None:
        return ()
    return (reach.lowest,) if reach.alone else tuple(several)


def _parties(connection: Connection, scope: MatchScope, side: Side) -> list[Party]:
    query = SideQuery(scope.entity, side)
    objects = query.objects()
    sku = null() if query.phones else objects.table.c.sku_key
    columns = objects.id, objects.weak, objects.taken(objects.id), sku
    wanted = select(*columns).where(objects.live, objects.id > bindparam("after")).order_by(objects.id).limit(PAGE)
    parties: list[Party] = []
    after = 0
    while page := connection.execute(wanted, {**scope_values(scope), "after": after}).all():
        last: int = page[-1][0]
        keys = _phones_by_owner(connection, scope, side, after, last) if query.phones else {}
        parties += [
            Party(
                one,
                keys.get(one, ()) if sku_key is None else (StrongKey(sku_key, Rule.SKU, SKU_CONFIDENCE),),
                weak,
                taken,
            )
            for one, weak, taken, sku_key in page
        ]
        after = last
    return parties


def _phones_by_owner(
    connection: Connection, scope: MatchScope, side: Side, after: int, last: int
) -> dict[int, list[StrongKey]]:
    columns = phone_keys.c.owner_id, phone_keys.c.phone_key, phone_keys.c.rule, phone_keys.c.confidence
    owned = and_(phone_keys.c.owner_id > after, phone_keys.c.owner_id <= last)
    wanted = select(*columns).where(phone_keys.c.store_id == scope.store_id, phone_keys.c.side == side.value, owned)
    keys: dict[int, list[StrongKey]] = defaultdict(list)
    for owner, key, rule, confidence in connection.execute(wanted):
        keys[owner].append(phone_strong_key(key, RULES[rule], confidence))
    return keys


def _view(row: Sequence[Any]) -> View:
    one, keyed, weak_text, strong_lowest, strong_highest, weak_lowest, weak_highest, other = row[:8]
    return View(
        one,
        keyed,
        weak_text,
        _reach(strong_lowest, strong_highest),
        _reach(weak_lowest, weak_highest),
        None if other is None else _facing(*row[7:]),
    )


def _facing(
    other: int,
    taken: bool,
    same_weak: int,
    strong_lowest: int | None,
    strong_highest: int | None,
    weak_lowest: int | None,
    weak_highest: int | None,
    shared_text: str | None,
    shared_rule: str,
    shared_confidence: float,
) -> Facing:
    evidence = None if shared_text is None else Evidence(RULES[shared_rule], shared_text, shared_confidence)
    strong, weak = _reach(strong_lowest, strong_highest), _reach(weak_lowest, weak_highest)
    return Facing(other, taken, strong, weak, bool(same_weak), evidence)


def _reach(lowest: int | None, highest: int | None) -> Reach | None:
    return None if lowest is None or highest is None else Reach(lowest, highest)
