# ruff: noqa: S608 - every name in these statements is one of ours, every value a parameter
"""The statements that rows pass by the thousand, given to the database's own driver: SQLAlchemy's way costs several times more.

They run inside the unit's transaction, as every other statement does. Values go as tuples in the order of named columns; ids
go as one array, so that a statement's text is always the same.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from itertools import chain
from typing import Any

import orjson
from sqlalchemy import Column, Connection, String, Table
from sqlalchemy.dialects import postgresql
from sqlalchemy.util import await_only

Values = Sequence[tuple[Any, ...]]

MOST_VALUES = 9_000
"""Values of one statement, well below the 32,766 that SQLite takes (https://www.sqlite.org/limits.html)."""

LENGTHS = (250, 100, 50, 25, 10, 5, 2, 1)
"""Rows of one statement, below the most; the vendors' whole pages are among them. SQLite's driver keeps its last 128 statements,
and each keeps memory for all its values: with as many lengths as there are, that would come to a hundred megabytes."""


def insert_new(connection: Connection, table: Table, columns: tuple[str, ...], rows: Values) -> None:
    """Insert rows that are not there yet: by COPY on PostgreSQL, by statements of many rows on SQLite.

    While a statement of SQLite's works, other threads run Python; between two of them the thread has to get its turn again, which
    takes far longer than a row does. So there are as few as can be.
    """
    if not rows:
        return
    if _is_postgresql(connection):
        driver: Any = connection.connection.driver_connection
        if not driver.is_in_transaction():  # SQLAlchemy begins it with its own first statement
            connection.exec_driver_sql("SELECT 1")
        await_only(driver.copy_records_to_table(table.name, records=rows, columns=columns))
        return
    for part in _parts(rows, MOST_VALUES // len(columns)):
        connection.exec_driver_sql(_insert_many(table.name, columns, len(part)), tuple(chain.from_iterable(part)))


def insert_unless_there(connection: Connection, columns: Sequence[Column[Any]], rows: Values) -> int:
    """Insert rows with these columns of a table, but for those that collide with one that is there; how many were stored."""
    if not rows:
        return 0
    given = tuple(columns)
    if _is_postgresql(connection):
        by_column = tuple(list(values) for values in zip(*rows, strict=True))
        return connection.exec_driver_sql(_from_arrays(given), by_column).rowcount
    marks = f"VALUES ({', '.join('?' * len(given))})"
    return connection.exec_driver_sql(_unless_there(given, marks), list(rows)).rowcount


def update_each(
    connection: Connection, table: Table, keys: tuple[str, ...], changed: tuple[str, ...], rows: Values
) -> None:
    """Update rows, each given as the values of its changed columns and then of its keys."""
    if not rows:
        return
    mark = "$" if _is_postgresql(connection) else "?"  # numbers stand behind both
    sets = ", ".join(f"{name} = {mark}{place}" for place, name in enumerate(changed, 1))
    where = " AND ".join(f"{name} = {mark}{place}" for place, name in enumerate(keys, len(changed) + 1))
    connection.exec_driver_sql(f"UPDATE {table.name} SET {sets} WHERE {where}", list(rows))


def read_by_id(
    connection: Connection,
    table: Table,
    columns: tuple[str, ...],
    of: Mapping[str, object],
    id_column: str,
    ids: Sequence[int],
) -> Iterable[Any]:
    """Read columns of the rows with these ids, among those with the values of `of`."""
    chosen = ", ".join(columns)
    if _is_postgresql(connection):
        statement = f"SELECT {chosen} FROM {_one_by_one(table, columns, of, id_column)}"
        return connection.exec_driver_sql(statement, (*of.values(), [*ids]))
    statement = f"SELECT {chosen} FROM {table.name} WHERE {_among_array(of, id_column)}"
    return connection.exec_driver_sql(statement, (*of.values(), _array(ids)))


def delete_by_id(
    connection: Connection, table: Table, of: Mapping[str, object], id_column: str, ids: Sequence[int]
) -> None:
    """Delete the rows with these ids, among those with the values of `of`. Nobody else may change such rows meanwhile."""
    if not ids:
        return
    if _is_postgresql(connection):
        found = f"ARRAY(SELECT ctid FROM {_one_by_one(table, ('ctid',), of, id_column)})"
        connection.exec_driver_sql(f"DELETE FROM {table.name} WHERE ctid = ANY({found})", (*of.values(), [*ids]))
    else:
        where = _among_array(of, id_column)
        connection.exec_driver_sql(f"DELETE FROM {table.name} WHERE {where}", (*of.values(), _array(ids)))


def delete_older(
    connection: Connection,
    table: Table,
    of: Mapping[str, object],
    id_column: str,
    ids: Sequence[int],
    column: str,
    limit: int,
) -> None:
    """Delete the rows with these ids, among those with the values of `of`, in which a column is less than the limit.

    Others may be changing such rows: PostgreSQL then waits, and looks at them again, which it would not at rows found beforehand.
    """
    if not ids:
        return
    if _is_postgresql(connection):
        fixed = " AND ".join(f"{name} = ${place}" for place, name in enumerate(of, 1))
        among = f"{id_column} = ANY(${len(of) + 1}::bigint[]) AND {column} < ${len(of) + 2}"
        statement = f"DELETE FROM {table.name} WHERE {fixed} AND {among}"
        connection.exec_driver_sql(statement, (*of.values(), [*ids], limit))
    else:
        statement = f"DELETE FROM {table.name} WHERE {_among_array(of, id_column)} AND {column} < ?"
        connection.exec_driver_sql(statement, (*of.values(), _array(ids), limit))


def insert_missing(connection: Connection, table: Table, owner: str, ids: Sequence[int]) -> int:
    """Insert (owner, id) pairs that are not there yet into a table of two columns; how many those were."""
    if not ids:
        return 0
    if _is_postgresql(connection):
        chosen, given = "SELECT $1::varchar, unnest($2::bigint[]) ON CONFLICT DO NOTHING", [*ids]
        return connection.exec_driver_sql(f"INSERT INTO {table.name} {chosen}", (owner, given)).rowcount
    chosen = "SELECT ?, value FROM json_each(?)"
    return connection.exec_driver_sql(f"INSERT OR IGNORE INTO {table.name} {chosen}", (owner, _array(ids))).rowcount


def _parts(rows: Values, largest: int) -> Iterator[Values]:
    """Cut rows into parts of few different lengths, the longest first."""
    start = 0
    for length in (largest, *(each for each in LENGTHS if each < largest)):
        while len(rows) - start >= length:
            yield rows[start : start + length]
            start += length


@cache
def _insert_many(table: str, columns: tuple[str, ...], rows: int) -> str:
    row = f"({', '.join('?' * len(columns))})"
    return f"INSERT INTO {table} ({', '.join(columns)}) VALUES {', '.join([row] * rows)}"


@cache
def _from_arrays(columns: tuple[Column[Any], ...]) -> str:
    arrays = ", ".join(f"${place}::{_element(column)}[]" for place, column in enumerate(columns, 1))
    return _unless_there(columns, f"SELECT * FROM unnest({arrays})")


def _unless_there(columns: tuple[Column[Any], ...], source: str) -> str:
    names = ", ".join(f'"{column.name}"' for column in columns)
    return f"INSERT INTO {columns[0].table.name} ({names}) {source} ON CONFLICT DO NOTHING"


def _element(column: Column[Any]) -> str:
    # Cast to a length, text would be cut to it; stored in a column that has one, it is refused.
    return "text" if isinstance(column.type, String) else column.type.compile(dialect=postgresql.dialect())  # type: ignore[no-untyped-call]


def _one_by_one(table: Table, columns: tuple[str, ...], of: Mapping[str, object], id_column: str) -> str:
    """Have PostgreSQL look each id up by the index that knows it; OFFSET 0 keeps it from making a join of that.

    Left to itself it reads a new shop's every row for every page: until a table has been analyzed it takes a shop for a few rows.
    """
    fixed = " AND ".join(f"{name} = ${place}" for place, name in enumerate(of, 1))
    lookup = f"SELECT {', '.join(columns)} FROM {table.name} WHERE {fixed} AND {id_column} = wanted.id OFFSET 0"
    return f"unnest(${len(of) + 1}::bigint[]) AS wanted(id) CROSS JOIN LATERAL ({lookup}) AS found"


def _among_array(of: Mapping[str, object], id_column: str) -> str:
    """Name the condition for SQLite, whose array is JSON."""
    fixed = " AND ".join(f"{name} = ?" for name in of)
    return f"{fixed} AND {id_column} IN (SELECT value FROM json_each(?))"


def _array(ids: Sequence[int]) -> str:
    return orjson.dumps([*ids]).decode()


def _is_postgresql(connection: Connection) -> bool:
    return connection.dialect.name == "postgresql"
