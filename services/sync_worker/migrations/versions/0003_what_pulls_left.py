"""What a pull has taken the place of, kept until it has stored a step: an attempt after a crash clears up as well."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def _text() -> sa.types.TypeEngine[str]:
    return sa.String().with_variant(sa.String(collation="C"), "postgresql")


def upgrade() -> None:
    op.add_column("pull_runs", sa.Column("left_behind", _text(), nullable=True))
    op.add_column("pull_runs", sa.Column("replaced", sa.BigInteger(), nullable=True))
    op.add_column("pull_runs", sa.Column("outdated_hours", sa.BigInteger(), nullable=True))
