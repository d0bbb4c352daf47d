"""The rule of `domain.matching` as SQL: a stretch of objects is judged and stored without leaving the database."""

from functools import cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Insert,
    Integer,
    Select,
    String,
    Table,
    and_,
    case,
    exists,
    func,
    insert,
    literal,
    literal_column,
    null,
    or_,
    select,
    union_all,
)

from sync_worker.adapters.catalog.json_lists import JsonList
from sync_worker.adapters.catalog.matching_scratch import SCRATCH, fill, take
from sync_worker.adapters.catalog.matching_sides import RULES, STORE, SideQuery, scope_values
from sync_worker.adapters.catalog.matching_views import STRONG, find_candidates, follow_stretch, views
from sync_worker.adapters.catalog.tables import unmatched
from sync_worker.application.ports.match_catalog import MatchScope
from sync_worker.domain.mappings import Entity, Side, UnmatchedReason
from sync_worker.domain.matching.parties import MAX_LISTED, WEAK_RULES
from sync_worker.domain.matching.place import MatchTally
from sync_worker.domain.matching.verdicts import Evidence, Link

_WITH_CANDIDATES = [
    reason.value
    for reason in (
        UnmatchedReason.SEVERAL_CANDIDATES,
        UnmatchedReason.CANDIDATE_TAKEN,
        UnmatchedReason.CONTESTED,
        UnmatchedReason.KEYS_DISAGREE,
    )
]


def judge_in_sql(
    connection: Connection, scope: MatchScope, side: Side, after: int, limit: int
) -> tuple[MatchTally, int | None]:
    """Judge the next `limit` objects into scratch tables. Nothing of the catalog is written.

    Gives the counts, and the id that the stretch ends with; None when it is the side's last.
    """
    upto = follow_stretch(connection, scope, side, after, limit)
    take(connection, _judged(scope.entity), {})
    judged = SCRATCH[scope.entity].verdicts
    counted = select(judged.c.reason, func.count().label("verdicts")).group_by(judged.c.reason)
    counts = {row.reason: row.verdicts for row in connection.execute(counted)}
    exact = counts.pop(None, 0)
    if side is Side.SHOPIFY:
        return MatchTally(shopify_left=sum(counts.values())), upto
    unsure = and_(judged.c.reason.is_(None), judged.c.confidence < scope.auto_link_confidence)
    review = connection.execute(select(func.count()).select_from(judged).where(unsure)).scalar_one()
    left = {UnmatchedReason(reason): count for reason, count in counts.items()}
    return MatchTally(exact=exact, review=review, left=left), upto


def judged_links(connection: Connection, entity: Entity, limit: int) -> list[Link]:
    """Read the first links of the stretch that was judged last, in order of id."""
    link = SCRATCH[entity].verdicts.c
    linked = select(link.id, link.other, link.rule, link.evidence, link.confidence).where(link.reason.is_(None))
    return [
        Link(one, other, Evidence(RULES[rule], text, confidence))
        for one, other, rule, text, confidence in connection.execute(linked.order_by(link.id).limit(limit))
    ]


def store_left_alone(connection: Connection, scope: MatchScope, side: Side) -> None:
    """Store the objects of the stretch that was judged last and are left alone."""
    find_candidates(connection, scope, side, _listed(scope.entity))
    connection.execute(_left_alone(scope.entity, side), scope_values(scope))


@cache
def _listed(entity: Entity) -> Select[Any]:
    """Select the objects whose candidates are listed."""
    verdict = SCRATCH[entity].verdicts.c
    return select(verdict.id).where(verdict.reason.in_(_WITH_CANDIDATES))


@cache
def _left_alone(entity: Entity, side: Side) -> Insert:
    verdict = SCRATCH[entity].verdicts.alias("verdict")
    left = select(
        STORE,
        literal(entity.value),
        literal(side.value),
        verdict.c.id,
        verdict.c.reason,
        case(
            (verdict.c.reason.in_(_WITH_CANDIDATES), _listed_candidates(SCRATCH[entity].candidates, verdict.c)),
            else_=literal("[]"),
        ),
        case(
            (verdict.c.reason == UnmatchedReason.NO_KEY.value, literal("[]")),
            else_=_listed_keys(SideQuery(entity, side), verdict.c),
        ),
    ).where(verdict.c.reason.is_not(None))
    return insert(unmatched).from_select(list(unmatched.c), left)


@cache
def _judged(entity: Entity) -> Insert:
    view = views(entity).subquery("view").c
    by_strong = view.strong_lowest.is_not(None)
    weak_rule = WEAK_RULES[entity]
    judged = select(
        view.id,
        _reason(view),
        view.other,
        case((by_strong, view.shared_rule), else_=literal_column(f"'{weak_rule.rule}'")),
        case((by_strong, view.shared_text), else_=view.weak_text),
        case((by_strong, view.shared_confidence), else_=literal_column(str(weak_rule.confidence))),
        view.weak_text,
    )
    return fill(SCRATCH[entity].verdicts, judged)


def _reason(view: Any) -> ColumnElement[Any]:  # noqa: ANN401 - a collection of columns
    """Say why an object is left alone, NULL when it is linked: `domain.matching.verdicts.judge`, branch by branch."""
    unfaced = case(
        (~view.keyed, _name(UnmatchedReason.NO_KEY)),
        (
            and_(view.strong_lowest.is_(None), view.weak_lowest.is_(None)),
            _name(UnmatchedReason.NO_CANDIDATE),
        ),
        else_=_name(UnmatchedReason.SEVERAL_CANDIDATES),
    )
    contested = case(
        (
            view.strong_lowest.is_(None),
            or_(
                view.back_strong_lowest.is_not(None),
                view.back_weak_lowest.is_(None),
                view.back_weak_lowest != view.back_weak_highest,
            ),
        ),
        else_=or_(view.back_strong_lowest.is_(None), view.back_strong_lowest != view.back_strong_highest),
    )
    disagree = and_(
        view.strong_lowest.is_not(None),
        ~view.same_weak,
        or_(view.weak_lowest.is_not(None), view.back_weak_lowest.is_not(None)),
    )
    return case(
        (view.other.is_(None), unfaced),
        (view.taken, _name(UnmatchedReason.CANDIDATE_TAKEN)),
        (contested, _name(UnmatchedReason.CONTESTED)),
        (disagree, _name(UnmatchedReason.KEYS_DISAGREE)),
        else_=null(),
    )


def _name(reason: UnmatchedReason) -> ColumnElement[str]:
    return literal_column(f"'{reason}'", String)


def _listed_candidates(candidates: Table, verdict: Any) -> ColumnElement[str]:  # noqa: ANN401 - a collection of columns
    """List the candidates of the deciding keys, or of both levels where the keys disagree."""
    other = candidates.alias("other")
    stronger = candidates.alias("stronger")
    # Tied to `other`, which stands next to it: a name from further out would make a table of its own of it.
    has_strong = exists(select(literal(1)).where(stronger.c.id == other.c.id, stronger.c.level == STRONG))
    listed = (
        select(other.c.other)
        .where(
            other.c.id == verdict.id,
            or_(
                verdict.reason == UnmatchedReason.KEYS_DISAGREE.value,
                other.c.level == STRONG,
                ~has_strong,
            ),
        )
        .distinct()
        .order_by(other.c.other)
        .limit(MAX_LISTED)
        .correlate(verdict.id.table)
        .subquery()
    )
    return select(JsonList(listed.c.other, listed.c.other)).scalar_subquery()


def _listed_keys(query: SideQuery, verdict: Any) -> ColumnElement[str]:  # noqa: ANN401 - a collection of columns
    """List the strong keys in order of their text, then the weak one."""
    keys = SCRATCH[query.entity].there.keys
    text: ColumnElement[str] = query.text_of(keys.c.key).label("text")
    strong = select(_order(0), text).where(keys.c.owner == verdict.id).correlate(verdict.id.table)
    weak = select(_order(1), verdict.weak_text.label("text")).where(verdict.weak_text.is_not(None))
    both = union_all(strong, weak.correlate(verdict.id.table)).subquery()
    listed = select(both).order_by(both.c.place, both.c.text).limit(MAX_LISTED).subquery()
    return select(JsonList(listed.c.text, listed.c.place, listed.c.text)).scalar_subquery()


def _order(place: int) -> ColumnElement[int]:
    return literal_column(str(place), Integer).label("place")
