"""Rows that a test adds to a store: what comes at the vendors while nobody looks.

The truth's pairs are those of the generator, so that an added row is in none of its lists; counts follow.
"""

from collections.abc import Callable
from decimal import Decimal

from sandbox.nhanh.business import Business, Row
from sandbox.shopify.shop import Customer, Shop
from sandbox.world import WRITTEN_AT, StoreWorld

WHOLE = frozenset({"type", "parentId", "updatedAt"})
"""Fields that filters compare as numbers."""

NHANH_PRODUCT: Row = {
    "id": 0,
    "parentId": -1,
    "code": None,
    "barcode": None,
    "name": "",
    "otherName": None,
    "status": 2,
    "priceVatMode": 2,
    "categoryId": 1,
    "brandId": None,
    "type": 1,
    "prices": {
        "retail": 0,
        "retailVat": 0,
        "import": 0,
        "importVat": 0,
        "old": None,
        "wholesale": 0,
        "avgCost": 0,
    },
    "images": [],
    "units": [],
    "combos": [],
    "attributes": [],
    "createdAt": WRITTEN_AT,
    "updatedAt": WRITTEN_AT,
    "tagIds": [],
}
"""What a product is unless it is said: alone, on sale, without a stock record."""

NHANH_CUSTOMER: Row = {
    "id": 0,
    "type": 1,
    "name": "",
    "mobile": None,
    "code": None,
    "gender": None,
    "address": "",
    "email": None,
    "birthday": None,
    "points": 0,
    "saleName": "",
    "startedDate": "2026-07-01",
    "taxCode": "",
    "location": [],
    "business": [],
    "level": [],
    "group": None,
    "totalAmount": 0,
    "updatedAt": WRITTEN_AT,
    "lastBoughtDate": "2026-07-01",
}
"""What a customer is unless it is said: retail, and has bought nothing."""

SHOPIFY_FIELDS = frozenset(
    {
        *("id", "first_name", "last_name", "email", "phone", "address_phone", "note"),
        *("amount_spent", "orders", "updated_at"),
    }
)


def prepared_addition(store: StoreWorld, kind: object, row: Row, promised: set[tuple[str, int]]) -> Callable[[], None]:
    """Check a row and give what adds it. `promised` has the rows that the same list of edits adds before.

    Raises:
        ValueError: There is no such kind of row, a field is unknown, or the id is taken.
        KeyError: It has no id.
        TypeError: A field's value is none that it can have.
    """
    match kind:
        case "nhanh_product":
            return _nhanh(store.business, "products", NHANH_PRODUCT, row, promised)
        case "nhanh_customer":
            return _nhanh(store.business, "customers", NHANH_CUSTOMER, row, promised)
        case "shopify_customer":
            return _buyer(store.shop, row, promised)
        case _:
            raise ValueError(f"no row of kind {kind!r} can be added")


def _nhanh(
    business: Business, place: str, blank: Row, given: Row, promised: set[tuple[str, int]]
) -> Callable[[], None]:
    rows = business.products if place == "products" else business.customers
    one = _whole("id", given["id"])
    _refuse_taken(f"nhanh {place}", one, taken=one in rows, promised=promised)
    _refuse_unknown(given, frozenset(blank))
    for name in WHOLE & given.keys():
        _whole(name, given[name])
    if "lastBoughtDate" in given and not isinstance(given["lastBoughtDate"], str):
        raise TypeError("lastBoughtDate must be text")
    row = {name: value.copy() if isinstance(value, dict | list) else value for name, value in blank.items()}
    row |= given | {"id": one}
    if "prices" in given:
        if not isinstance(given["prices"], dict):
            raise TypeError("prices must be an object")
        row["prices"] = blank["prices"] | given["prices"]
    return lambda: rows.__setitem__(one, row)


def _buyer(shop: Shop, given: Row, promised: set[tuple[str, int]]) -> Callable[[], None]:
    text = given["id"]
    one = _whole("id", text.rsplit("/", 1)[-1] if isinstance(text, str) else text)
    _refuse_taken("shopify customers", one, taken=one in shop.customers, promised=promised)
    _refuse_unknown(given, SHOPIFY_FIELDS)
    customer = Customer(
        customer_id=one,
        first_name=_text(given, "first_name"),
        last_name=_text(given, "last_name"),
        email=_text(given, "email"),
        phone=_text(given, "phone"),
        address_phone=_text(given, "address_phone"),
        note=_text(given, "note"),
        amount_spent=Decimal(_whole("amount_spent", given.get("amount_spent", 0))),
        orders=_whole("orders", given.get("orders", 0)),
        updated_at=_whole("updated_at", given.get("updated_at", WRITTEN_AT)),
    )
    return lambda: shop.customers.__setitem__(one, customer)


def _whole(name: str, given: object) -> int:
    if isinstance(given, bool) or not isinstance(given, int | str):
        raise TypeError(f"{name} must be a whole number")
    return int(given)


def _text(given: Row, name: str) -> str | None:
    value = given.get(name)
    if value is not None and not isinstance(value, str):
        raise TypeError(f"{name} must be text or null")
    return value


def _refuse_unknown(given: Row, known: frozenset[str]) -> None:
    if unknown := set(given) - known:
        raise ValueError(f"unknown fields {sorted(unknown)}")


def _refuse_taken(place: str, one: int, *, taken: bool, promised: set[tuple[str, int]]) -> None:
    if one <= 0 or taken or (place, one) in promised:
        raise ValueError(f"{one} is no new id")
    promised.add((place, one))
