"""The limiters' table, which lies in the catalog's database."""

from sqlalchemy import BigInteger, Column, MetaData, Table, Text
from sqlalchemy.types import TypeEngine

metadata = MetaData(naming_convention={"pk": "pk_%(table_name)s"})


def _text() -> TypeEngine[str]:
    """Text that is ordered by its bytes, on both kinds of database."""
    return Text().with_variant(Text(collation="C"), "postgresql")


quotas = Table(
    "quotas",
    metadata,
    Column("quota_key", _text(), primary_key=True),
    Column("state", _text(), nullable=False),
    Column("change_time", BigInteger, nullable=False),
)
"""
What all workers together know of a limit, as JSON: one row, since every decision needs all of it, and its lock is what makes
workers decide one after the other. `change_time` is Unix microseconds, for people who look.
"""
