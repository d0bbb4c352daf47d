"""What the keys of a stretch of objects lead to, there and back, set by set.

Every distinct key is followed once, to its lowest owners only: a key that thousands share costs one look at them, never a
pair for each two of them.
"""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import CTE, ColumnElement, FromClause, Select, and_, case, func, literal_column, or_, select, union_all

from sync_worker.adapters.catalog.matching_sides import KeyJoin, OrderedJoin, SideQuery
from sync_worker.application.ports.match_catalog import MatchScope
from sync_worker.domain.mappings import Side
from sync_worker.domain.matching.parties import MAX_LISTED, STRENGTH, opposite

LAST_ID = 2**63 - 1
"""No id is higher."""

STRONG, WEAK = 0, 1
"""Which keys led to a candidate."""


@dataclass(frozen=True)
class StretchQueries:
    """The questions about the unmapped objects of a side whose ids are in (after, upto]."""

    views: Select[Any]
    """A row for each object: the columns of `domain.matching.verdicts.View`, flat."""
    candidates: Select[Any]
    """Rows (id, level, other): the lowest MAX_LISTED ids that each object's strong and weak keys lead to."""
    keys: Select[Any]
    """Rows (id, text): the objects' strong keys."""


def end_of_stretch(scope: MatchScope, side: Side, after: int, limit: int) -> Select[Any]:
    """Select the id that ends a stretch of `limit` unmapped objects; no row when there are fewer."""
    objects = SideQuery(scope.store_id, scope.entity, side).objects()
    unmapped = objects.unmapped(scope.job_id, [objects.id]).where(objects.id > after)
    return unmapped.order_by(objects.id).offset(limit - 1).limit(1)


def stretch_queries(scope: MatchScope, side: Side, after: int, upto: int | None) -> StretchQueries:
    """Build the questions about one stretch."""
    here = SideQuery(scope.store_id, scope.entity, side)
    there = SideQuery(scope.store_id, scope.entity, opposite(side))
    mine = _mine(scope, here, after, LAST_ID if upto is None else upto)
    my_keys = _keys_of(here, mine, mine.c.id, "my_keys")
    near = _lowest_by_strong(there, my_keys, "near", MAX_LISTED)
    near_weak = _lowest_by_weak(there, mine, "near_weak", MAX_LISTED)
    strong = _reach(my_keys, my_keys.c.owner, near, my_keys.c.key, "strong_reach")
    weak = _reach(mine, mine.c.id, near_weak, mine.c.weak, "weak_reach")
    return StretchQueries(
        _views(scope, _Parts(here, there, mine, my_keys, strong, weak)),
        _candidates(mine, my_keys, near, near_weak),
        select(my_keys.c.owner.label("id"), here.text_of(my_keys.c.key).label("text")),
    )


@dataclass(frozen=True)
class _Parts:
    here: SideQuery
    there: SideQuery
    mine: CTE
    my_keys: CTE
    strong: CTE
    weak: CTE


def _mine(scope: MatchScope, here: SideQuery, after: int, upto: int) -> CTE:
    objects = here.objects()
    columns: list[ColumnElement[Any]] = [objects.id.label("id"), objects.weak.label("weak")]
    return objects.unmapped(scope.job_id, columns).where(objects.id > after, objects.id <= upto).cte("mine")


def _keys_of(side: SideQuery, owners: FromClause, owner: ColumnElement[int], name: str) -> CTE:
    return _key_columns(side.by_owner(owners, owner)).cte(name)


def _key_columns(join: KeyJoin) -> Select[Any]:
    return select(
        join.owner.label("owner"),
        join.key.label("key"),
        join.rule.label("rule"),
        join.confidence.label("confidence"),
    ).select_from(join.source)


def _lowest_by_strong(side: SideQuery, keys: CTE, name: str, limit: int) -> CTE:
    distinct = select(keys.c.key).distinct().cte(f"{name}_keys")
    join = side.by_strong_key(distinct, distinct.c.key)
    return _lowest(join.source, distinct.c.key, join.owner, name, limit)


def _lowest_by_weak(side: SideQuery, owners: CTE, name: str, limit: int) -> CTE:
    distinct = select(owners.c.weak.label("key")).where(owners.c.weak.is_not(None)).distinct().cte(f"{name}_keys")
    source, owner = side.by_weak_key(distinct, distinct.c.key)
    return _lowest(source, distinct.c.key, owner, name, limit)


def _lowest(source: FromClause, key: ColumnElement[Any], owner: ColumnElement[int], name: str, limit: int) -> CTE:
    rank = func.row_number().over(partition_by=key, order_by=owner).label("rank")
    ranked = select(key.label("key"), owner.label("owner"), rank).select_from(source).subquery()
    return select(ranked.c.key, ranked.c.owner).where(ranked.c.rank <= limit).cte(name)


def _reach(holders: CTE, holder: ColumnElement[int], owners: CTE, key: ColumnElement[Any], name: str) -> CTE:
    return (
        select(
            holder.label("id"),
            func.min(owners.c.owner).label("lowest"),
            func.max(owners.c.owner).label("highest"),
        )
        .select_from(OrderedJoin(holders, owners, owners.c.key == key))
        .group_by(holder)
        .cte(name)
    )


def _views(scope: MatchScope, parts: _Parts) -> Select[Any]:
    mine, strong, weak = parts.mine, parts.strong, parts.weak
    faced = _faced(parts)
    others = select(faced.c.other).distinct().cte("others")
    their_keys = _keys_of(parts.there, others, others.c.other, "their_keys")
    back = _lowest_by_strong(parts.here, their_keys, "back", 2)
    back_strong = _reach(their_keys, their_keys.c.owner, back, their_keys.c.key, "back_strong")
    them = parts.there.objects()
    facing = (
        select(
            others.c.other.label("id"),
            them.weak.label("weak"),
            them.taken(others.c.other, scope.job_id).label("taken"),
        )
        .select_from(OrderedJoin(others, them.table, and_(them.live, them.id == others.c.other)))
        .cte("facing")
    )
    back_near_weak = _lowest_by_weak(parts.here, facing, "back_near_weak", 2)
    back_weak = _reach(facing, facing.c.id, back_near_weak, facing.c.weak, "back_weak")
    shared = _shared(parts, faced, their_keys)
    keyed = or_(mine.c.weak.is_not(None), mine.c.id.in_(select(parts.my_keys.c.owner)))
    return select(
        mine.c.id,
        keyed.label("keyed"),
        mine.c.weak.label("weak_text"),
        strong.c.lowest.label("strong_lowest"),
        strong.c.highest.label("strong_highest"),
        weak.c.lowest.label("weak_lowest"),
        weak.c.highest.label("weak_highest"),
        faced.c.other,
        facing.c.taken,
        func.coalesce(facing.c.weak == mine.c.weak, facing.c.weak.is_(None) & mine.c.weak.is_(None)).label("same_weak"),
        back_strong.c.lowest.label("back_strong_lowest"),
        back_strong.c.highest.label("back_strong_highest"),
        back_weak.c.lowest.label("back_weak_lowest"),
        back_weak.c.highest.label("back_weak_highest"),
        shared.c.text.label("shared_text"),
        shared.c.rule.label("shared_rule"),
        shared.c.confidence.label("shared_confidence"),
    ).select_from(
        mine.outerjoin(strong, strong.c.id == mine.c.id)
        .outerjoin(weak, weak.c.id == mine.c.id)
        .outerjoin(faced, faced.c.id == mine.c.id)
        .outerjoin(facing, facing.c.id == faced.c.other)
        .outerjoin(back_strong, back_strong.c.id == faced.c.other)
        .outerjoin(back_weak, back_weak.c.id == faced.c.other)
        .outerjoin(shared, and_(shared.c.id == mine.c.id, shared.c.rank == 1))
    )


def _faced(parts: _Parts) -> CTE:
    """Objects whose deciding keys lead to one other alone."""
    mine, strong, weak = parts.mine, parts.strong, parts.weak
    lowest = func.coalesce(strong.c.lowest, weak.c.lowest)
    return (
        select(mine.c.id, lowest.label("other"))
        .select_from(mine.outerjoin(strong, strong.c.id == mine.c.id).outerjoin(weak, weak.c.id == mine.c.id))
        .where(lowest == func.coalesce(strong.c.highest, weak.c.highest))
        .cte("faced")
    )


def _shared(parts: _Parts, faced: CTE, their_keys: CTE) -> CTE:
    """The strong keys that both have, the best one first."""
    ours = parts.my_keys
    confidence = case((ours.c.confidence < their_keys.c.confidence, ours.c.confidence), else_=their_keys.c.confidence)
    ours_weaker = _weakness(ours.c.rule) > _weakness(their_keys.c.rule)
    rule = case((ours_weaker, ours.c.rule), else_=their_keys.c.rule)
    text = parts.here.text_of(ours.c.key)
    both = (
        select(faced.c.id, text.label("text"), rule.label("rule"), confidence.label("confidence"))
        .select_from(
            OrderedJoin(
                OrderedJoin(faced, ours, ours.c.owner == faced.c.id),
                their_keys,
                and_(their_keys.c.owner == faced.c.other, their_keys.c.key == ours.c.key),
            )
        )
        .subquery()
    )
    order = (both.c.confidence.desc(), _weakness(both.c.rule), both.c.text)
    rank = func.row_number().over(partition_by=both.c.id, order_by=order).label("rank")
    return select(both.c.id, both.c.text, both.c.rule, both.c.confidence, rank).cte("shared")


def _weakness(rule: ColumnElement[str]) -> ColumnElement[int]:
    return case({each.value: place for place, each in enumerate(STRENGTH)}, value=rule)


def _candidates(mine: CTE, my_keys: CTE, near: CTE, near_weak: CTE) -> Select[Any]:
    by_strong = (
        select(my_keys.c.owner.label("id"), _level(STRONG), near.c.owner.label("other"))
        .select_from(OrderedJoin(my_keys, near, near.c.key == my_keys.c.key))
        .distinct()
    )
    by_weak = select(mine.c.id, _level(WEAK), near_weak.c.owner.label("other")).select_from(
        OrderedJoin(mine, near_weak, near_weak.c.key == mine.c.weak)
    )
    found = union_all(by_strong, by_weak).subquery()
    rank = func.row_number().over(partition_by=(found.c.id, found.c.level), order_by=found.c.other).label("rank")
    ranked = select(found.c.id, found.c.level, found.c.other, rank).subquery()
    return select(ranked.c.id, ranked.c.level, ranked.c.other).where(ranked.c.rank <= MAX_LISTED)


def _level(level: int) -> ColumnElement[int]:
    return literal_column(str(level)).label("level")
