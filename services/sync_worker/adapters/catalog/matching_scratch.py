"""Scratch tables of one stretch of objects: each step of a match leaves its rows where the next finds them by a key.

They are temporary: a connection's own, never in the catalog itself. Joins of common table expressions would depend on the
database indexing them by itself, which SQLite does only where its guess of the rows says so; then a match is quadratic.
"""

from collections.abc import Mapping, Sequence
from typing import Any, cast

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    Float,
    Insert,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    Select,
    Table,
    delete,
    insert,
    text,
)
from sqlalchemy.schema import CreateTable
from sqlalchemy.types import TypeEngine

from sync_worker.adapters.catalog.statistics import refresh_statistics
from sync_worker.adapters.catalog.tables import text_type
from sync_worker.domain.mappings import Entity

_NUMBER = BigInteger().with_variant(Integer(), "sqlite")
"""Numbers of vendors; on SQLite, a key of this type is the row's own number."""


class Look:
    """Some objects of one side, and what their keys lead to on the other."""

    def __init__(self, scratch: "Scratch", name: str, key: TypeEngine[Any]) -> None:
        self.objects = scratch.table(
            f"{name}_objects", _id(), Column("weak", text_type()), Column("taken", Boolean, nullable=False)
        )
        """The objects, live ones; `weak` is their weak key."""
        self.keys = scratch.table(
            f"{name}_keys",
            Column("owner", _NUMBER, nullable=False),
            Column("key", key, nullable=False),
            Column("rule", text_type(), nullable=False),
            Column("confidence", Float, nullable=False),
            PrimaryKeyConstraint("owner", "key"),
            with_rowid=False,
        )
        """Their strong keys."""
        self.strong = scratch.table(
            f"{name}_strong",
            Column("key", key, primary_key=True, autoincrement=False),
            Column("lowest", _NUMBER, nullable=False),
            Column("highest", _NUMBER, nullable=False),
            with_rowid=False,
        )
        """The lowest and the highest owner of each strong key on the other side; without one, the key is left out."""
        self.weak = scratch.table(
            f"{name}_weak",
            Column("key", text_type(), primary_key=True),
            Column("lowest", _NUMBER, nullable=False),
            Column("highest", _NUMBER, nullable=False),
            with_rowid=False,
        )
        """The same of each weak key."""
        self.reach = scratch.table(
            f"{name}_reach",
            _id(),
            Column("weak", text_type()),
            Column("taken", Boolean, nullable=False),
            Column("keyed", Boolean, nullable=False),
            Column("strong_lowest", _NUMBER),
            Column("strong_highest", _NUMBER),
            Column("weak_lowest", _NUMBER),
            Column("weak_highest", _NUMBER),
            Column("other", _NUMBER),
        )
        """The lowest and the highest of those for each object; `other` is there when its deciding keys lead to one alone."""


class Scratch:
    """The scratch tables of an entity, whose strong keys are of one type."""

    def __init__(self, entity: Entity, key: TypeEngine[Any]) -> None:
        self._entity = entity
        self._metadata = MetaData()
        self.there = Look(self, "there", key)
        """The stretch, and what its keys lead to."""
        self.back = Look(self, "back", key)
        """The objects that the stretch's deciding keys lead to alone, and what their keys lead back to."""
        self.shared = self.table(
            "shared",
            _id(),
            Column("text", text_type(), nullable=False),
            Column("rule", text_type(), nullable=False),
            Column("confidence", Float, nullable=False),
        )
        """The best strong key that an object and the one it faces both have."""
        self.verdicts = self.table(
            "verdicts",
            _id(),
            Column("reason", text_type()),
            Column("other", _NUMBER),
            Column("rule", text_type()),
            Column("evidence", text_type()),
            Column("confidence", Float),
            Column("weak_text", text_type()),
        )
        """The verdicts on the stretch; without a reason the object is linked."""
        self.strong_owners = self._owners("strong_owners", key)
        """The lowest owners of strong keys on the other side."""
        self.weak_owners = self._owners("weak_owners", text_type())
        """The lowest owners of weak keys on the other side."""
        self.candidates = self.table(
            "candidates",
            Column("id", _NUMBER, nullable=False),
            Column("level", _NUMBER, nullable=False),
            Column("other", _NUMBER, nullable=False),
            PrimaryKeyConstraint("id", "level", "other"),
            with_rowid=False,
        )
        """The lowest ids that each object's strong and weak keys lead to."""
        self.new_ids = self.table(
            "new_ids",
            Column("place", _NUMBER, primary_key=True, autoincrement=False),
            Column("id", text_type(), nullable=False),
        )
        """An id for each link, in order of the links."""
        tables = self._metadata.tables.values()
        self._create: Sequence[CreateTable] = [CreateTable(table) for table in tables]
        self._delete = [delete(table) for table in tables]

    def table(self, name: str, *columns: Column[Any] | PrimaryKeyConstraint, with_rowid: bool = True) -> Table:
        """Describe one of the tables."""
        return Table(
            f"match_{self._entity}_{name}",
            self._metadata,
            *columns,
            prefixes=["TEMPORARY"],
            sqlite_with_rowid=with_rowid,
            postgresql_on_commit="DELETE ROWS",
        )

    def empty(self, connection: Connection) -> None:
        """Make the scratch tables of this connection, or empty them. Its database must not be read-only."""
        made = connection.execute(_MADE[connection.dialect.name], {"name": self.candidates.name}).scalar_one()
        for statement in self._delete if made else self._create:
            connection.execute(statement)

    def _owners(self, name: str, key: TypeEngine[Any]) -> Table:
        return self.table(
            name,
            Column("key", key, nullable=False),
            Column("owner", _NUMBER, nullable=False),
            PrimaryKeyConstraint("key", "owner"),
            with_rowid=False,
        )


def _id() -> Column[int]:
    return Column("id", _NUMBER, primary_key=True, autoincrement=False)


SCRATCH = {
    Entity.PRODUCTS: Scratch(Entity.PRODUCTS, text_type()),
    Entity.CUSTOMERS: Scratch(Entity.CUSTOMERS, _NUMBER),
}
"""Products have SKUs for strong keys, customers phones as numbers."""

_MADE = {
    "sqlite": text("SELECT count(*) FROM sqlite_temp_master WHERE name = :name"),
    "postgresql": text("SELECT to_regclass('pg_temp.' || :name) IS NOT NULL"),
}


def fill(table: Table, rows: Select[Any]) -> Insert:
    """Say how a scratch table is filled: with the rows of a query, column by column."""
    return insert(table).from_select([column.name for column in table.c], rows)


def take(connection: Connection, step: Insert, values: Mapping[str, Any]) -> None:
    """Fill a scratch table, and let the next step know of how many rows."""
    connection.execute(step, values)
    refresh_statistics(connection, cast(Table, step.table))
