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

from sync_worker.adapters.catalog import matching_scratch as scratch
from sync_worker.adapters.catalog.matching_scratch import BACK, THERE, Look, empty_scratch, fill
from sync_worker.adapters.catalog.matching_sides import OrderedJoin, SideQuery, scope_values
from sync_worker.application.ports.match_catalog import MatchScope
from sync_worker.domain.mappings import Entity, Side
from sync_worker.domain.matching.parties import MAX_LISTED, STRENGTH, opposite

STRONG, WEAK = 0, 1
"""Which keys led to a candidate."""


def follow_stretch(connection: Connection, scope: MatchScope, side: Side, after: int, limit: int) -> int | None:
    """Fill the scratch tables for the next `limit` unmapped objects of a side, those behind an id: VIEWS reads them.

    Gives the id of the last; None when there are fewer than `limit`, and so none behind them.
    """
    empty_scratch(connection)
    values = {**scope_values(scope), "after": after, "most": limit}
    for step in _steps(scope.entity, side):
        connection.execute(step, values)
    objects, last = connection.execute(_SIZE).one()
    return last if objects == limit else None


def find_candidates(connection: Connection, scope: MatchScope, side: Side, wanted: Select[Any]) -> None:
    """Fill `candidates` for those of the stretch's objects whose `id` is in `wanted`: the lowest MAX_LISTED of each level."""
    for step in _candidate_steps(scope.entity, side, wanted):
        connection.execute(step, scope_values(scope))


def _views() -> Select[Any]:
    one, facing, shared = THERE.reach.c, BACK.reach.c, scratch.shared.c
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
        .select_from(
            THERE.reach.outerjoin(BACK.reach, facing.id == one.other).outerjoin(scratch.shared, shared.id == one.id)
        )
        .order_by(one.id)
    )


VIEWS = _views()
"""A row for each object of the stretch, in order of id: the columns of `domain.matching.verdicts.View`, flat."""

_SIZE = select(func.count(), func.max(THERE.objects.c.id))


@cache
def _steps(entity: Entity, side: Side) -> Sequence[Insert]:
    here, there = SideQuery(entity, side), SideQuery(entity, opposite(side))
    return [
        fill(THERE.objects, _unmapped(here)),
        *_follow(THERE, here, there),
        fill(BACK.objects, _faced(there)),
        *_follow(BACK, there, here),
        fill(scratch.shared, _shared(here)).prefix_with("OR IGNORE"),
    ]


@cache
def _candidate_steps(entity: Entity, side: Side, wanted: Select[Any]) -> Sequence[Insert]:
    there = SideQuery(entity, opposite(side))
    ids = wanted.subquery("wanted")
    keys, objects = THERE.keys, THERE.objects
    by_strong = OrderedJoin(ids, keys, keys.c.owner == ids.c.id)
    by_weak = OrderedJoin(ids, objects, and_(objects.c.id == ids.c.id, objects.c.weak.is_not(None)))
    strong = select(keys.c.key).select_from(by_strong).distinct().subquery()
    weak = select(objects.c.weak.label("key")).select_from(by_weak).distinct().subquery()
    join = there.by_strong_key(strong, strong.c.key)
    source, owner = there.by_weak_key(weak, weak.c.key)
    found = union_all(
        _led_to(by_strong, ids.c.id, STRONG, keys.c.key).distinct(), _led_to(by_weak, ids.c.id, WEAK, objects.c.weak)
    ).subquery()
    rank = func.row_number().over(partition_by=(found.c.id, found.c.level), order_by=found.c.other).label("rank")
    ranked = select(found, rank).subquery()
    columns = select(ranked.c.id, ranked.c.level, ranked.c.other)
    return [
        fill(scratch.owners, _lowest(join.source, STRONG, strong.c.key, join.owner)),
        fill(scratch.owners, _lowest(source, WEAK, weak.c.key, owner)),
        fill(scratch.candidates, columns.where(ranked.c.rank <= MAX_LISTED)),
    ]


def _unmapped(here: SideQuery) -> Select[Any]:
    objects = here.objects()
    unmapped = objects.unmapped([objects.id, objects.weak, false()]).where(objects.id > bindparam("after"))
    return unmapped.order_by(objects.id).limit(bindparam("most"))


def _faced(there: SideQuery) -> Select[Any]:
    others = select(THERE.reach.c.other).where(THERE.reach.c.other.is_not(None)).distinct().subquery()
    them = there.objects()
    return select(others.c.other, them.weak, them.taken(others.c.other)).select_from(
        OrderedJoin(others, them.table, and_(them.live, them.id == others.c.other))
    )


def _follow(look: Look, here: SideQuery, there: SideQuery) -> Sequence[Insert]:
    keyed = here.by_owner(look.objects, look.objects.c.id)
    keys = select(keyed.owner, keyed.key, keyed.rule, keyed.confidence).select_from(keyed.source)
    strong = select(look.keys.c.key).distinct().subquery()
    weak_keys = look.objects.c.weak
    weak = select(weak_keys.label("key")).where(weak_keys.is_not(None)).distinct().subquery()
    return [
        fill(look.keys, keys),
        fill(look.strong, _two(strong.c.key, there.owners_of_strong(strong.c.key))),
        fill(look.weak, _two(weak.c.key, there.owners_of_weak(weak.c.key))),
        fill(look.reach, _reach(look)),
    ]


def _two(key: ColumnElement[Any], owners: Select[Any]) -> Select[Any]:
    # Two are enough to say "several", and the rest of those that share a key need not be looked at.
    return select(key, owners.limit(1).scalar_subquery(), owners.limit(1).offset(1).scalar_subquery())


def _reach(look: Look) -> Select[Any]:
    one, keys, strong, weak = look.objects, look.keys, look.strong, look.weak
    strong_lowest, strong_highest = func.min(_lower(strong)), func.max(_higher(strong))
    lowest = func.coalesce(strong_lowest, _lower(weak))
    alone = lowest == func.coalesce(strong_highest, _higher(weak))
    return (
        select(
            one.c.id,
            one.c.weak,
            one.c.taken,
            one.c.weak.is_not(None) | (func.count(keys.c.key) > 0),
            strong_lowest,
            strong_highest,
            _lower(weak),
            _higher(weak),
            case((alone, lowest)),
        )
        .select_from(
            one.outerjoin(keys, keys.c.owner == one.c.id)
            .outerjoin(strong, strong.c.key == keys.c.key)
            .outerjoin(weak, weak.c.key == one.c.weak)
        )
        .group_by(one.c.id)
    )


def _lower(two: Table) -> ColumnElement[int]:
    return case((two.c.another < two.c.one, two.c.another), else_=two.c.one)


def _higher(two: Table) -> ColumnElement[int]:
    return case((two.c.another > two.c.one, two.c.another), else_=two.c.one)


def _shared(here: SideQuery) -> Select[Any]:
    """Select the strong keys that an object and the one it faces both have, the best one first: the first stays."""
    faced, ours, theirs = THERE.reach, THERE.keys, BACK.keys
    confidence = case((ours.c.confidence < theirs.c.confidence, ours.c.confidence), else_=theirs.c.confidence)
    ours_weaker = _weakness(ours.c.rule) > _weakness(theirs.c.rule)
    rule = case((ours_weaker, ours.c.rule), else_=theirs.c.rule)
    text = here.text_of(ours.c.key)
    both_have = and_(theirs.c.owner == faced.c.other, theirs.c.key == ours.c.key)
    return (
        select(faced.c.id, text, rule, confidence)
        .select_from(OrderedJoin(OrderedJoin(faced, ours, ours.c.owner == faced.c.id), theirs, both_have))
        .order_by(faced.c.id, confidence.desc(), _weakness(rule), text)
    )


def _weakness(rule: ColumnElement[str]) -> ColumnElement[int]:
    return case({each.value: place for place, each in enumerate(STRENGTH)}, value=rule)


def _lowest(source: FromClause, level: int, key: ColumnElement[Any], owner: ColumnElement[int]) -> Select[Any]:
    rank = func.row_number().over(partition_by=key, order_by=owner).label("rank")
    ranked = select(key.label("key"), owner.label("owner"), rank).select_from(source).subquery()
    return select(_level(level), ranked.c.key, ranked.c.owner).where(ranked.c.rank <= MAX_LISTED)


def _led_to(source: FromClause, holder: ColumnElement[int], level: int, key: ColumnElement[Any]) -> Select[Any]:
    owners: Table = scratch.owners
    led = OrderedJoin(source, owners, and_(owners.c.level == level, owners.c.key == key))
    return select(holder.label("id"), _level(level).label("level"), owners.c.owner.label("other")).select_from(led)


def _level(level: int) -> ColumnElement[int]:
    return literal_column(str(level), Integer)
