"""Jobs, their events, locks, failures, requests, types and workers."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def key(length: int) -> sa.String:
    return sa.String(length).with_variant(sa.String(length, collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "claim_requests",
        sa.Column("request_id", sa.Text(), nullable=False),
        sa.Column("content_hash", sa.Text(), nullable=False),
        sa.Column("claims", sa.Text(), nullable=False),
        sa.Column("request_time", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("request_id", name=op.f("pk_claim_requests")),
    )
    op.create_table(
        "counters",
        sa.Column("name", sa.String(length=16), nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_counters")),
    )
    op.create_table(
        "create_requests",
        sa.Column("request_id", sa.Text(), nullable=False),
        sa.Column("content_hash", sa.Text(), nullable=False),
        sa.Column("job_id", key(36), nullable=False),
        sa.Column("lease_token", sa.Text(), nullable=True),
        sa.Column("request_time", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("request_id", name=op.f("pk_create_requests")),
    )
    op.create_table(
        "job_types",
        sa.Column("type", sa.String(length=64), nullable=False),
        sa.Column("display_name", sa.Text(), nullable=False),
        sa.Column("variants", sa.Text(), nullable=False),
        sa.Column("retries_failed_items", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("type", name=op.f("pk_job_types")),
    )
    op.create_table(
        "jobs",
        sa.Column("job_id", key(36), nullable=False),
        sa.Column("type", sa.String(length=64), nullable=False),
        sa.Column("variant", sa.String(length=64), nullable=False),
        sa.Column("display_name", sa.Text(), nullable=False),
        sa.Column("store_id", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("state_message", sa.Text(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("params", sa.Text(), nullable=False),
        sa.Column("result", sa.Text(), nullable=True),
        sa.Column("labels", sa.Text(), nullable=False),
        sa.Column("locks", sa.Text(), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("ticket", sa.BigInteger(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("attempts_used", sa.Integer(), nullable=False),
        sa.Column("max_attempts", sa.Integer(), nullable=False),
        sa.Column("retry_of_job_id", sa.String(length=36), nullable=False),
        sa.Column("retry_scope", sa.String(length=16), nullable=False),
        sa.Column("parent_job_id", sa.String(length=36), nullable=False),
        sa.Column("worker_id", sa.Text(), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("cancel_requested", sa.Boolean(), nullable=False),
        sa.Column("paused", sa.Boolean(), nullable=False),
        sa.Column("asked", sa.String(length=8), nullable=False),
        sa.Column("create_time", sa.BigInteger(), nullable=False),
        sa.Column("start_time", sa.BigInteger(), nullable=True),
        sa.Column("update_time", sa.BigInteger(), nullable=False),
        sa.Column("end_time", sa.BigInteger(), nullable=True),
        sa.Column("not_before", sa.BigInteger(), nullable=True),
        sa.Column("total", sa.BigInteger(), nullable=True),
        sa.Column("processed", sa.BigInteger(), nullable=False),
        sa.Column("successful", sa.BigInteger(), nullable=False),
        sa.Column("failed", sa.BigInteger(), nullable=False),
        sa.Column("skipped", sa.BigInteger(), nullable=False),
        sa.Column("phase", sa.Text(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("metrics", sa.Text(), nullable=False),
        sa.Column("pace_base_processed", sa.BigInteger(), nullable=True),
        sa.Column("pace_base_steady", sa.Float(), nullable=True),
        sa.Column("pace_last_processed", sa.BigInteger(), nullable=True),
        sa.Column("pace_last_steady", sa.Float(), nullable=True),
        sa.Column("pace_rate", sa.Float(), nullable=True),
        sa.Column("failure", sa.Text(), nullable=True),
        sa.Column("item_failure_count", sa.BigInteger(), nullable=False),
        sa.Column("item_failures_stored", sa.Integer(), nullable=False),
        sa.Column("lease_token", sa.Text(), nullable=True),
        sa.Column("lease_fence", sa.BigInteger(), nullable=True),
        sa.Column("lease_ttl", sa.Float(), nullable=True),
        sa.Column("lease_deadline_steady", sa.Float(), nullable=True),
        sa.Column("lease_claimed_steady", sa.Float(), nullable=True),
        sa.Column("lease_report_sequence", sa.BigInteger(), nullable=True),
        sa.Column("ended_lease_token", sa.Text(), nullable=True),
        sa.Column("ended_call_hash", sa.Text(), nullable=True),
        sa.Column("cancel_deadline_steady", sa.Float(), nullable=True),
        sa.Column("checkpoint", sa.LargeBinary(), nullable=True),
        sa.CheckConstraint(
            "(end_time IS NOT NULL) = (state IN ('COMPLETED', 'PARTIALLY_COMPLETED', 'FAILED', 'CANCELLED'))",
            name=op.f("ck_jobs_end_time_iff_final"),
        ),
        sa.CheckConstraint(
            "(lease_token IS NOT NULL) = (state IN ('RUNNING', 'CANCELLING'))", name=op.f("ck_jobs_lease_iff_held")
        ),
        sa.CheckConstraint(
            "state IN ('PENDING', 'RUNNING', 'CANCELLING', 'COMPLETED', 'PARTIALLY_COMPLETED', 'FAILED', 'CANCELLED')",
            name=op.f("ck_jobs_state_known"),
        ),
        sa.CheckConstraint("processed = successful + failed + skipped", name=op.f("ck_jobs_counts_add_up")),
        sa.CheckConstraint(
            "successful >= 0 AND failed >= 0 AND skipped >= 0", name=op.f("ck_jobs_counts_not_negative")
        ),
        sa.CheckConstraint("total IS NULL OR processed <= total", name=op.f("ck_jobs_not_over_total")),
        sa.PrimaryKeyConstraint("job_id", name=op.f("pk_jobs")),
        postgresql_with={"fillfactor": 80},
    )
    op.create_index("ix_jobs_create_time_job_id", "jobs", ["create_time", "job_id"], unique=False)
    op.create_index("ix_jobs_end_time", "jobs", ["end_time"], unique=False)
    op.create_index(
        "ix_jobs_retry_of_job_id",
        "jobs",
        ["retry_of_job_id"],
        unique=False,
        sqlite_where=sa.text("retry_of_job_id != ''"),
        postgresql_where=sa.text("retry_of_job_id != ''"),
    )
    op.create_index("ix_jobs_state_create_time_job_id", "jobs", ["state", "create_time", "job_id"], unique=False)
    op.create_index("ix_jobs_store_id_create_time_job_id", "jobs", ["store_id", "create_time", "job_id"], unique=False)
    op.create_table(
        "paused_types",
        sa.Column("type", sa.String(length=64), nullable=False),
        sa.Column("paused_by", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("pause_time", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("type", name=op.f("pk_paused_types")),
    )
    op.create_table(
        "workers",
        sa.Column("worker_id", key(128), nullable=False),
        sa.Column("types", sa.Text(), nullable=False),
        sa.Column("first_seen_time", sa.BigInteger(), nullable=False),
        sa.Column("last_seen_time", sa.BigInteger(), nullable=False),
        sa.Column("listening_time", sa.BigInteger(), nullable=True),
        sa.Column("noted_by", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("worker_id", name=op.f("pk_workers")),
    )
    op.create_table(
        "item_failures",
        sa.Column("job_id", key(36), nullable=False),
        sa.Column("item_key", key(200), nullable=False),
        sa.Column("stage", key(200), nullable=False),
        sa.Column("origin", sa.String(length=16), nullable=False),
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("retryable", sa.Boolean(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("first_time", sa.BigInteger(), nullable=False),
        sa.Column("last_time", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.job_id"], name=op.f("fk_item_failures_job_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("job_id", "item_key", "stage", name=op.f("pk_item_failures")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "job_events",
        sa.Column("job_id", key(36), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("from_state", sa.String(length=20), nullable=True),
        sa.Column("to_state", sa.String(length=20), nullable=False),
        sa.Column("event_time", sa.BigInteger(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.job_id"], name=op.f("fk_job_events_job_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("job_id", "revision", "ordinal", name=op.f("pk_job_events")),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_job_events_position", "job_events", ["position"], unique=False)
    op.create_table(
        "job_locks",
        sa.Column("lock_key", key(200), nullable=False),
        sa.Column("ticket", sa.BigInteger(), nullable=False),
        sa.Column("job_id", key(36), nullable=False),
        sa.Column("exclusive", sa.Boolean(), nullable=False),
        sa.Column("free_at_steady", sa.Float(), nullable=True),
        sa.Column("free_ttl", sa.Float(), nullable=True),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.job_id"], name=op.f("fk_job_locks_job_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("lock_key", "ticket", name=op.f("pk_job_locks")),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_job_locks_job_id", "job_locks", ["job_id"], unique=False)
    pending = sa.text("state = 'PENDING'")
    op.create_index(
        "ix_jobs_claimable",
        "jobs",
        [sa.text("priority DESC"), "ticket"],
        unique=False,
        sqlite_where=pending,
        postgresql_where=pending,
    )
    if op.get_context().dialect.name == "postgresql":
        op.execute(sa.schema.CreateSequence(sa.Sequence("job_tickets")))
