"""Brings a schema up to date with a service's Alembic migrations."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection


def migrate(connection: Connection, migrations: Path) -> None:
    """Run what is missing in the connection's transaction.

    Raises:
        CommandError: The database has a version that this folder does not know.
    """
    config = Config()
    config.set_main_option("script_location", str(migrations))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
