"""The rule of `domain.matching` as SQL: a stretch of objects is judged and stored without leaving the database."""

from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Connection,
    Float,
    Integer,
    MetaData,
    Select,
    String,
    Table,
    Text,
    and_,
    case,
    delete,
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
from sqlalchemy.schema import CreateTable

from sync_worker.adapters.catalog.matching_sides import SideQuery
from sync_worker.adapters.catalog.matching_views import STRONG, StretchQueries
from sync_worker.adapters.catalog.tables import unmatched
from sync_worker.application.ports.match_catalog import MatchScope
from sync_worker.domain.mappings import Rule, Side, UnmatchedReason
from sync_worker.domain.matching.parties import MAX_LISTED, WEAK_RULES
from sync_worker.domain.matching.place import MatchTally
from sync_worker.domain.matching.verdicts import Evidence, Link

_scratch = MetaData()

_verdicts = Table(
    "match_verdicts",
    _scratch,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("reason", String(24)),
    Column("other", BigInteger),
    Column("rule", String(16)),
    Column("evidence", Text),
    Column("confidence", Float),
    Column("weak_text", Text),
    prefixes=["TEMPORARY"],
)
"""The verdicts on one stretch; without a reason the object is linked."""

_candidates = Table(
    "match_candidates",
    _scratch,
    Column("id", BigInteger, nullable=False),
    Column("level", Integer, nullable=False),
    Column("other", BigInteger, nullable=False),
    prefixes=["TEMPORARY"],
)
"""Candidates of objects that are left alone."""

_WITH_CANDIDATES = (
    UnmatchedReason.SEVERAL_CANDIDATES,
    UnmatchedReason.CANDIDATE_TAKEN,
    UnmatchedReason.CONTESTED,
    UnmatchedReason.KEYS_DISAGREE,
)


def judge_in_sql(connection: Connection, scope: MatchScope, side: Side, queries: StretchQueries) -> MatchTally:
    """Judge a stretch into a scratch table of this connection, and count. Nothing of the catalog is written."""
    for table in (_verdicts, _candidates):
        connection.execute(CreateTable(table, if_not_exists=True))
        connection.execute(delete(table))
    connection.execute(insert(_verdicts).from_select(list(_verdicts.c), _judged(scope, queries.views)))
    counted = select(_verdicts.c.reason, func.count().label("verdicts")).group_by(_verdicts.c.reason)
    counts = {row.reason: row.verdicts for row in connection.execute(counted)}
    exact = counts.pop(None, 0)
    if side is Side.SHOPIFY:
        return MatchTally(shopify_left=sum(counts.values()))
    unsure = and_(_verdicts.c.reason.is_(None), _verdicts.c.confidence < scope.auto_link_confidence)
    review = connection.execute(select(func.count()).select_from(_verdicts).where(unsure)).scalar_one()
    return MatchTally(
        exact=exact, review=review, left={UnmatchedReason(reason): count for reason, count in counts.items()}
    )


def judged_links(connection: Connection, limit: int | None = None) -> list[Link]:
    """Read the links of the stretch that was judged last, in order of id."""
    linked = select(_verdicts).where(_verdicts.c.reason.is_(None)).order_by(_verdicts.c.id)
    return [
        Link(row.id, row.other, Evidence(Rule(row.rule), row.evidence, row.confidence))
        for row in connection.execute(linked if limit is None else linked.limit(limit))
    ]


def store_left_alone(connection: Connection, scope: MatchScope, side: Side, queries: StretchQueries) -> None:
    """Store the objects of the stretch that was judged last and are left alone."""
    found = queries.candidates.subquery()
    wanted = select(_verdicts.c.id).where(_verdicts.c.reason.in_([reason.value for reason in _WITH_CANDIDATES]))
    if connection.execute(select(exists(wanted))).scalar_one():
        rows = select(found.c.id, found.c.level, found.c.other).where(found.c.id.in_(wanted))
        connection.execute(insert(_candidates).from_select(list(_candidates.c), rows))
    verdict = _verdicts.alias("verdict")
    left = select(
        literal(scope.store_id),
        literal(scope.entity.value),
        literal(side.value),
        verdict.c.id,
        verdict.c.reason,
        case(
            (verdict.c.reason.in_([reason.value for reason in _WITH_CANDIDATES]), _listed_candidates(verdict.c)),
            else_=literal("[]"),
        ),
        case(
            (verdict.c.reason == UnmatchedReason.NO_KEY.value, literal("[]")),
            else_=_listed_keys(SideQuery(scope.store_id, scope.entity, side), verdict.c),
        ),
    ).where(verdict.c.reason.is_not(None))
    connection.execute(insert(unmatched).from_select(list(unmatched.c), left))


def _judged(scope: MatchScope, views: Select[Any]) -> Select[Any]:
    view = views.subquery("view").c
    by_strong = view.strong_lowest.is_not(None)
    weak_rule = WEAK_RULES[scope.entity]
    return select(
        view.id,
        _reason(view),
        view.other,
        case((by_strong, view.shared_rule), else_=literal_column(f"'{weak_rule.rule}'")),
        case((by_strong, view.shared_text), else_=view.weak_text),
        case((by_strong, view.shared_confidence), else_=literal_column(str(weak_rule.confidence))),
        view.weak_text,
    )


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


def _listed_candidates(verdict: Any) -> ColumnElement[str]:  # noqa: ANN401 - a collection of columns
    """List the candidates of the deciding keys, or of both levels where the keys disagree."""
    other = _candidates.alias("other")
    stronger = _candidates.alias("stronger")
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
    return select(func.json_group_array(listed.c.other)).scalar_subquery()


def _listed_keys(query: SideQuery, verdict: Any) -> ColumnElement[str]:  # noqa: ANN401 - a collection of columns
    """List the strong keys in order of their text, then the weak one."""
    one = select(verdict.id.label("id")).correlate(verdict.id.table).subquery()
    join = query.by_owner(one, one.c.id)
    text: ColumnElement[str] = query.text_of(join.key).label("text")
    strong = select(_order(0), text).select_from(join.source)
    weak = select(_order(1), verdict.weak_text.label("text")).where(verdict.weak_text.is_not(None))
    both = union_all(strong, weak.correlate(verdict.id.table)).subquery()
    listed = select(both.c.text).order_by(both.c.place, both.c.text).limit(MAX_LISTED).subquery()
    return select(func.json_group_array(listed.c.text)).scalar_subquery()


def _order(place: int) -> ColumnElement[int]:
    return literal_column(str(place), Integer).label("place")
