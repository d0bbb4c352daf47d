"""Mirrors of both vendors, mappings, the places of pulls and jobs, fences, confirmed values, intents and the log."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def _text(length: int | None = None) -> sa.types.TypeEngine[str]:
    return sa.String(length).with_variant(sa.String(length, collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "confirmed_values",
        sa.Column("store_id", _text(64), nullable=False),
        sa.Column("kind", _text(16), nullable=False),
        sa.Column("owner_id", sa.BigInteger(), nullable=False),
        sa.Column("location_id", sa.BigInteger(), nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=True),
        sa.Column("confirm_time", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("store_id", "kind", "owner_id", "location_id", name=op.f("pk_confirmed_values")),
    )
    op.create_table(
        "fences",
        sa.Column("lock_key", _text(200), nullable=False),
        sa.Column("fence", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("lock_key", name=op.f("pk_fences")),
    )
    op.create_table(
        "job_runs",
        sa.Column("job_id", _text(36), nullable=False),
        sa.Column("cursor", _text(), nullable=True),
        sa.Column("state", _text(), nullable=False),
        sa.Column("result", _text(), nullable=True),
        sa.Column("touch_time", sa.BigInteger(), nullable=False),
        sa.Column("finish_time", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("job_id", name=op.f("pk_job_runs")),
    )
    op.create_table(
        "mappings",
        sa.Column("mapping_id", _text(36), nullable=False),
        sa.Column("store_id", _text(64), nullable=False),
        sa.Column("entity", _text(16), nullable=False),
        sa.Column("nhanh_id", sa.BigInteger(), nullable=False),
        sa.Column("shopify_id", sa.BigInteger(), nullable=False),
        sa.Column("shopify_product_id", sa.BigInteger(), nullable=True),
        sa.Column("shopify_inventory_item_id", sa.BigInteger(), nullable=True),
        sa.Column("status", _text(20), nullable=False),
        sa.Column("rule", _text(16), nullable=False),
        sa.Column("evidence", _text(), nullable=False),
        sa.Column("confidence", sa.Float(), nullable=False),
        sa.Column("made_by_job_id", _text(36), nullable=False),
        sa.Column("create_time", sa.BigInteger(), nullable=False),
        sa.Column("push_time", sa.BigInteger(), nullable=True),
        sa.Column("failure_code", _text(), nullable=True),
        sa.Column("failure_message", _text(), nullable=True),
        sa.Column("failure_retryable", sa.Boolean(), nullable=True),
        sa.Column("failure_attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("failure_time", sa.BigInteger(), nullable=True),
        sa.Column("failed_lanes", _text(), nullable=True),
        sa.CheckConstraint(
            "(status = 'FAILED') = (failed_lanes IS NOT NULL)", name=op.f("ck_mappings_lanes_iff_failed")
        ),
        sa.CheckConstraint(
            "(status = 'FAILED') = (failure_code IS NOT NULL)", name=op.f("ck_mappings_failure_iff_failed")
        ),
        sa.PrimaryKeyConstraint("mapping_id", name=op.f("pk_mappings")),
        sa.UniqueConstraint("store_id", "entity", "nhanh_id", name=op.f("uq_mappings_store_id_entity_nhanh_id")),
        sa.UniqueConstraint("store_id", "entity", "shopify_id", name=op.f("uq_mappings_store_id_entity_shopify_id")),
    )
    op.create_index(
        op.f("ix_mappings_store_id_entity_status"), "mappings", ["store_id", "entity", "status"], unique=False
    )
    op.create_table(
        "nhanh_customers",
        sa.Column("store_id", _text(64), nullable=False),
        sa.Column("nhanh_id", sa.BigInteger(), nullable=False),
        sa.Column("type", sa.BigInteger(), nullable=True),
        sa.Column("name", _text(), nullable=False),
        sa.Column("phone", _text(), nullable=True),
        sa.Column("email", _text(), nullable=True),
        sa.Column("email_key", _text(), nullable=True),
        sa.Column("address", _text(), nullable=True),
        sa.Column("code", _text(), nullable=True),
        sa.Column("note", _text(), nullable=True),
        sa.Column("gender", sa.BigInteger(), nullable=True),
        sa.Column("birthday", _text(), nullable=True),
        sa.Column("points", sa.BigInteger(), nullable=True),
        sa.Column("level_name", _text(), nullable=True),
        sa.Column("group_name", _text(), nullable=True),
        sa.Column("total_spent", sa.BigInteger(), nullable=True),
        sa.Column("tier", _text(16), nullable=True),
        sa.Column("updated_at", sa.BigInteger(), nullable=True),
        sa.Column("row_hash", sa.BigInteger(), nullable=False),
        sa.Column("first_time", sa.BigInteger(), nullable=False),
        sa.Column("change_pull", sa.BigInteger(), nullable=False),
        sa.Column("change_time", sa.BigInteger(), nullable=False),
        sa.Column("gone_time", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("store_id", "nhanh_id", name=op.f("pk_nhanh_customers")),
    )
    op.create_index(
        op.f("ix_nhanh_customers_store_id_email_key"), "nhanh_customers", ["store_id", "email_key"], unique=False
    )
    op.create_table(
        "nhanh_products",
        sa.Column("store_id", _text(64), nullable=False),
        sa.Column("nhanh_id", sa.BigInteger(), nullable=False),
        sa.Column("parent_id", sa.BigInteger(), nullable=True),
        sa.Column("code", _text(), nullable=True),
        sa.Column("barcode", _text(), nullable=True),
        sa.Column("sku_key", _text(), nullable=True),
        sa.Column("barcode_key", _text(), nullable=True),
        sa.Column("name", _text(), nullable=False),
        sa.Column("status", sa.BigInteger(), nullable=False),
        sa.Column("category_id", sa.BigInteger(), nullable=True),
        sa.Column("brand_id", sa.BigInteger(), nullable=True),
        sa.Column("price_retail", sa.BigInteger(), nullable=True),
        sa.Column("price_old", sa.BigInteger(), nullable=True),
        sa.Column("price_wholesale", sa.BigInteger(), nullable=True),
        sa.Column("price_import", sa.BigInteger(), nullable=True),
        sa.Column("stock_available", sa.BigInteger(), nullable=True),
        sa.Column("stock_by_depot", _text(), nullable=True),
        sa.Column("updated_at", sa.BigInteger(), nullable=True),
        sa.Column("row_hash", sa.BigInteger(), nullable=False),
        sa.Column("first_time", sa.BigInteger(), nullable=False),
        sa.Column("change_pull", sa.BigInteger(), nullable=False),
        sa.Column("change_time", sa.BigInteger(), nullable=False),
        sa.Column("gone_time", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("store_id", "nhanh_id", name=op.f("pk_nhanh_products")),
    )
    op.create_index(
        op.f("ix_nhanh_products_store_id_barcode_key"), "nhanh_products", ["store_id", "barcode_key"], unique=False
    )
    op.create_index(op.f("ix_nhanh_products_store_id_sku_key"), "nhanh_products", ["store_id", "sku_key"], unique=False)
    op.create_table(
        "phone_keys",
        sa.Column("store_id", _text(64), nullable=False),
        sa.Column("side", _text(8), nullable=False),
        sa.Column("phone_key", sa.BigInteger(), nullable=False),
        sa.Column("owner_id", sa.BigInteger(), nullable=False),
        sa.Column("rule", _text(16), nullable=False),
        sa.Column("confidence", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("store_id", "side", "phone_key", "owner_id", name=op.f("pk_phone_keys")),
    )
    op.create_index(
        op.f("ix_phone_keys_store_id_side_owner_id"), "phone_keys", ["store_id", "side", "owner_id"], unique=False
    )
    op.create_table(
        "pull_runs",
        sa.Column("store_id", _text(64), nullable=False),
        sa.Column("operation", _text(32), nullable=False),
        sa.Column("filter_hash", _text(32), nullable=False),
        sa.Column("pull_id", _text(36), nullable=False),
        sa.Column("mode", _text(16), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=True),
        sa.Column("cursor", _text(), nullable=True),
        sa.Column("read_to_end", sa.Boolean(), nullable=False),
        sa.Column("processed", sa.BigInteger(), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("updated", sa.BigInteger(), nullable=False),
        sa.Column("unchanged", sa.BigInteger(), nullable=False),
        sa.Column("pages", sa.BigInteger(), nullable=False),
        sa.Column("gone", sa.BigInteger(), nullable=False),
        sa.Column("start_time", sa.BigInteger(), nullable=False),
        sa.Column("touch_time", sa.BigInteger(), nullable=False),
        sa.Column("finished_by", _text(36), nullable=True),
        sa.Column("finish_time", sa.BigInteger(), nullable=True),
        sa.Column("covered_until", sa.BigInteger(), nullable=True),
        sa.Column("covers_all", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("store_id", "operation", "filter_hash", name=op.f("pk_pull_runs")),
    )
    op.create_table(
        "pull_seen",
        sa.Column("pull_id", _text(36), nullable=False),
        sa.Column("vendor_id", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("pull_id", "vendor_id", name=op.f("pk_pull_seen")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "unreadable_rows",
        sa.Column("store_id", _text(64), nullable=False),
        sa.Column("operation", _text(32), nullable=False),
        sa.Column("vendor_id", sa.BigInteger(), nullable=False),
        sa.Column("message", _text(), nullable=False),
        sa.Column("pull_id", _text(36), nullable=False),
        sa.PrimaryKeyConstraint("store_id", "operation", "vendor_id", name=op.f("pk_unreadable_rows")),
    )
    op.create_table(
        "push_intents",
        sa.Column("intent_id", _text(36), nullable=False),
        sa.Column("store_id", _text(64), nullable=False),
        sa.Column("entity", _text(16), nullable=False),
        sa.Column("kind", _text(16), nullable=False),
        sa.Column("idempotency_key", _text(64), nullable=False),
        sa.Column("payload", _text(), nullable=False),
        sa.Column("job_id", _text(36), nullable=False),
        sa.Column("create_time", sa.BigInteger(), nullable=False),
        sa.Column("settle_time", sa.BigInteger(), nullable=True),
        sa.Column("outcome", _text(16), nullable=True),
        sa.PrimaryKeyConstraint("intent_id", name=op.f("pk_push_intents")),
    )
    op.create_index(
        op.f("ix_push_intents_store_id_entity_settle_time"),
        "push_intents",
        ["store_id", "entity", "settle_time"],
        unique=False,
    )
    op.create_table(
        "push_items",
        sa.Column("job_id", _text(36), nullable=False),
        sa.Column("mapping_id", _text(36), nullable=False),
        sa.Column("outcome", _text(8), nullable=False),
        sa.PrimaryKeyConstraint("job_id", "mapping_id", name=op.f("pk_push_items")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "shopify_customers",
        sa.Column("store_id", _text(64), nullable=False),
        sa.Column("customer_id", sa.BigInteger(), nullable=False),
        sa.Column("first_name", _text(), nullable=True),
        sa.Column("last_name", _text(), nullable=True),
        sa.Column("email", _text(), nullable=True),
        sa.Column("email_key", _text(), nullable=True),
        sa.Column("phone", _text(), nullable=True),
        sa.Column("address_phone", _text(), nullable=True),
        sa.Column("note", _text(), nullable=True),
        sa.Column("amount_spent", sa.BigInteger(), nullable=False),
        sa.Column("currency", _text(), nullable=False),
        sa.Column("orders", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("row_hash", sa.BigInteger(), nullable=False),
        sa.Column("first_time", sa.BigInteger(), nullable=False),
        sa.Column("change_pull", sa.BigInteger(), nullable=False),
        sa.Column("change_time", sa.BigInteger(), nullable=False),
        sa.Column("gone_time", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("store_id", "customer_id", name=op.f("pk_shopify_customers")),
    )
    op.create_index(
        op.f("ix_shopify_customers_store_id_email_key"), "shopify_customers", ["store_id", "email_key"], unique=False
    )
    op.create_table(
        "shopify_variants",
        sa.Column("store_id", _text(64), nullable=False),
        sa.Column("variant_id", sa.BigInteger(), nullable=False),
        sa.Column("product_id", sa.BigInteger(), nullable=False),
        sa.Column("inventory_item_id", sa.BigInteger(), nullable=False),
        sa.Column("title", _text(), nullable=False),
        sa.Column("sku", _text(), nullable=True),
        sa.Column("barcode", _text(), nullable=True),
        sa.Column("sku_key", _text(), nullable=True),
        sa.Column("barcode_key", _text(), nullable=True),
        sa.Column("price", sa.BigInteger(), nullable=False),
        sa.Column("compare_at_price", sa.BigInteger(), nullable=True),
        sa.Column("product_status", _text(), nullable=False),
        sa.Column("inventory_quantity", sa.BigInteger(), nullable=True),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("row_hash", sa.BigInteger(), nullable=False),
        sa.Column("first_time", sa.BigInteger(), nullable=False),
        sa.Column("change_pull", sa.BigInteger(), nullable=False),
        sa.Column("change_time", sa.BigInteger(), nullable=False),
        sa.Column("gone_time", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("store_id", "variant_id", name=op.f("pk_shopify_variants")),
    )
    op.create_index(
        op.f("ix_shopify_variants_store_id_barcode_key"), "shopify_variants", ["store_id", "barcode_key"], unique=False
    )
    op.create_index(
        op.f("ix_shopify_variants_store_id_sku_key"), "shopify_variants", ["store_id", "sku_key"], unique=False
    )
    op.create_table(
        "sync_log",
        sa.Column("log_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("store_id", _text(64), nullable=False),
        sa.Column("entity", _text(16), nullable=False),
        sa.Column("mapping_id", _text(36), nullable=False),
        sa.Column("aspect", _text(16), nullable=False),
        sa.Column("location_id", sa.BigInteger(), nullable=True),
        sa.Column("old_value", sa.BigInteger(), nullable=True),
        sa.Column("new_value", sa.BigInteger(), nullable=True),
        sa.Column("outcome", _text(8), nullable=False),
        sa.Column("detail", _text(), nullable=True),
        sa.Column("job_id", _text(36), nullable=False),
        sa.Column("log_time", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("log_id", name=op.f("pk_sync_log")),
    )
    op.create_index(
        op.f("ix_sync_log_store_id_entity_mapping_id"), "sync_log", ["store_id", "entity", "mapping_id"], unique=False
    )
    op.create_table(
        "unmatched",
        sa.Column("store_id", _text(64), nullable=False),
        sa.Column("entity", _text(16), nullable=False),
        sa.Column("side", _text(8), nullable=False),
        sa.Column("vendor_id", sa.BigInteger(), nullable=False),
        sa.Column("reason", _text(24), nullable=False),
        sa.Column("candidate_ids", _text(), nullable=False),
        sa.Column("keys", _text(), nullable=False),
        sa.PrimaryKeyConstraint("store_id", "entity", "side", "vendor_id", name=op.f("pk_unmatched")),
    )
