"""What each Shopify location has of each item, as the last full pull was told."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def _text(length: int) -> sa.types.TypeEngine[str]:
    return sa.String(length).with_variant(sa.String(length, collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "pull_levels",
        sa.Column("pull_id", _text(36), nullable=False),
        sa.Column("inventory_item_id", sa.BigInteger(), nullable=False),
        sa.Column("location_id", sa.BigInteger(), nullable=False),
        sa.Column("variant_id", sa.BigInteger(), nullable=False),
        sa.Column("available", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("pull_id", "inventory_item_id", "location_id", "variant_id", name="pk_pull_levels"),
        sqlite_with_rowid=False,
    )
    op.add_column("pull_runs", sa.Column("levels", sa.BigInteger(), nullable=True))
    op.add_column("pull_runs", sa.Column("unreadable_levels", sa.BigInteger(), nullable=True))
    op.add_column("pull_runs", sa.Column("levels_pull", _text(36), nullable=True))
    op.add_column("pull_runs", sa.Column("levels_time", sa.BigInteger(), nullable=True))
