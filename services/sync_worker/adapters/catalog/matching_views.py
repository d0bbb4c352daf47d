"""What the keys of a stretch of objects lead to, there and back, set by set.

Every distinct key is followed once a stretch: a key that thousands share costs one look at them, never a pair for each two
of them. Each step leaves its rows in a scratch table, so that the next one finds them by their key.
"""

from collections.abc import Sequence
from functools import cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    FromClause,
    Insert,
    Integer,
    Select,
    Table,
    and_,
    bindparam,
    case,
    false,
    func,
    literal_column,
    select,
    union_all,
)

from sync_worker.adapters.catalog.matching_scratch import SCRATCH, Look, fill, take
from sync_worker.adapters.catalog.matching_sides import OrderedJoin, SideQuery, scope_values
from sync_worker.application.ports.match_catalog import MatchScope
from sync_worker.domain.mappings import Entity, Side
from sync_worker.domain.matching.parties import MAX_LISTED, STRENGTH, opposite

STRONG, WEAK = 0, 1
"""Which keys led to a candidate."""


def follow_stretch(connection: Connection, scope: MatchScope, side: Side, after: int, limit: int) -> int | None:
    """Fill the scratch tables for the next `limit` unmapped objects of a side, those behind an id: `views` reads them.

    Gives the id of the last; None when there are fewer than `limit`, and so none behind them.
    """
    scratch = SCRATCH[scope.entity]
    scratch.empty(connection)
    values = {**scope_values(scope), "after": after, "most": limit}
    for step in _steps(scope.entity, side):
        take(connection, step, values)
    ids = scratch.there.objects.c.id
    objects, last = connection.execute(select(func.count(), func.max(ids))).one()
    return last if objects == limit else None


def find_candidates(connection: Connection, scope: MatchScope, side: Side, wanted: Select[Any]) -> None:
    """Fill `candidates` for those of the stretch's objects whose `id` is in `wanted`: the lowest MAX_LISTED of each level."""
    for step in _candidate_steps(scope.entity, side, wanted):
        take(connection, step, scope_values(scope))


@cache
def views(entity: Entity) -> Select[Any]:
    """Select a row for each object of the stretch, in order of id: the columns of `domain.matching.verdicts.View`, flat."""
    scratch = SCRATCH[entity]
    there, back = scratch.there.reach, scratch.back.reach
    one, facing, shared = there.c, back.c, scratch.shared.c
    same_weak = func.coalesce(facing.weak == one.weak, facing.weak.is_(None) & one.weak.is_(None))
    return (
        select(
            one.id,
            one.keyed,
            one.weak.label("weak_text"),
            one.strong_lowest,
            one.strong_highest,
            one.weak_lowest,
            one.weak_highest,
            one.other,
            facing.taken,
            same_weak.label("same_weak"),
            facing.strong_lowest.label("back_strong_lowest"),
            facing.strong_highest.label("back_strong_highest"),
            facing.weak_lowest.label("back_weak_lowest"),
            facing.weak_highest.label("back_weak_highest"),
            shared.text.label("shared_text"),
            shared.rule.label("shared_rule"),
            shared.confidence.label("shared_confidence"),
        )
        .select_from(there.outerjoin(back, facing.id == one.other).outerjoin(scratch.shared, shared.id == one.id))
        .order_by(one.id)
    )


@cache
def _steps(entity: Entity, side: Side) -> Sequence[Insert]:
    here, there, scratch = SideQuery(entity, side), SideQuery(entity, opposite(side)), SCRATCH[entity]
    return [
        fill(scratch.there.objects, _unmapped(here)),
        *_follow(scratch.there, here, there),
        fill(scratch.back.objects, _faced(there)),
        *_follow(scratch.back, there, here),
        fill(scratch.shared, _shared(here)),
    ]


@cache
def _candidate_steps(entity: Entity, side: Side, wanted: Select[Any]) -> Sequence[Insert]:
    there, scratch = SideQuery(entity, opposite(side)), SCRATCH[entity]
    ids = wanted.subquery("wanted")
    keys, objects = scratch.there.keys, scratch.there.objects
    by_strong = OrderedJoin(ids, keys, keys.c.owner == ids.c.id)
    by_weak = OrderedJoin(ids, objects, and_(objects.c.id == ids.c.id, objects.c.weak.is_not(None)))
    strong = select(keys.c.key).select_from(by_strong).distinct().subquery()
    weak = select(objects.c.weak.label("key")).select_from(by_weak).distinct().subquery()
    join = there.by_strong_key(strong, strong.c.key)
    source, owner = there.by_weak_key(weak, weak.c.key)
    found = union_all(
        _led_to(by_strong, ids.c.id, STRONG, scratch.strong_owners, keys.c.key).distinct(),
        _led_to(by_weak, ids.c.id, WEAK, scratch.weak_owners, objects.c.weak),
    ).subquery()
    rank = func.row_number().over(partition_by=(found.c.id, found.c.level), order_by=found.c.other).label("rank")
    ranked = select(found, rank).subquery()
    columns = select(ranked.c.id, ranked.c.level, ranked.c.other)
    return [
        fill(scratch.strong_owners, _lowest(join.source, strong.c.key, join.owner)),
        fill(scratch.weak_owners, _lowest(source, weak.c.key, owner)),
        fill(scratch.candidates, columns.where(ranked.c.rank <= MAX_LISTED)),
    ]


def _unmapped(here: SideQuery) -> Select[Any]:
    objects = here.objects()
    unmapped = objects.unmapped([objects.id, objects.weak, false()]).where(objects.id > bindparam("after"))
    return unmapped.order_by(objects.id).limit(bindparam("most"))


def _faced(there: SideQuery) -> Select[Any]:
    them, reached = there.objects(), SCRATCH[there.entity].there.reach.c.other
    others = select(reached).where(reached.is_not(None)).distinct().subquery()
    return select(others.c.other, them.weak, them.taken(others.c.other)).select_from(
        OrderedJoin(others, them.table, and_(them.live, them.id == others.c.other))
    )


def _follow(look: Look, here: SideQuery, there: SideQuery) -> Sequence[Insert]:
    keyed = here.by_owner(look.objects, look.objects.c.id)
    keys = select(keyed.owner, keyed.key, keyed.rule, keyed.confidence).select_from(keyed.source)
    strong = select(look.keys.c.key).distinct().subquery()
    weak_keys = look.objects.c.weak
    weak = select(weak_keys.label("key")).where(weak_keys.is_not(None)).distinct().subquery()
    by_strong = there.by_strong_key(strong, strong.c.key)
    by_weak, weak_owner = there.by_weak_key(weak, weak.c.key)
    return [
        fill(look.keys, keys),
        fill(look.strong, _ends(strong.c.key, by_strong.source, by_strong.owner)),
        fill(look.weak, _ends(weak.c.key, by_weak, weak_owner)),
        fill(look.reach, _reach(look)),
    ]


def _ends(key: ColumnElement[Any], source: FromClause, owner: ColumnElement[int]) -> Select[Any]:
    return select(key, func.min(owner), func.max(owner)).select_from(source).group_by(key)


def _reach(look: Look) -> Select[Any]:
    one, keys, strong, weak = look.objects, look.keys, look.strong, look.weak
    strong_lowest, strong_highest = func.min(strong.c.lowest), func.max(strong.c.highest)
    lowest = func.coalesce(strong_lowest, weak.c.lowest)
    alone = lowest == func.coalesce(strong_highest, weak.c.highest)
    return (
        select(
            one.c.id,
            one.c.weak,
            one.c.taken,
            one.c.weak.is_not(None) | (func.count(keys.c.key) > 0),
            strong_lowest,
            strong_highest,
            weak.c.lowest,
            weak.c.highest,
            case((alone, lowest)),
        )
        .select_from(
            one.outerjoin(keys, keys.c.owner == one.c.id)
            .outerjoin(strong, strong.c.key == keys.c.key)
            .outerjoin(weak, weak.c.key == one.c.weak)
        )
        .group_by(one.c.id, weak.c.key)
    )


def _shared(here: SideQuery) -> Select[Any]:
    """Select the best of the strong keys that an object and the one it faces both have."""
    scratch = SCRATCH[here.entity]
    faced, ours, theirs = scratch.there.reach, scratch.there.keys, scratch.back.keys
    confidence = case((ours.c.confidence < theirs.c.confidence, ours.c.confidence), else_=theirs.c.confidence)
    ours_weaker = _weakness(ours.c.rule) > _weakness(theirs.c.rule)
    rule = case((ours_weaker, ours.c.rule), else_=theirs.c.rule)
    text = here.text_of(ours.c.key)
    both_have = and_(theirs.c.owner == faced.c.other, theirs.c.key == ours.c.key)
    best_first = func.row_number().over(partition_by=faced.c.id, order_by=(confidence.desc(), _weakness(rule), text))
    ranked = (
        select(
            faced.c.id,
            text.label("text"),
            rule.label("rule"),
            confidence.label("confidence"),
            best_first.label("rank"),
        )
        .select_from(OrderedJoin(OrderedJoin(faced, ours, ours.c.owner == faced.c.id), theirs, both_have))
        .subquery()
    )
    return select(ranked.c.id, ranked.c.text, ranked.c.rule, ranked.c.confidence).where(ranked.c.rank == 1)


def _weakness(rule: ColumnElement[str]) -> ColumnElement[int]:
    return case({each.value: place for place, each in enumerate(STRENGTH)}, value=rule)


def _lowest(source: FromClause, key: ColumnElement[Any], owner: ColumnElement[int]) -> Select[Any]:
    rank = func.row_number().over(partition_by=key, order_by=owner).label("rank")
    ranked = select(key.label("key"), owner.label("owner"), rank).select_from(source).subquery()
    return select(ranked.c.key, ranked.c.owner).where(ranked.c.rank <= MAX_LISTED)


def _led_to(
    source: FromClause, holder: ColumnElement[int], level: int, owners: Table, key: ColumnElement[Any]
) -> Select[Any]:
    led = OrderedJoin(source, owners, owners.c.key == key)
    return select(
        holder.label("id"), literal_column(str(level), Integer).label("level"), owners.c.owner.label("other")
    ).select_from(led)
