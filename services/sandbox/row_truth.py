"""What each row of the four lists truly is: what a mirror of the vendor must hold after a whole pull.

Ids are keys, as text. Amounts, prices and pieces are decimals as text, exactly as the vendor has them; what Nhanh sends as
empty text is null, what Shopify sends stays as it is. A row that there was and is no more is `{"gone": true}`.
"""

from collections.abc import Callable, Iterable
from decimal import Decimal, InvalidOperation
from typing import TypeVar

from sandbox.by_id import ById
from sandbox.nhanh.business import Business, Row
from sandbox.nhanh.dated_rows import time_of
from sandbox.shopify.shop import Customer, Shop, Variant
from sandbox.world import StoreWorld

Kept = TypeVar("Kept")


LISTS = ("nhanh_products", "nhanh_customers", "shopify_variants", "shopify_customers")


def rows_document(store: StoreWorld) -> dict[str, dict[str, Row]]:
    """Tell of every row of a store, by list and id."""
    return {name: list_rows(store, name) for name in LISTS}


def list_rows(store: StoreWorld, name: str) -> dict[str, Row]:
    """Tell of every row of one of the LISTS, by id; Nhanh's products are those that can be sold, so without parents."""
    business, shop = store.business, store.shop
    match name:
        case "nhanh_products":
            return _document(business.products, business.sellable(), lambda row: _product(business, row))
        case "nhanh_customers":
            return _document(business.customers, business.customers, _customer)
        case "shopify_variants":
            return _document(shop.variants, shop.variants, lambda variant: _variant(shop, variant))
        case "shopify_customers":
            return _document(shop.customers, shop.customers, lambda customer: _buyer(shop, customer))
    raise ValueError(f"{name!r} is none of {LISTS}")


def _document(rows: ById[Kept], shown: Iterable[int], tell: Callable[[Kept], Row]) -> dict[str, Row]:
    living = {str(one): {"gone": False, **tell(rows[one])} for one in shown}
    return living | {str(one): {"gone": True} for one in sorted(rows.removed)}


def _product(business: Business, row: Row) -> Row:
    parent_id = int(row["parentId"])
    stock = None
    if row["id"] in business.stock:
        granted = business.granted_depots
        pieces = business.stock[row["id"]]
        shown = {one: Decimal(str(pieces[one])) for one in pieces if granted is None or one in granted}
        stock = {
            "available": str(Decimal(str(sum(pieces[one] for one in shown)))),
            "by_depot": {str(one): str(amount) for one, amount in shown.items()},
        }
    prices = row["prices"]
    old = _amount(prices["old"])
    return {
        "parent_id": parent_id if parent_id > 0 else None,
        "code": row["code"] or None,
        "barcode": row["barcode"] or None,
        "name": row["name"],
        "status": int(row["status"]),
        "category_id": row["categoryId"],
        "brand_id": row["brandId"],
        "price_retail": _amount(prices["retail"]),
        "price_old": None if old is None or not Decimal(old) else old,
        "price_wholesale": _amount(prices["wholesale"]),
        "price_import": _amount(prices["import"]),
        "stock": stock,
        "updated_at": time_of(row),
    }


def _customer(row: Row) -> Row:
    return {
        "type": int(row["type"]),
        "name": row["name"],
        "phone": row["mobile"] or None,
        "email": row["email"] or None,
        "address": row["address"] or None,
        "code": row["code"] or None,
        "gender": row["gender"],
        "birthday": row["birthday"] or None,
        "points": row["points"],
        "level_name": row["level"]["name"] if row["level"] else None,
        "group_name": row["group"]["name"] if row["group"] else None,
        "total_spent": _amount(row["totalAmount"]),
        "updated_at": time_of(row),
    }


def _variant(shop: Shop, variant: Variant) -> Row:
    product = shop.products[variant.product_id]
    return {
        "product_id": str(variant.product_id),
        "inventory_item_id": str(variant.inventory_item_id),
        "title": shop.display_name(variant),
        "sku": variant.sku,
        "barcode": variant.barcode,
        "price": str(variant.price),
        "compare_at_price": None if variant.compare_at_price is None else str(variant.compare_at_price),
        "product_status": product.status.lower(),
        "inventory_quantity": sum(variant.quantities.values()),
        "updated_at": variant.updated_at,
    }


def _buyer(shop: Shop, customer: Customer) -> Row:
    return {
        "first_name": customer.first_name,
        "last_name": customer.last_name,
        "email": customer.email or None,
        "phone": customer.phone or None,
        "address_phone": customer.address_phone or None,
        "note": customer.note,
        "amount_spent": str(customer.amount_spent),
        "currency": shop.currency,
        "orders": customer.orders,
        "updated_at": customer.updated_at,
    }


def _amount(given: object) -> str | None:
    """Write an amount as a decimal; what is no number stays as it is, since no mirror can hold it."""
    if given is None or given == "":
        return None
    try:
        return format(Decimal(str(given)), "f")
    except InvalidOperation:
        return str(given)
