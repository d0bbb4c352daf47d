"""What PostgreSQL knows of a table's rows when it plans; SQLite is told the order of joins instead."""

from sqlalchemy import Connection, Table, text


def refresh_statistics(connection: Connection, *tables: Table) -> None:
    """Let PostgreSQL look at tables that have just been filled.

    It does so by itself a while later, and never at temporary ones. Until then it takes a column for hardly selective and a
    condition for highly so, and joins thousands of rows one by one. A table that is being vacuumed is passed over.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(text(f"ANALYZE (SKIP_LOCKED) {', '.join(table.name for table in tables)}"))
