"""A schema of one table, for a database under test."""

from pathlib import Path

import pytest

ENVIRONMENT = """
from alembic import context

context.configure(connection=context.config.attributes["connection"])
context.run_migrations()
"""
FIRST = """
import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade():
    op.create_table("notes", sa.Column("id", sa.Integer(), primary_key=True), sa.Column("text", sa.Text(), unique=True))
"""


@pytest.fixture
def migrations(tmp_path: Path) -> Path:
    """A folder of migrations that makes the table `notes`."""
    folder = tmp_path / "migrations"
    (folder / "versions").mkdir(parents=True)
    (folder / "env.py").write_text(ENVIRONMENT)
    (folder / "versions" / "0001_notes.py").write_text(FIRST)
    return folder
