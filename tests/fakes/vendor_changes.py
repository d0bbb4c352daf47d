"""What changes at both vendors while nobody looks: rows are changed, added and removed; rows tell when."""

from random import Random

from sandbox.mutations import Edit, apply_edits
from sandbox.world import StoreWorld

CHANGED, REMOVED, ADDED = 8, 3, 2
"""Rows of each list; so few are removed that no guard asks about it."""


def change_everywhere(world: StoreWorld, random: Random, changed: int = CHANGED) -> None:
    """Change some rows of all four lists, so many of each."""
    now = int(world.clock.now())
    apply_edits(world, [*_of_nhanh(world, random, now, changed), *_of_shopify(world, random, now)])
    shop = world.shop
    for one in random.sample(list(shop.variants), changed):
        variant = shop.variants[one]
        variant.price, variant.updated_at = variant.price + random.randint(1, 99) * 1_000, now
        stocked = random.sample(sorted(shop.locations), random.randint(0, len(shop.locations)))
        variant.quantities = {location: random.randint(-3, 99) for location in stocked}
    for one in random.sample(list(shop.customers), changed):
        buyer = shop.customers[one]
        buyer.note, buyer.orders, buyer.updated_at = f"Ghi chú {now}", buyer.orders + 1, now


def _of_nhanh(world: StoreWorld, random: Random, now: int, changed: int) -> list[Edit]:
    business = world.business
    people = random.sample(list(business.customers), changed + REMOVED)
    removed = random.sample([one for one, row in business.products.items() if int(row["parentId"]) == -1], REMOVED)
    sold = {one for one, row in business.products.items() if int(row["parentId"]) != -2}
    things = random.sample(sorted(sold.difference(removed)), changed)
    spent = {one: {"totalAmount": random.randint(1, 99) * 1_000, "updatedAt": now} for one in people[:changed]}
    named = {one: {"name": f"Tên mới {one} {now}", "updatedAt": now} for one in things}
    return [
        *({"set": "nhanh_customer", "id": one, "fields": fields} for one, fields in spent.items()),
        *({"remove": "nhanh_customer", "id": one} for one in people[changed:]),
        *({"set": "nhanh_product", "id": one, "fields": fields} for one, fields in named.items()),
        *({"remove": "nhanh_product", "id": one} for one in removed),
        *(
            {"add": kind, "row": {"id": max(known) + number, "name": f"Mới {number}", "updatedAt": now}}
            for kind, known in (("nhanh_customer", business.customers), ("nhanh_product", business.products))
            for number in range(1, 1 + ADDED)
        ),
    ]


def _of_shopify(world: StoreWorld, random: Random, now: int) -> list[Edit]:
    known = world.shop.customers
    return [
        *({"remove": "shopify_customer", "id": one} for one in random.sample(list(known), REMOVED)),
        *(
            {"add": "shopify_customer", "row": {"id": max(known) + number, "last_name": "Mới", "updated_at": now}}
            for number in range(1, 1 + ADDED)
        ),
    ]
