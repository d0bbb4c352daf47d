"""Mirrors of both vendors, mappings, the places of pulls and jobs, fences, confirmed values, intents and the log."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "confirmed_values",
        sa.Column("store_id", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("owner_id", sa.BigInteger(), nullable=False),
        sa.Column("location_id", sa.BigInteger(), nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=True),
        sa.Column("confirm_time", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("store_id", "kind", "owner_id", "location_id", name=op.f("pk_confirmed_values")),
    )
    op.create_table(
        "fences",
        sa.Column("lock_key", sa.String(length=200), nullable=False),
        sa.Column("fence", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("lock_key", name=op.f("pk_fences")),
    )
    op.create_table(
        "job_runs",
        sa.Column("job_id", sa.String(length=36), nullable=False),
        sa.Column("cursor", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("result", sa.Text(), nullable=True),
        sa.Column("touch_time", sa.BigInteger(), nullable=False),
        sa.Column("finish_time", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("job_id", name=op.f("pk_job_runs")),
    )
    op.create_table(
        "mappings",
        sa.Column("mapping_id", sa.String(length=36), nullable=False),
        sa.Column("store_id", sa.String(length=64), nullable=False),
        sa.Column("entity", sa.String(length=16), nullable=False),
        sa.Column("nhanh_id", sa.BigInteger(), nullable=False),
        sa.Column("shopify_id", sa.BigInteger(), nullable=False),
        sa.Column("shopify_product_id", sa.BigInteger(), nullable=True),
        sa.Column("shopify_inventory_item_id", sa.BigInteger(), nullable=True),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("rule", sa.String(length=16), nullable=False),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.Column("confidence", sa.Float(), nullable=False),
        sa.Column("made_by_job_id", sa.String(length=36), nullable=False),
        sa.Column("create_time", sa.BigInteger(), nullable=False),
        sa.Column("push_time", sa.BigInteger(), nullable=True),
        sa.Column("failure_code", sa.Text(), nullable=True),
        sa.Column("failure_message", sa.Text(), nullable=True),
        sa.Column("failure_retryable", sa.Boolean(), nullable=True),
        sa.Column("failure_attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("failure_time", sa.BigInteger(), nullable=True),
        sa.Column("failed_lanes", sa.Text(), nullable=True),
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
        sa.Column("store_id", sa.String(length=64), nullable=False),
        sa.Column("nhanh_id", sa.BigInteger(), nullable=False),
        sa.Column("type", sa.Integer(), nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("phone", sa.Text(), nullable=True),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("email_key", sa.Text(), nullable=True),
        sa.Column("address", sa.Text(), nullable=True),
        sa.Column("code", sa.Text(), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("gender", sa.Integer(), nullable=True),
        sa.Column("birthday", sa.Text(), nullable=True),
        sa.Column("points", sa.BigInteger(), nullable=True),
        sa.Column("level_name", sa.Text(), nullable=True),
        sa.Column("group_name", sa.Text(), nullable=True),
        sa.Column("total_spent", sa.BigInteger(), nullable=True),
        sa.Column("tier", sa.String(length=16), nullable=True),
        sa.Column("updated_at", sa.BigInteger(), nullable=True),
        sa.Column("row_hash", sa.BigInteger(), nullable=False),
        sa.Column("first_time", sa.BigInteger(), nullable=False),
        sa.Column("change_time", sa.BigInteger(), nullable=False),
        sa.Column("gone_time", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("store_id", "nhanh_id", name=op.f("pk_nhanh_customers")),
    )
    op.create_index(
        op.f("ix_nhanh_customers_store_id_email_key"), "nhanh_customers", ["store_id", "email_key"], unique=False
    )
    op.create_table(
        "nhanh_products",
        sa.Column("store_id", sa.String(length=64), nullable=False),
        sa.Column("nhanh_id", sa.BigInteger(), nullable=False),
        sa.Column("parent_id", sa.BigInteger(), nullable=True),
        sa.Column("code", sa.Text(), nullable=True),
        sa.Column("barcode", sa.Text(), nullable=True),
        sa.Column("sku_key", sa.Text(), nullable=True),
        sa.Column("barcode_key", sa.Text(), nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("category_id", sa.BigInteger(), nullable=True),
        sa.Column("brand_id", sa.BigInteger(), nullable=True),
        sa.Column("price_retail", sa.BigInteger(), nullable=True),
        sa.Column("price_old", sa.BigInteger(), nullable=True),
        sa.Column("price_wholesale", sa.BigInteger(), nullable=True),
        sa.Column("price_import", sa.BigInteger(), nullable=True),
        sa.Column("stock_available", sa.BigInteger(), nullable=True),
        sa.Column("stock_by_depot", sa.Text(), nullable=True),
        sa.Column("updated_at", sa.BigInteger(), nullable=True),
        sa.Column("row_hash", sa.BigInteger(), nullable=False),
        sa.Column("first_time", sa.BigInteger(), nullable=False),
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
        sa.Column("store_id", sa.String(length=64), nullable=False),
        sa.Column("side", sa.String(length=8), nullable=False),
        sa.Column("phone_key", sa.BigInteger(), nullable=False),
        sa.Column("owner_id", sa.BigInteger(), nullable=False),
        sa.Column("rule", sa.String(length=16), nullable=False),
        sa.Column("confidence", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("store_id", "side", "phone_key", "owner_id", name=op.f("pk_phone_keys")),
    )
    op.create_index(
        op.f("ix_phone_keys_store_id_side_owner_id"), "phone_keys", ["store_id", "side", "owner_id"], unique=False
    )
    op.create_table(
        "pull_runs",
        sa.Column("store_id", sa.String(length=64), nullable=False),
        sa.Column("operation", sa.String(length=32), nullable=False),
        sa.Column("filter_hash", sa.String(length=32), nullable=False),
        sa.Column("pull_id", sa.String(length=36), nullable=False),
        sa.Column("mode", sa.String(length=16), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=True),
        sa.Column("cursor", sa.Text(), nullable=True),
        sa.Column("processed", sa.BigInteger(), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("updated", sa.BigInteger(), nullable=False),
        sa.Column("unchanged", sa.BigInteger(), nullable=False),
        sa.Column("pages", sa.BigInteger(), nullable=False),
        sa.Column("gone", sa.BigInteger(), nullable=False),
        sa.Column("start_time", sa.BigInteger(), nullable=False),
        sa.Column("touch_time", sa.BigInteger(), nullable=False),
        sa.Column("finished_by", sa.String(length=36), nullable=True),
        sa.Column("finish_time", sa.BigInteger(), nullable=True),
        sa.Column("covered_until", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("store_id", "operation", "filter_hash", name=op.f("pk_pull_runs")),
    )
    op.create_table(
        "pull_seen",
        sa.Column("pull_id", sa.String(length=36), nullable=False),
        sa.Column("vendor_id", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("pull_id", "vendor_id", name=op.f("pk_pull_seen")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "push_intents",
        sa.Column("intent_id", sa.String(length=36), nullable=False),
        sa.Column("store_id", sa.String(length=64), nullable=False),
        sa.Column("entity", sa.String(length=16), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("idempotency_key", sa.String(length=64), nullable=False),
        sa.Column("payload", sa.Text(), nullable=False),
        sa.Column("job_id", sa.String(length=36), nullable=False),
        sa.Column("create_time", sa.BigInteger(), nullable=False),
        sa.Column("settle_time", sa.BigInteger(), nullable=True),
        sa.Column("outcome", sa.String(length=16), nullable=True),
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
        sa.Column("job_id", sa.String(length=36), nullable=False),
        sa.Column("mapping_id", sa.String(length=36), nullable=False),
        sa.Column("outcome", sa.String(length=8), nullable=False),
        sa.PrimaryKeyConstraint("job_id", "mapping_id", name=op.f("pk_push_items")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "shopify_customers",
        sa.Column("store_id", sa.String(length=64), nullable=False),
        sa.Column("customer_id", sa.BigInteger(), nullable=False),
        sa.Column("first_name", sa.Text(), nullable=True),
        sa.Column("last_name", sa.Text(), nullable=True),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("email_key", sa.Text(), nullable=True),
        sa.Column("phone", sa.Text(), nullable=True),
        sa.Column("address_phone", sa.Text(), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("amount_spent", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("orders", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("row_hash", sa.BigInteger(), nullable=False),
        sa.Column("first_time", sa.BigInteger(), nullable=False),
        sa.Column("change_time", sa.BigInteger(), nullable=False),
        sa.Column("gone_time", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("store_id", "customer_id", name=op.f("pk_shopify_customers")),
    )
    op.create_index(
        op.f("ix_shopify_customers_store_id_email_key"), "shopify_customers", ["store_id", "email_key"], unique=False
    )
    op.create_table(
        "shopify_variants",
        sa.Column("store_id", sa.String(length=64), nullable=False),
        sa.Column("variant_id", sa.BigInteger(), nullable=False),
        sa.Column("product_id", sa.BigInteger(), nullable=False),
        sa.Column("inventory_item_id", sa.BigInteger(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("sku", sa.Text(), nullable=True),
        sa.Column("barcode", sa.Text(), nullable=True),
        sa.Column("sku_key", sa.Text(), nullable=True),
        sa.Column("barcode_key", sa.Text(), nullable=True),
        sa.Column("price", sa.BigInteger(), nullable=False),
        sa.Column("compare_at_price", sa.BigInteger(), nullable=True),
        sa.Column("product_status", sa.String(length=16), nullable=False),
        sa.Column("inventory_quantity", sa.BigInteger(), nullable=True),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("row_hash", sa.BigInteger(), nullable=False),
        sa.Column("first_time", sa.BigInteger(), nullable=False),
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
        sa.Column("store_id", sa.String(length=64), nullable=False),
        sa.Column("entity", sa.String(length=16), nullable=False),
        sa.Column("mapping_id", sa.String(length=36), nullable=False),
        sa.Column("aspect", sa.String(length=16), nullable=False),
        sa.Column("location_id", sa.BigInteger(), nullable=True),
        sa.Column("old_value", sa.BigInteger(), nullable=True),
        sa.Column("new_value", sa.BigInteger(), nullable=True),
        sa.Column("outcome", sa.String(length=8), nullable=False),
        sa.Column("detail", sa.Text(), nullable=True),
        sa.Column("job_id", sa.String(length=36), nullable=False),
        sa.Column("log_time", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("log_id", name=op.f("pk_sync_log")),
    )
    op.create_index(
        op.f("ix_sync_log_store_id_entity_mapping_id"), "sync_log", ["store_id", "entity", "mapping_id"], unique=False
    )
    op.create_table(
        "unmatched",
        sa.Column("store_id", sa.String(length=64), nullable=False),
        sa.Column("entity", sa.String(length=16), nullable=False),
        sa.Column("side", sa.String(length=8), nullable=False),
        sa.Column("vendor_id", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.String(length=24), nullable=False),
        sa.Column("candidate_ids", sa.Text(), nullable=False),
        sa.Column("keys", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("store_id", "entity", "side", "vendor_id", name=op.f("pk_unmatched")),
    )
