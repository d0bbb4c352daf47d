"""The catalog's tables.

Every row belongs to a store. Vendor ids are numbers (the number inside a Shopify gid). Amounts and stock are
ten-thousandths; times whose name ends in `_time` are Unix microseconds, a vendor's `updated_at` is Unix seconds.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Float,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    UniqueConstraint,
)
from sqlalchemy.types import TypeEngine

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def text_type(length: int | None = None) -> TypeEngine[str]:
    """Make a type of text that both kinds of database compare and order alike: byte by byte, as SQLite always does."""
    return String(length).with_variant(String(length, collation="C"), "postgresql")


def _mirror_columns() -> tuple[Column[object], ...]:
    """Columns of every mirrored row: a hash of the kept fields tells what changed; the gone are marked, not deleted.

    Times are those at which the vendor was asked. `change_pull` tells which pull wrote the row last, by when that began.
    """
    return (
        Column("row_hash", BigInteger, nullable=False),
        Column("first_time", BigInteger, nullable=False),
        Column("change_pull", BigInteger, nullable=False),
        Column("change_time", BigInteger, nullable=False),
        Column("gone_time", BigInteger),
    )


nhanh_products = Table(
    "nhanh_products",
    metadata,
    Column("store_id", text_type(64), nullable=False),
    Column("nhanh_id", BigInteger, nullable=False),
    Column("parent_id", BigInteger),
    Column("code", text_type()),
    Column("barcode", text_type()),
    Column("sku_key", text_type()),
    Column("barcode_key", text_type()),
    Column("name", text_type(), nullable=False),
    Column("status", BigInteger, nullable=False),
    Column("category_id", BigInteger),
    Column("brand_id", BigInteger),
    Column("price_retail", BigInteger),
    Column("price_old", BigInteger),
    Column("price_wholesale", BigInteger),
    Column("price_import", BigInteger),
    Column("stock_available", BigInteger),
    Column("stock_by_depot", text_type()),
    Column("updated_at", BigInteger),
    *_mirror_columns(),
    PrimaryKeyConstraint("store_id", "nhanh_id"),
    Index(None, "store_id", "sku_key"),
    Index(None, "store_id", "barcode_key"),
)

shopify_variants = Table(
    "shopify_variants",
    metadata,
    Column("store_id", text_type(64), nullable=False),
    Column("variant_id", BigInteger, nullable=False),
    Column("product_id", BigInteger, nullable=False),
    Column("inventory_item_id", BigInteger, nullable=False),
    Column("title", text_type(), nullable=False),
    Column("sku", text_type()),
    Column("barcode", text_type()),
    Column("sku_key", text_type()),
    Column("barcode_key", text_type()),
    Column("price", BigInteger, nullable=False),
    Column("compare_at_price", BigInteger),
    Column("product_status", text_type(), nullable=False),
    Column("inventory_quantity", BigInteger),
    Column("updated_at", BigInteger, nullable=False),
    *_mirror_columns(),
    PrimaryKeyConstraint("store_id", "variant_id"),
    Index(None, "store_id", "sku_key"),
    Index(None, "store_id", "barcode_key"),
)

nhanh_customers = Table(
    "nhanh_customers",
    metadata,
    Column("store_id", text_type(64), nullable=False),
    Column("nhanh_id", BigInteger, nullable=False),
    Column("type", BigInteger),
    Column("name", text_type(), nullable=False),
    Column("phone", text_type()),
    Column("email", text_type()),
    Column("email_key", text_type()),
    Column("address", text_type()),
    Column("code", text_type()),
    Column("note", text_type()),
    Column("gender", BigInteger),
    Column("birthday", text_type()),
    Column("points", BigInteger),
    Column("level_name", text_type()),
    Column("group_name", text_type()),
    Column("total_spent", BigInteger),
    Column("tier", text_type(16)),
    Column("updated_at", BigInteger),
    *_mirror_columns(),
    PrimaryKeyConstraint("store_id", "nhanh_id"),
    Index(None, "store_id", "email_key"),
)

shopify_customers = Table(
    "shopify_customers",
    metadata,
    Column("store_id", text_type(64), nullable=False),
    Column("customer_id", BigInteger, nullable=False),
    Column("first_name", text_type()),
    Column("last_name", text_type()),
    Column("email", text_type()),
    Column("email_key", text_type()),
    Column("phone", text_type()),
    Column("address_phone", text_type()),
    Column("note", text_type()),
    Column("amount_spent", BigInteger, nullable=False),
    Column("currency", text_type(), nullable=False),
    Column("orders", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    *_mirror_columns(),
    PrimaryKeyConstraint("store_id", "customer_id"),
    Index(None, "store_id", "email_key"),
)

phone_keys = Table(
    "phone_keys",
    metadata,
    Column("store_id", text_type(64), nullable=False),
    Column("side", text_type(8), nullable=False),
    Column("phone_key", BigInteger, nullable=False),
    Column("owner_id", BigInteger, nullable=False),
    Column("rule", text_type(16), nullable=False),
    Column("confidence", Float, nullable=False),
    PrimaryKeyConstraint("store_id", "side", "phone_key", "owner_id"),
    Index(None, "store_id", "side", "owner_id"),
)
"""Canonical phones of customers, E.164 digits as a number; the strongest source of a (phone, owner) pair is kept."""

mappings = Table(
    "mappings",
    metadata,
    Column("mapping_id", text_type(36), primary_key=True),
    Column("store_id", text_type(64), nullable=False),
    Column("entity", text_type(16), nullable=False),
    Column("nhanh_id", BigInteger, nullable=False),
    Column("shopify_id", BigInteger, nullable=False),
    Column("shopify_product_id", BigInteger),
    Column("shopify_inventory_item_id", BigInteger),
    Column("status", text_type(20), nullable=False),
    Column("rule", text_type(16), nullable=False),
    Column("evidence", text_type(), nullable=False),
    Column("confidence", Float, nullable=False),
    Column("made_by_job_id", text_type(36), nullable=False),
    Column("create_time", BigInteger, nullable=False),
    Column("push_time", BigInteger),
    Column("failure_code", text_type()),
    Column("failure_message", text_type()),
    Column("failure_retryable", Boolean),
    Column("failure_attempts", Integer, nullable=False, default=0, server_default="0"),
    Column("failure_time", BigInteger),
    Column("failed_lanes", text_type()),
    UniqueConstraint("store_id", "entity", "nhanh_id"),
    UniqueConstraint("store_id", "entity", "shopify_id"),
    Index(None, "store_id", "entity", "status"),
    CheckConstraint("(status = 'FAILED') = (failure_code IS NOT NULL)", name="failure_iff_failed"),
    CheckConstraint("(status = 'FAILED') = (failed_lanes IS NOT NULL)", name="lanes_iff_failed"),
)
"""
Links. `failed_lanes` is JSON: what is left failed of each kind of write, with code, message and whether time may heal it; the
failure columns show the first of them.
"""

unmatched = Table(
    "unmatched",
    metadata,
    Column("store_id", text_type(64), nullable=False),
    Column("entity", text_type(16), nullable=False),
    Column("side", text_type(8), nullable=False),
    Column("vendor_id", BigInteger, nullable=False),
    Column("reason", text_type(24), nullable=False),
    Column("candidate_ids", text_type(), nullable=False),
    Column("keys", text_type(), nullable=False),
    PrimaryKeyConstraint("store_id", "entity", "side", "vendor_id"),
)
"""What the last match left alone; each match of an entity replaces the rows of its store."""

pull_runs = Table(
    "pull_runs",
    metadata,
    Column("store_id", text_type(64), nullable=False),
    Column("operation", text_type(32), nullable=False),
    Column("filter_hash", text_type(32), nullable=False),
    Column("pull_id", text_type(36), nullable=False),
    Column("mode", text_type(16), nullable=False),
    Column("since", BigInteger),
    Column("cursor", text_type()),
    Column("read_to_end", Boolean, nullable=False),
    Column("processed", BigInteger, nullable=False),
    Column("created", BigInteger, nullable=False),
    Column("updated", BigInteger, nullable=False),
    Column("unchanged", BigInteger, nullable=False),
    Column("pages", BigInteger, nullable=False),
    Column("gone", BigInteger, nullable=False),
    Column("start_time", BigInteger, nullable=False),
    Column("touch_time", BigInteger, nullable=False),
    Column("finished_by", text_type(36)),
    Column("finish_time", BigInteger),
    Column("covered_until", BigInteger),
    Column("covers_all", Boolean, nullable=False),
    Column("left_behind", text_type()),
    Column("replaced", BigInteger),
    Column("outdated_hours", BigInteger),
    Column("levels", BigInteger),
    Column("unreadable_levels", BigInteger),
    Column("levels_pull", text_type(36)),
    Column("levels_time", BigInteger),
    PrimaryKeyConstraint("store_id", "operation", "filter_hash"),
)
"""
The place that a pull has reached, written with each page's rows. Of the `processed` rows, those that are neither created
nor updated nor unchanged could not be read.

`left_behind` is the cursor of an unfinished pull whose place this one has taken, `replaced` and `outdated_hours` are as
`PullPlace` says. They stand there until the first step is stored: by then what was left is cleared up.

`covered_until` (Unix seconds) survives from one pull to the next: what the last finished pull of this filter has seen,
from which an INCREMENTAL one goes on. With `covers_all` there is no filter: every living row of the mirror was as it is at
that time, but for those that could not be read.

`levels` and `unreadable_levels` count what `pull_levels` has of this pull, NULL for one that reads no stock levels. `levels_pull`
and `levels_time` survive from one pull to the next: the last finished one that has read them, and as of when they count.
"""

pull_seen = Table(
    "pull_seen",
    metadata,
    Column("pull_id", text_type(36), nullable=False),
    Column("vendor_id", BigInteger, nullable=False),
    PrimaryKeyConstraint("pull_id", "vendor_id"),
    sqlite_with_rowid=False,
)
"""
The rows that an unfinished pull has seen and not written, since they have not changed or cannot be read; cleared
away when it has ended.
"""

pull_levels = Table(
    "pull_levels",
    metadata,
    Column("pull_id", text_type(36), nullable=False),
    Column("inventory_item_id", BigInteger, nullable=False),
    Column("location_id", BigInteger, nullable=False),
    Column("variant_id", BigInteger, nullable=False),
    Column("available", BigInteger),
    PrimaryKeyConstraint("pull_id", "inventory_item_id", "location_id", "variant_id"),
    sqlite_with_rowid=False,
)
"""
What each location has of an item, in whole pieces (NULL where that cannot be read), as a pull was told of it under each variant
that has the item (0: under the item itself). Those of a store's last finished pull that has read any are what is known; those of
an unfinished one gather beside them, and all others are cleared away.
"""

unreadable_rows = Table(
    "unreadable_rows",
    metadata,
    Column("store_id", text_type(64), nullable=False),
    Column("operation", text_type(32), nullable=False),
    Column("vendor_id", BigInteger, nullable=False),
    Column("message", text_type(), nullable=False),
    Column("pull_id", text_type(36), nullable=False),
    PrimaryKeyConstraint("store_id", "operation", "vendor_id"),
)
"""Rows that a vendor tells of and that could not be read, when a pull came upon them last."""

job_runs = Table(
    "job_runs",
    metadata,
    Column("job_id", text_type(36), primary_key=True),
    Column("cursor", text_type()),
    Column("state", text_type(), nullable=False),
    Column("result", text_type()),
    Column("touch_time", BigInteger, nullable=False),
    Column("finish_time", BigInteger),
)
"""The place that a match or a push has reached, as JSON; with `finish_time` only CompleteJob is left to do."""

push_items = Table(
    "push_items",
    metadata,
    Column("job_id", text_type(36), nullable=False),
    Column("mapping_id", text_type(36), nullable=False),
    Column("outcome", text_type(8), nullable=False),
    PrimaryKeyConstraint("job_id", "mapping_id"),
    sqlite_with_rowid=False,
)
"""Which mappings a push job is done with (ok, failed, skipped), so that a later attempt counts right."""

fences = Table(
    "fences",
    metadata,
    Column("lock_key", text_type(200), primary_key=True),
    Column("fence", BigInteger, nullable=False),
)

confirmed_values = Table(
    "confirmed_values",
    metadata,
    Column("store_id", text_type(64), nullable=False),
    Column("kind", text_type(16), nullable=False),
    Column("owner_id", BigInteger, nullable=False),
    Column("location_id", BigInteger, nullable=False),
    Column("value", BigInteger),
    Column("confirm_time", BigInteger, nullable=False),
    PrimaryKeyConstraint("store_id", "kind", "owner_id", "location_id"),
)
"""
What Shopify last confirmed to a push, written or read back: `quantity` per inventory item and location, `total_spent` per
customer, `price` and `compare_at` per variant (location 0 where there is none; a NULL value means confirmed as not set). What
pulls have read of prices stands in `shopify_variants`, what they have read of quantities in `pull_levels`.
"""

push_intents = Table(
    "push_intents",
    metadata,
    Column("intent_id", text_type(36), primary_key=True),
    Column("store_id", text_type(64), nullable=False),
    Column("entity", text_type(16), nullable=False),
    Column("kind", text_type(16), nullable=False),
    Column("idempotency_key", text_type(64), nullable=False),
    Column("payload", text_type(), nullable=False),
    Column("job_id", text_type(36), nullable=False),
    Column("create_time", BigInteger, nullable=False),
    Column("settle_time", BigInteger),
    Column("outcome", text_type(16)),
    Index(None, "store_id", "entity", "settle_time"),
)
"""Writes to a vendor, stored before the call, settled after it; open ones are settled before anything is planned."""

sync_log = Table(
    "sync_log",
    metadata,
    Column("log_id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("store_id", text_type(64), nullable=False),
    Column("entity", text_type(16), nullable=False),
    Column("mapping_id", text_type(36), nullable=False),
    Column("aspect", text_type(16), nullable=False),
    Column("location_id", BigInteger),
    Column("old_value", BigInteger),
    Column("new_value", BigInteger),
    Column("outcome", text_type(8), nullable=False),
    Column("detail", text_type()),
    Column("job_id", text_type(36), nullable=False),
    Column("log_time", BigInteger, nullable=False),
    Index(None, "store_id", "entity", "mapping_id"),
)
"""Every pushed value with the one before it; only added to."""
