"""Vendor objects for tests, with what a test cares about and plain values for the rest."""

from typing import Any

from sync_worker.domain.customers import NhanhCustomer, ShopifyCustomer
from sync_worker.domain.products import NhanhProduct, NhanhStock, ShopifyVariant


def a_nhanh_product(nhanh_id: int, **given: Any) -> NhanhProduct:
    """A sellable item."""
    values: dict[str, Any] = {
        "parent_id": None,
        "code": f"SKU-{nhanh_id}",
        "barcode": None,
        "name": f"Item {nhanh_id}",
        "status": 2,
        "category_id": None,
        "brand_id": None,
        "price_retail": 1_990_000_000,
        "price_old": None,
        "price_wholesale": None,
        "price_import": None,
        "stock": NhanhStock(20_000, {7: 20_000}),
        "updated_at": 1_760_000_000,
    }
    return NhanhProduct(nhanh_id=nhanh_id, **(values | given))


def a_variant(variant_id: int, **given: Any) -> ShopifyVariant:
    """A Shopify variant."""
    values: dict[str, Any] = {
        "product_id": variant_id * 10,
        "inventory_item_id": variant_id * 100,
        "title": f"Item {variant_id}",
        "sku": f"SKU-{variant_id}",
        "barcode": None,
        "price": 1_990_000_000,
        "compare_at_price": None,
        "product_status": "active",
        "inventory_quantity": 3,
        "updated_at": 1_760_000_000,
    }
    return ShopifyVariant(variant_id=variant_id, **(values | given))


def a_nhanh_customer(nhanh_id: int, **given: Any) -> NhanhCustomer:
    """A Nhanh customer."""
    values: dict[str, Any] = dict.fromkeys(
        ("phone", "email", "address", "code", "note", "gender", "birthday", "points", "level_name", "group_name")
    )
    values |= {"type": 1, "name": f"Customer {nhanh_id}", "total_spent": 0, "updated_at": 1_760_000_000}
    return NhanhCustomer(nhanh_id=nhanh_id, **(values | given))


def a_shopify_customer(customer_id: int, **given: Any) -> ShopifyCustomer:
    """A Shopify customer."""
    values: dict[str, Any] = dict.fromkeys(("email", "phone", "address_phone", "note", "last_name"))
    values |= {
        "first_name": f"Customer {customer_id}",
        "amount_spent": 0,
        "currency": "VND",
        "orders": 0,
        "updated_at": 1_760_000_000,
    }
    return ShopifyCustomer(customer_id=customer_id, **(values | given))
