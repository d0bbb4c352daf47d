"""Runs units of work, plain functions of a SQLAlchemy `Connection`, against a service's database.

SQLite is embedded and belongs to one process (`sqlite`); PostgreSQL is shared by any number of replicas (`postgres`).
Both keep the promises of `Database`.
"""

from pathlib import Path

from chassis.database.address import dialect_of, sqlite_path
from chassis.database.contract import (
    Database,
    DatabaseInUseError,
    DatabaseUnavailableError,
    DatabaseUrlError,
    Dialect,
    Result,
)

__all__ = [
    "Database",
    "DatabaseInUseError",
    "DatabaseUnavailableError",
    "DatabaseUrlError",
    "Dialect",
    "Result",
    "dialect_of",
    "open_database",
    "sqlite_path",
]

CONNECTIONS = 8
"""To a PostgreSQL database, for each process; so many units run at once, the others wait."""


async def open_database(
    url: str,
    *,
    migrations: Path,
    exclusive: bool = False,
    connections: int = CONNECTIONS,
    behind_pooler: bool = False,
) -> Database:
    """Open a database and bring its schema up to date.

    Args:
        url: `sqlite:///relative.db`, `sqlite:////absolute.db` or `postgresql://user:password@host:port/name`, the last
            with any option that libpq knows (`?sslmode=verify-full`, `?host=/folder/of/socket`).
        migrations: The folder of the service's Alembic migrations.
        exclusive: Refuse to share a SQLite file with another process that opens it so. PostgreSQL is there to be
            shared, so it means nothing there.
        connections: The most that are open to PostgreSQL at once.
        behind_pooler: PostgreSQL is reached through a pooler in transaction mode (PgBouncer): nothing may be left on a
            connection between two transactions, so no statement is prepared for later.

    Raises:
        DatabaseUrlError: The address is of another kind.
        DatabaseInUseError: Another process has it, and `exclusive` is asked for.
        DatabaseUnavailableError: It cannot be opened or migrated.
    """
    if dialect_of(url) == "sqlite":
        from chassis.database.sqlite import SqliteDatabase

        return await SqliteDatabase.open(url, migrations=migrations, exclusive=exclusive)
    from chassis.database.postgres import PostgresDatabase  # only whoever uses it pays for loading its driver

    return await PostgresDatabase.open(url, migrations=migrations, connections=connections, behind_pooler=behind_pooler)
