"""Rows as GraphQL shows them. What hangs below a row is looked up only where it is asked for."""

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from graphql import GraphQLResolveInfo

from sandbox.shopify.context import Call
from sandbox.shopify.gids import PREFIX, gid, number_of
from sandbox.shopify.shop import Customer, Location, Product, Shop, Variant

Row = dict[str, Any]

MOST_METAFIELDS = 1_000
"""A customer has fewer, so that each metafield has an id of its own."""


def money(amount: Decimal | None) -> str | None:
    """Write an amount as Shopify does: two decimals at least."""
    return None if amount is None else f"{amount:.2f}"


def moment(unix_seconds: int) -> str:
    """Write a time as Shopify does."""
    return datetime.fromtimestamp(unix_seconds, UTC).isoformat().removesuffix("+00:00") + "Z"


def product_row(product: Product) -> Row:
    """Show a product."""
    return {
        "__typename": "Product",
        "id": gid("Product", product.product_id),
        "title": product.title,
        "status": product.status,
        "hasOnlyDefaultVariant": len(product.variant_ids) == 1,
        "updatedAt": moment(product.updated_at),
        "_product": product,
    }


def variant_row(shop: Shop, variant: Variant) -> Row:
    """Show a variant."""
    product = shop.products[variant.product_id]
    return {
        "__typename": "ProductVariant",
        "id": gid("ProductVariant", variant.variant_id),
        "legacyResourceId": str(variant.variant_id),
        "title": variant.title,
        "displayName": shop.display_name(variant),
        "sku": variant.sku,
        "barcode": variant.barcode,
        "price": money(variant.price),
        "compareAtPrice": money(variant.compare_at_price),
        "inventoryQuantity": sum(variant.quantities.values()),
        "updatedAt": moment(variant.updated_at),
        "product": lambda _info: product_row(product),
        "inventoryItem": lambda _info: item_row(variant),
    }


def item_row(variant: Variant) -> Row:
    """Show a variant's inventory item."""

    def level(info: GraphQLResolveInfo, locationId: str) -> Row | None:  # noqa: N803 - the schema's name
        call: Call = info.context
        place = number_of(locationId, "Location")
        return None if place is None else level_row(call.shop, variant, place)

    return {
        "__typename": "InventoryItem",
        "id": gid("InventoryItem", variant.inventory_item_id),
        "sku": variant.sku,
        "tracked": True,
        "variant": lambda info: variant_row(info.context.shop, variant),
        "inventoryLevel": level,
        "_variant": variant,
    }


def level_row(shop: Shop, variant: Variant, location_id: int) -> Row | None:
    """Show what an item has at a location; None: it is not stocked there."""
    if location_id not in variant.quantities or location_id not in shop.locations:
        return None

    def quantities(_info: GraphQLResolveInfo, names: list[str]) -> list[Row]:
        return [{"name": name, "quantity": variant.quantities[location_id]} for name in names if name == "available"]

    item = variant.inventory_item_id
    return {
        "__typename": "InventoryLevel",
        "id": f"{gid('InventoryLevel', location_id)}?inventory_item_id={item}",
        "isActive": True,
        "item": lambda _info: item_row(variant),
        "location": lambda _info: location_row(shop.locations[location_id]),
        "quantities": quantities,
    }


def location_row(location: Location) -> Row:
    """Show a location."""
    return {
        "__typename": "Location",
        "id": gid("Location", location.location_id),
        "name": location.name,
        "isActive": location.active,
    }


def customer_row(shop: Shop, customer: Customer) -> Row:
    """Show a customer."""

    def metafield(_info: GraphQLResolveInfo, key: str, namespace: str = "custom") -> Row | None:
        return metafield_row(customer, namespace, key)

    address = customer.address_phone
    return {
        "__typename": "Customer",
        "id": gid("Customer", customer.customer_id),
        "legacyResourceId": str(customer.customer_id),
        "firstName": customer.first_name,
        "lastName": customer.last_name,
        "displayName": f"{customer.first_name or ''} {customer.last_name or ''}".strip(),
        "note": customer.note,
        "numberOfOrders": str(customer.orders),
        "amountSpent": {"amount": f"{customer.amount_spent:.1f}", "currencyCode": shop.currency},
        "defaultEmailAddress": {"emailAddress": customer.email} if customer.email else None,
        "defaultPhoneNumber": {"phoneNumber": customer.phone} if customer.phone else None,
        "defaultAddress": {"id": gid("MailingAddress", customer.customer_id), "phone": address} if address else None,
        "updatedAt": moment(customer.updated_at),
        "metafield": metafield,
    }


def metafield_row(customer: Customer, namespace: str, key: str) -> Row | None:
    """Show a customer's metafield; None: it is not set."""
    found = customer.metafields.get((namespace, key))
    if found is None:
        return None
    order = list(customer.metafields).index((namespace, key))
    return {
        "__typename": "Metafield",
        "id": gid("Metafield", customer.customer_id * MOST_METAFIELDS + order),
        "namespace": namespace,
        "key": key,
        "type": found.type,
        "value": found.value,
    }


def node_row(shop: Shop, text: str) -> Row | None:
    """Show whatever a global id names; None: there is no such thing."""
    finders: dict[str, Callable[[int], Row | None]] = {
        "InventoryLevel": lambda one: _level_of(shop, text, one),
        "ProductVariant": lambda one: variant_row(shop, shop.variants[one]) if one in shop.variants else None,
        "InventoryItem": lambda one: (
            item_row(shop.variants[shop.variant_of_item[one]]) if one in shop.variant_of_item else None
        ),
        "Customer": lambda one: customer_row(shop, shop.customers[one]) if one in shop.customers else None,
        "Location": lambda one: location_row(shop.locations[one]) if one in shop.locations else None,
        "Product": lambda one: product_row(shop.products[one]) if one in shop.products else None,
    }
    for kind, find in finders.items():
        number = number_of(text, kind)
        if number is not None:
            return find(number)
    return None


def _level_of(shop: Shop, text: str, location_id: int) -> Row | None:
    """Find a level by its global id, which names the item behind a question mark."""
    item_id = number_of(f"{PREFIX}InventoryItem/{text.partition('?inventory_item_id=')[2]}", "InventoryItem")
    if item_id is None or item_id not in shop.variant_of_item:
        return None
    return level_row(shop, shop.variants[shop.variant_of_item[item_id]], location_id)
