"""The clock of a PostgreSQL server, which all its clients have in common."""

from sqlalchemy import Connection, text

NOW = text("SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS bigint)")


def server_micros(connection: Connection) -> int:
    """Ask what time it is now, not when the transaction began: Unix microseconds."""
    micros: int = connection.execute(NOW).scalar_one()
    return micros
