"""What a shop holds now, for whoever checks."""

from sandbox.shopify.gids import gid
from sandbox.shopify.shop import Shop

SPEND = ("custom", "total_spent")


def quantities(shop: Shop) -> dict[str, dict[str, int]]:
    """Give what is available of every item at every location where it is stocked."""
    return {
        gid("InventoryItem", variant.inventory_item_id): {
            gid("Location", location_id): quantity for location_id, quantity in variant.quantities.items()
        }
        for variant in shop.variants.values()
    }


def spends(shop: Shop) -> dict[str, str | None]:
    """Give every customer's metafield `custom.total_spent`; None where it is not set."""
    return {
        gid("Customer", customer.customer_id): None
        if (found := customer.metafields.get(SPEND)) is None
        else found.value
        for customer in shop.customers.values()
    }


def prices(shop: Shop) -> dict[str, dict[str, str | None]]:
    """Give every variant's prices."""
    return {
        gid("ProductVariant", variant.variant_id): {
            "price": str(variant.price),
            "compareAtPrice": None if variant.compare_at_price is None else str(variant.compare_at_price),
        }
        for variant in shop.variants.values()
    }
