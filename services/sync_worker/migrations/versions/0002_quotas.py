"""What all workers together know of the vendors' rate limits."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def _text() -> sa.types.TypeEngine[str]:
    return sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "quotas",
        sa.Column("quota_key", _text(), nullable=False),
        sa.Column("state", _text(), nullable=False),
        sa.Column("change_time", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("quota_key", name=op.f("pk_quotas")),
    )
