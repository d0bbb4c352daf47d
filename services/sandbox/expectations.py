"""What each push must lead to, computed from the state of Nhanh and the generator's identities.

It is computed when it is asked for, since a test may have changed what Nhanh has.
"""

import math
from collections.abc import Iterator
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any

from sandbox.generator.truth import EntityTruth
from sandbox.shopify.gids import gid
from sandbox.world import DEPOT_TO_LOCATION, StoreWorld


def truth_document(store: StoreWorld) -> dict[str, Any]:
    """Tell what is true of a store; see the README for the document's form."""
    business, shop = store.business, store.shop
    products = _entity(store.products, "ProductVariant")
    products["must_link"] = [
        [str(nhanh_id), gid("ProductVariant", variant_id), gid("InventoryItem", _item(store, variant_id))]
        for nhanh_id, variant_id in store.products.must_link
    ]
    return {
        "store": store.store_id,
        "products": products | {"counts": {"nhanh": len(business.sellable()), "shopify": len(shop.variants)}},
        "customers": _entity(store.customers, "Customer")
        | {"counts": {"nhanh": len(business.customers), "shopify": len(shop.customers)}},
        "stock": list(_stock(store)),
        "stock_not_found": [
            str(nhanh_id) for nhanh_id, _ in store.products.must_link if nhanh_id not in business.products
        ],
        "spend": list(_spend(store)),
        "spend_unknown": [
            str(nhanh_id) for nhanh_id, row in business.customers.items() if whole_spend(row["totalAmount"]) is None
        ],
    }


def _entity(truth: EntityTruth, kind: str) -> dict[str, Any]:
    def pairs(found: list[tuple[int, int]]) -> list[list[str]]:
        return [[str(nhanh_id), gid(kind, shopify_id)] for nhanh_id, shopify_id in found]

    return {
        "must_link": pairs(truth.must_link),
        "link_or_review": pairs(truth.link_or_review),
        "must_not_link_nhanh": [str(nhanh_id) for nhanh_id in truth.must_not_link_nhanh],
        "must_not_link_shopify": [gid(kind, shopify_id) for shopify_id in truth.must_not_link_shopify],
    }


def _item(store: StoreWorld, variant_id: int) -> int:
    variant = store.shop.variants.get(variant_id)
    return 0 if variant is None else variant.inventory_item_id


def _stock(store: StoreWorld) -> Iterator[list[object]]:
    """Sum what can be sold over the depots that feed each location; whole pieces, never below zero."""
    granted = store.business.granted_depots
    for nhanh_id, variant_id in store.products.must_link:
        if nhanh_id not in store.business.products or variant_id not in store.shop.variants:
            continue
        by_depot = store.business.stock.get(nhanh_id, {})
        sums: dict[int, Decimal] = {}
        for depot_id, location_id in DEPOT_TO_LOCATION.items():
            shown = granted is None or depot_id in granted
            amount = Decimal(str(by_depot.get(depot_id, 0))) if shown else Decimal(0)
            sums[location_id] = sums.get(location_id, Decimal(0)) + amount
        for location_id, amount in sums.items():
            item = gid("InventoryItem", _item(store, variant_id))
            yield [str(nhanh_id), item, gid("Location", location_id), max(math.floor(amount), 0)]


def _spend(store: StoreWorld) -> Iterator[list[object]]:
    for nhanh_id, customer_id in store.customers.must_link + store.customers.link_or_review:
        row = store.business.customers.get(nhanh_id)
        whole = None if row is None else whole_spend(row["totalAmount"])
        if whole is not None and customer_id in store.shop.customers:
            yield [str(nhanh_id), gid("Customer", customer_id), whole]


def whole_spend(given: object) -> int | None:
    """Round a spend half up to whole VND; None for what is unknown or no number, which must never be pushed."""
    try:
        return int(Decimal(str(given)).to_integral_value(rounding=ROUND_HALF_UP))
    except (InvalidOperation, ValueError, OverflowError):
        return None
