"""Scratch tables of one stretch of objects: each step of a match leaves its rows where the next finds them by a key.

They are temporary: a connection's own, never in the catalog's file. Joins of common table expressions would depend on the
database indexing them by itself, which SQLite does only where its guess of the rows says so; then a match is quadratic.
"""

from typing import Any

from sqlalchemy import (
    Boolean,
    Column,
    Connection,
    Float,
    Insert,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    Select,
    String,
    Table,
    Text,
    delete,
    insert,
    text,
)
from sqlalchemy.schema import CreateTable
from sqlalchemy.types import UserDefinedType

_metadata = MetaData()


class _AnyKey(UserDefinedType[Any]):
    """A phone as a number or a SKU as text, kept as it is: SQLite converts nothing in a column of this type."""

    cache_ok = True

    def get_col_spec(self, **_options: object) -> str:
        """Name the type."""
        return "BLOB"


def _scratch(name: str, *columns: Column[Any] | PrimaryKeyConstraint, with_rowid: bool = True) -> Table:
    return Table(name, _metadata, *columns, prefixes=["TEMPORARY"], sqlite_with_rowid=with_rowid)


def _id() -> Column[int]:
    return Column("id", Integer, primary_key=True, autoincrement=False)


class Look:
    """Some objects of one side, and what their keys lead to on the other."""

    def __init__(self, name: str) -> None:
        self.objects = _scratch(
            f"match_{name}_objects", _id(), Column("weak", Text), Column("taken", Boolean, nullable=False)
        )
        """The objects, live ones; `weak` is their weak key."""
        self.keys = _scratch(
            f"match_{name}_keys",
            Column("owner", Integer, nullable=False),
            Column("key", _AnyKey, nullable=False),
            Column("rule", String(16), nullable=False),
            Column("confidence", Float, nullable=False),
            PrimaryKeyConstraint("owner", "key"),
            with_rowid=False,
        )
        """Their strong keys."""
        self.strong = _scratch(
            f"match_{name}_strong",
            Column("key", _AnyKey, primary_key=True),
            Column("one", Integer),
            Column("another", Integer),
            with_rowid=False,
        )
        """An owner of each strong key on the other side, if any, and another if there are several."""
        self.weak = _scratch(
            f"match_{name}_weak",
            Column("key", Text, primary_key=True),
            Column("one", Integer),
            Column("another", Integer),
            with_rowid=False,
        )
        """The same of each weak key."""
        self.reach = _scratch(
            f"match_{name}_reach",
            _id(),
            Column("weak", Text),
            Column("taken", Boolean, nullable=False),
            Column("keyed", Boolean, nullable=False),
            Column("strong_lowest", Integer),
            Column("strong_highest", Integer),
            Column("weak_lowest", Integer),
            Column("weak_highest", Integer),
            Column("other", Integer),
        )
        """The lowest and the highest of those for each object; `other` is there when its deciding keys lead to one alone."""


THERE = Look("there")
"""The stretch, and what its keys lead to."""

BACK = Look("back")
"""The objects that the stretch's deciding keys lead to alone, and what their keys lead back to."""

shared = _scratch(
    "match_shared",
    _id(),
    Column("text", Text, nullable=False),
    Column("rule", String(16), nullable=False),
    Column("confidence", Float, nullable=False),
)
"""The best strong key that an object and the one it faces both have."""

verdicts = _scratch(
    "match_verdicts",
    _id(),
    Column("reason", String(24)),
    Column("other", Integer),
    Column("rule", String(16)),
    Column("evidence", Text),
    Column("confidence", Float),
    Column("weak_text", Text),
)
"""The verdicts on the stretch; without a reason the object is linked."""

owners = _scratch(
    "match_owners",
    Column("level", Integer, nullable=False),
    Column("key", _AnyKey, nullable=False),
    Column("owner", Integer, nullable=False),
    PrimaryKeyConstraint("level", "key", "owner"),
    with_rowid=False,
)
"""The lowest owners of keys on the other side."""

candidates = _scratch(
    "match_candidates",
    Column("id", Integer, nullable=False),
    Column("level", Integer, nullable=False),
    Column("other", Integer, nullable=False),
    PrimaryKeyConstraint("id", "level", "other"),
    with_rowid=False,
)
"""The lowest ids that each object's strong and weak keys lead to."""

_TABLES = list(_metadata.tables.values())
_CREATE = [CreateTable(table) for table in _TABLES]
_EMPTY = [delete(table) for table in _TABLES]
_MADE = text("SELECT count(*) FROM sqlite_temp_master WHERE name = :name").bindparams(name=verdicts.name)


def empty_scratch(connection: Connection) -> None:
    """Make the scratch tables of this connection, or empty them. Its database must not be read-only."""
    made = connection.execute(_MADE).scalar_one()
    for statement in _EMPTY if made else _CREATE:
        connection.execute(statement)


def fill(table: Table, rows: Select[Any]) -> Insert:
    """Put the rows of a query into a scratch table, column by column."""
    return insert(table).from_select([column.name for column in table.c], rows)
