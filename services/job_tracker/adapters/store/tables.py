"""JobTracker's tables.

Times whose name ends in `_time` or `_before` are Unix microseconds; those in `_steady` are seconds of the tracker's steady
clock. Columns that progress changes stand in no index.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    text,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _key(length: int) -> String:
    """Say what a key's text is: on PostgreSQL compared byte by byte, as SQLite does."""
    return String(length).with_variant(String(length, collation="C"), "postgresql")


jobs = Table(
    "jobs",
    metadata,
    Column("job_id", _key(36), primary_key=True),
    Column("type", String(64), nullable=False),
    Column("variant", String(64), nullable=False),
    Column("display_name", Text, nullable=False),
    Column("store_id", String(64), nullable=False),
    Column("state", String(20), nullable=False),
    Column("state_message", Text, nullable=False),
    Column("revision", BigInteger, nullable=False),
    Column("params", Text, nullable=False),
    Column("result", Text),
    Column("labels", Text, nullable=False),
    Column("locks", Text, nullable=False),
    Column("priority", Integer, nullable=False),
    Column("ticket", BigInteger, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("attempts_used", Integer, nullable=False),
    Column("max_attempts", Integer, nullable=False),
    Column("retry_of_job_id", String(36), nullable=False),
    Column("retry_scope", String(16), nullable=False),
    Column("parent_job_id", String(36), nullable=False),
    Column("worker_id", Text, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("cancel_requested", Boolean, nullable=False),
    Column("paused", Boolean, nullable=False),
    Column("asked", String(8), nullable=False),
    Column("create_time", BigInteger, nullable=False),
    Column("start_time", BigInteger),
    Column("update_time", BigInteger, nullable=False),
    Column("end_time", BigInteger),
    Column("not_before", BigInteger),
    Column("total", BigInteger),
    Column("processed", BigInteger, nullable=False),
    Column("successful", BigInteger, nullable=False),
    Column("failed", BigInteger, nullable=False),
    Column("skipped", BigInteger, nullable=False),
    Column("phase", Text, nullable=False),
    Column("message", Text, nullable=False),
    Column("metrics", Text, nullable=False),
    Column("pace_base_processed", BigInteger),
    Column("pace_base_steady", Float),
    Column("pace_last_processed", BigInteger),
    Column("pace_last_steady", Float),
    Column("pace_rate", Float),
    Column("failure", Text),
    Column("item_failure_count", BigInteger, nullable=False),
    Column("item_failures_stored", Integer, nullable=False),
    Column("lease_token", Text),
    Column("lease_fence", BigInteger),
    Column("lease_ttl", Float),
    Column("lease_deadline_steady", Float),
    Column("lease_claimed_steady", Float),
    Column("lease_report_sequence", BigInteger),
    Column("ended_lease_token", Text),
    Column("ended_call_hash", Text),
    Column("cancel_deadline_steady", Float),
    Column("checkpoint", LargeBinary),
    CheckConstraint(
        "state IN ('PENDING', 'RUNNING', 'CANCELLING', 'COMPLETED', 'PARTIALLY_COMPLETED', 'FAILED', 'CANCELLED')",
        name="state_known",
    ),
    CheckConstraint(
        "(end_time IS NOT NULL) = (state IN ('COMPLETED', 'PARTIALLY_COMPLETED', 'FAILED', 'CANCELLED'))",
        name="end_time_iff_final",
    ),
    CheckConstraint("(lease_token IS NOT NULL) = (state IN ('RUNNING', 'CANCELLING'))", name="lease_iff_held"),
    CheckConstraint("processed = successful + failed + skipped", name="counts_add_up"),
    CheckConstraint("successful >= 0 AND failed >= 0 AND skipped >= 0", name="counts_not_negative"),
    CheckConstraint("total IS NULL OR processed <= total", name="not_over_total"),
    Index("ix_jobs_create_time_job_id", "create_time", "job_id"),
    Index("ix_jobs_store_id_create_time_job_id", "store_id", "create_time", "job_id"),
    Index("ix_jobs_state_create_time_job_id", "state", "create_time", "job_id"),
    Index("ix_jobs_end_time", "end_time"),
    Index(
        "ix_jobs_claimable",
        text("priority DESC"),
        "ticket",
        sqlite_where=text("state = 'PENDING'"),
        postgresql_where=text("state = 'PENDING'"),
    ),
    Index(
        "ix_jobs_retry_of_job_id",
        "retry_of_job_id",
        sqlite_where=text("retry_of_job_id != ''"),
        postgresql_where=text("retry_of_job_id != ''"),
    ),
    postgresql_with={"fillfactor": 80},  # room beside a row for its next progress, so that no index is touched
)

job_events = Table(
    "job_events",
    metadata,
    Column("job_id", _key(36), ForeignKey(jobs.c.job_id, ondelete="CASCADE"), nullable=False),
    Column("revision", BigInteger, nullable=False),
    Column("ordinal", Integer, nullable=False),
    Column("kind", String(20), nullable=False),
    Column("from_state", String(20)),
    Column("to_state", String(20), nullable=False),
    Column("event_time", BigInteger, nullable=False),
    Column("actor", Text, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("reason", Text, nullable=False),
    Column("message", Text, nullable=False),
    Column("position", BigInteger, nullable=False),
    PrimaryKeyConstraint("job_id", "revision", "ordinal"),
    Index("ix_job_events_position", "position"),
    sqlite_with_rowid=False,
)

job_locks = Table(
    "job_locks",
    metadata,
    Column("lock_key", _key(200), nullable=False),
    Column("ticket", BigInteger, nullable=False),
    Column("job_id", _key(36), ForeignKey(jobs.c.job_id, ondelete="CASCADE"), nullable=False),
    Column("exclusive", Boolean, nullable=False),
    Column("free_at_steady", Float),
    Column("free_ttl", Float),
    PrimaryKeyConstraint("lock_key", "ticket"),
    Index("ix_job_locks_job_id", "job_id"),
    sqlite_with_rowid=False,
)
"""Who stands on which name, in order of ticket; `free_at_steady` is set when the job has ended but its worker may still write,
`free_ttl` with it: how long its lease was."""

item_failures = Table(
    "item_failures",
    metadata,
    Column("job_id", _key(36), ForeignKey(jobs.c.job_id, ondelete="CASCADE"), nullable=False),
    Column("item_key", _key(200), nullable=False),
    Column("stage", _key(200), nullable=False),
    Column("origin", String(16), nullable=False),
    Column("code", String(64), nullable=False),
    Column("message", Text, nullable=False),
    Column("retryable", Boolean, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("first_time", BigInteger, nullable=False),
    Column("last_time", BigInteger, nullable=False),
    PrimaryKeyConstraint("job_id", "item_key", "stage"),
    sqlite_with_rowid=False,
)

create_requests = Table(
    "create_requests",
    metadata,
    Column("request_id", Text, primary_key=True),
    Column("content_hash", Text, nullable=False),
    Column("job_id", _key(36), nullable=False),
    Column("lease_token", Text),
    Column("request_time", BigInteger, nullable=False),
)
"""Requests outlive the job rows that they made. The lease is that of a job that was created and claimed in one call."""

claim_requests = Table(
    "claim_requests",
    metadata,
    Column("request_id", Text, primary_key=True),
    Column("content_hash", Text, nullable=False),
    Column("claims", Text, nullable=False),
    Column("request_time", BigInteger, nullable=False),
)

job_types = Table(
    "job_types",
    metadata,
    Column("type", String(64), primary_key=True),
    Column("display_name", Text, nullable=False),
    Column("variants", Text, nullable=False),
    Column("retries_failed_items", Boolean, nullable=False),
)

paused_types = Table(
    "paused_types",
    metadata,
    Column("type", String(64), primary_key=True),
    Column("paused_by", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("pause_time", BigInteger, nullable=False),
)

workers = Table(
    "workers",
    metadata,
    Column("worker_id", _key(128), primary_key=True),
    Column("types", Text, nullable=False),
    Column("first_seen_time", BigInteger, nullable=False),
    Column("last_seen_time", BigInteger, nullable=False),
    Column("listening_time", BigInteger),
    Column("noted_by", String(64), nullable=False),
)
"""Who claims jobs. `listening_time` is the last sign of life of the worker's directive stream, NULL when it has none; `noted_by`
is the caller limited to some stores whose worker it is, empty for a worker of all."""

counters = Table(
    "counters",
    metadata,
    Column("name", String(16), primary_key=True),
    Column("value", BigInteger, nullable=False),
)
"""The last ticket, the last fence, the last position, and when leases were looked after last (steady milliseconds)."""
