"""What an unchanged pull writes is counted in the database itself, whoever writes it."""

import sqlite3
from contextlib import closing
from pathlib import Path

from bench.pulling.unchanged import count_writes, writes


def test_every_row_counts(tmp_path: Path) -> None:
    """Inserts, updates and deletes of a connection that was open before are counted by table; a pull's marks are not."""
    catalog = tmp_path / "catalog.db"
    with closing(sqlite3.connect(catalog, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT)")
        connection.execute("CREATE TABLE pull_seen (id INTEGER)")
        add = "INSERT INTO customers VALUES (?, 'A') ON CONFLICT (id) DO UPDATE SET name = excluded.name"
        connection.execute(add, (1,))
        count_writes(catalog)
        assert writes(catalog) == {}
        connection.executemany(add, [(1,), (2,), (3,)])
        connection.execute("UPDATE customers SET name = name WHERE id = 3")
        connection.execute("DELETE FROM customers WHERE id = 2")
        connection.execute("INSERT INTO pull_seen VALUES (1)")
        assert writes(catalog) == {"customers": 5.0}
