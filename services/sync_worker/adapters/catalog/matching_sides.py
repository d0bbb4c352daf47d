"""Where each side of each entity keeps its objects and keys, and how to join them in a given order.

Statements name the store and the job as parameters: so each is built once, and run for every stretch of every match.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Float,
    FromClause,
    Join,
    Select,
    String,
    Table,
    and_,
    bindparam,
    cast,
    exists,
    literal,
    literal_column,
    select,
)
from sqlalchemy.ext.compiler import compiles

from sync_worker.adapters.catalog.tables import (
    mappings,
    nhanh_customers,
    nhanh_products,
    phone_keys,
    shopify_customers,
    shopify_variants,
)
from sync_worker.application.ports.match_catalog import MatchScope
from sync_worker.domain.mappings import Entity, Rule, Side
from sync_worker.domain.matching.parties import SKU_CONFIDENCE

Condition = ColumnElement[bool]

RULES = {rule.value: rule for rule in Rule}
"""Rules by their stored name."""

STORE = bindparam("of_store", type_=String())
JOB = bindparam("by_job", type_=String())


def scope_values(scope: MatchScope) -> Mapping[str, str]:
    """Give STORE and JOB their values."""
    return {"of_store": scope.store_id, "by_job": scope.job_id}


class OrderedJoin(Join):
    """An inner join whose left side the database reads first.

    SQLite without statistics takes a store for ten rows and would begin with the whole store. Its CROSS JOIN is an inner join
    that is never turned around (https://www.sqlite.org/optoverview.html, "Manual Control Of Query Plans Using CROSS JOIN").
    """

    inherit_cache = True


@compiles(OrderedJoin)
def _render_ordered(element: OrderedJoin, compiler: Any, **options: Any) -> str:  # noqa: ANN401 - SQLAlchemy's hook
    return str(compiler.visit_join(element, **options))


@compiles(OrderedJoin, "sqlite")
def _render_ordered_on_sqlite(element: OrderedJoin, compiler: Any, **options: Any) -> str:  # noqa: ANN401
    options["asfrom"] = True
    left, right = (compiler.process(each, **options) for each in (element.left, element.right))
    return f"{left} CROSS JOIN {right} ON {compiler.process(element.onclause, **options)}"


@dataclass(frozen=True)
class KeyJoin:
    """A join with the keys of live objects, and the columns that it gives."""

    source: FromClause
    owner: ColumnElement[int]
    key: ColumnElement[Any]
    rule: ColumnElement[str]
    confidence: ColumnElement[float]


@dataclass(frozen=True)
class SideQuery:
    """One side of one entity of a store."""

    entity: Entity
    side: Side

    def objects(self) -> "Objects":
        """Take the side's table under a name of its own."""
        return Objects(self, _TABLES[self.entity, self.side].alias())

    @property
    def phones(self) -> bool:
        """Whether the strong keys are phones, in a table of their own, rather than a column."""
        return self.entity is Entity.CUSTOMERS

    def by_strong_key(self, left: FromClause, key: ColumnElement[Any]) -> KeyJoin:
        """Join the live objects that have a strong key."""
        if not self.phones:
            objects = self.objects()
            column = objects.table.c.sku_key
            return _sku_join(OrderedJoin(left, objects.table, and_(objects.live, column == key)), objects)
        keys = phone_keys.alias()
        found = OrderedJoin(left, keys, and_(self._of_side(keys), keys.c.phone_key == key))
        objects = self.objects()
        living = OrderedJoin(found, objects.table, and_(objects.live, objects.id == keys.c.owner_id))
        return _phone_join(living, keys)

    def by_weak_key(self, left: FromClause, key: ColumnElement[str]) -> tuple[FromClause, ColumnElement[int]]:
        """Join the live objects that have a weak key; the second is their id."""
        objects = self.objects()
        return OrderedJoin(left, objects.table, and_(objects.live, objects.weak == key)), objects.id

    def by_owner(self, left: FromClause, owner: ColumnElement[int]) -> KeyJoin:
        """Join the strong keys of objects that are known to be live."""
        if not self.phones:
            objects = self.objects()
            matches = and_(objects.live, objects.id == owner, objects.table.c.sku_key.is_not(None))
            return _sku_join(OrderedJoin(left, objects.table, matches), objects)
        keys = phone_keys.alias()
        return _phone_join(OrderedJoin(left, keys, and_(self._of_side(keys), keys.c.owner_id == owner)), keys)

    def text_of(self, key: ColumnElement[Any]) -> ColumnElement[str]:
        """Write a strong key as text."""
        return literal("+").concat(cast(key, String)) if self.phones else key

    def _of_side(self, keys: FromClause) -> Condition:
        return and_(keys.c.store_id == STORE, keys.c.side == self.side.value)


@dataclass(frozen=True)
class Objects:
    """A side's table."""

    query: SideQuery
    table: FromClause

    @property
    def id(self) -> ColumnElement[int]:
        """The vendor's id."""
        column: ColumnElement[int] = self.table.c[_IDS[self.query.entity, self.query.side]]
        return column

    @property
    def weak(self) -> ColumnElement[str]:
        """The weak key."""
        column: ColumnElement[str] = self.table.c[
            "email_key" if self.query.entity is Entity.CUSTOMERS else "barcode_key"
        ]
        return column

    @property
    def live(self) -> Condition:
        """Of this store, and not gone."""
        return and_(self.table.c.store_id == STORE, self.table.c.gone_time.is_(None))

    def taken(self, owner: ColumnElement[int]) -> Condition:
        """Mapped, by anybody but this job."""
        return self._mapped(owner, lambda one: one.c.made_by_job_id != JOB)

    def unmapped(self, columns: Sequence[ColumnElement[Any]]) -> Select[Any]:
        """Select live objects that are not mapped.

        The job's own links are made from Nhanh's side, so that Shopify's objects in them have their verdict when their side
        is walked: it is the same one. They are not judged again.
        """
        given = self._mapped(self.id) if self.query.side is Side.SHOPIFY else self.taken(self.id)
        return select(*columns).where(self.live, ~given)

    def _mapped(self, owner: ColumnElement[int], *conditions: Callable[[FromClause], Condition]) -> Condition:
        one = mappings.alias()
        column = one.c.nhanh_id if self.query.side is Side.NHANH else one.c.shopify_id
        mapping = select(literal(1)).where(
            one.c.store_id == STORE, one.c.entity == self.query.entity.value, column == owner
        )
        return exists(mapping.where(*(condition(one) for condition in conditions)))


def _phone_join(source: FromClause, keys: FromClause) -> KeyJoin:
    return KeyJoin(source, keys.c.owner_id, keys.c.phone_key, keys.c.rule, keys.c.confidence)


def _sku_join(source: FromClause, objects: Objects) -> KeyJoin:
    return KeyJoin(
        source,
        objects.id,
        objects.table.c.sku_key,
        literal_column(f"'{Rule.SKU}'", String),
        literal_column(str(SKU_CONFIDENCE), Float),
    )


_TABLES: dict[tuple[Entity, Side], Table] = {
    (Entity.PRODUCTS, Side.NHANH): nhanh_products,
    (Entity.PRODUCTS, Side.SHOPIFY): shopify_variants,
    (Entity.CUSTOMERS, Side.NHANH): nhanh_customers,
    (Entity.CUSTOMERS, Side.SHOPIFY): shopify_customers,
}

_IDS = {
    (Entity.PRODUCTS, Side.NHANH): "nhanh_id",
    (Entity.PRODUCTS, Side.SHOPIFY): "variant_id",
    (Entity.CUSTOMERS, Side.NHANH): "nhanh_id",
    (Entity.CUSTOMERS, Side.SHOPIFY): "customer_id",
}


def tables_of(entity: Entity) -> Sequence[Table]:
    """List what a match of an entity reads."""
    phones = (phone_keys,) if entity is Entity.CUSTOMERS else ()
    return (*(_TABLES[entity, side] for side in Side), *phones, mappings)
