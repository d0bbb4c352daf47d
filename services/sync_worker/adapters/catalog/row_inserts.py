"""Thousands of rows stored at once, by the driver itself: values are given by position."""

from collections.abc import Sequence
from functools import cache
from typing import Any

from sqlalchemy import Column, Connection, String, Table
from sqlalchemy.dialects import postgresql

Row = tuple[Any, ...]


def insert_rows(
    connection: Connection, columns: Sequence[Column[Any]], rows: Sequence[Row], *, skip_conflicts: bool = False
) -> int:
    """Insert rows with these columns of a table; how many were stored. Others are skipped if asked for, else an error."""
    if not rows:
        return 0
    if connection.dialect.name == "postgresql":
        by_column = tuple(list(values) for values in zip(*rows, strict=True))
        return connection.exec_driver_sql(_from_arrays(tuple(columns), skip_conflicts), by_column).rowcount
    return connection.exec_driver_sql(_row_by_row(tuple(columns), skip_conflicts), list(rows)).rowcount


@cache
def _row_by_row(columns: tuple[Column[Any], ...], skip_conflicts: bool) -> str:
    return _insert(columns, f"VALUES ({', '.join('?' * len(columns))})", skip_conflicts)


@cache
def _from_arrays(columns: tuple[Column[Any], ...], skip_conflicts: bool) -> str:
    arrays = ", ".join(f"${place}::{_element(column)}[]" for place, column in enumerate(columns, 1))
    return _insert(columns, f"SELECT * FROM unnest({arrays})", skip_conflicts)  # noqa: S608 - names and types of columns


def _insert(columns: tuple[Column[Any], ...], source: str, skip_conflicts: bool) -> str:
    table: Table = columns[0].table
    names = ", ".join(f'"{column.name}"' for column in columns)
    return f"INSERT INTO {table.name} ({names}) {source}{' ON CONFLICT DO NOTHING' if skip_conflicts else ''}"


def _element(column: Column[Any]) -> str:
    # Cast to a length, text would be cut to it; stored in a column that has one, it is refused.
    return "text" if isinstance(column.type, String) else column.type.compile(dialect=postgresql.dialect())  # type: ignore[no-untyped-call]
