"""Turns Shopify's rows into domain objects. What is missing or cannot be read is never filled in: it is a MalformedAnswer."""

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal

import orjson

from sync_worker.adapters.row_by_row import read_rows
from sync_worker.adapters.shopify.gid import number_of
from sync_worker.adapters.shopify.plain_rows import (
    DEFAULT_TITLE,
    PARENT,
    PLAIN_CUSTOMERS,
    PLAIN_VARIANTS,
    unix_seconds,
)
from sync_worker.application.ports.pages import RowRefusal
from sync_worker.application.ports.shopify import VariantPrice
from sync_worker.domain.customers import ShopifyCustomer
from sync_worker.domain.failures import MalformedAnswer
from sync_worker.domain.money import scaled
from sync_worker.domain.products import ShopifyLevel, ShopifyLocation, ShopifyVariant

MAX_AMOUNT = 10**14
"""Beyond it, ten-thousandths would not fit a database's integer."""

Row = Mapping[str, object]

_NUMBER = re.compile(r"-?[0-9]{1,20}(\.[0-9]{1,20})?([eE][+-]?[0-9]{1,2})?", re.ASCII)


def variants(rows: Sequence[Row]) -> tuple[list[ShopifyVariant], list[RowRefusal]]:
    """Read variants, and which cannot be read. A row without an id is a MalformedAnswer."""
    plain = PLAIN_VARIANTS.rows(rows)
    return (plain, []) if plain is not None else variants_with_care(rows)


def customers(rows: Sequence[Row]) -> tuple[list[ShopifyCustomer], list[RowRefusal]]:
    """Read customers, and which cannot be read. A row without an id is a MalformedAnswer."""
    plain = PLAIN_CUSTOMERS.rows(rows)
    return (plain, []) if plain is not None else customers_with_care(rows)


def variants_with_care(rows: Sequence[Row]) -> tuple[list[ShopifyVariant], list[RowRefusal]]:
    """Read as `variants` does, rows of which it is known that not all are plain."""
    return read_rows(rows, _variant_id, _variant)


def customers_with_care(rows: Sequence[Row]) -> tuple[list[ShopifyCustomer], list[RowRefusal]]:
    """Read as `customers` does, rows of which it is known that not all are plain."""
    return read_rows(rows, _customer_id, _customer)


def _variant_id(row: Row) -> int:
    return number_of(row.get("id"), "ProductVariant")


def _customer_id(row: Row) -> int:
    return number_of(row.get("id"), "Customer")


def _variant(row: Row) -> ShopifyVariant:
    product = _object(row, "product")
    title, product_title = _text(row, "title") or "", _text(product, "title") or ""
    return ShopifyVariant(
        variant_id=_variant_id(row),
        product_id=number_of(product.get("id"), "Product"),
        inventory_item_id=number_of(_object(row, "inventoryItem").get("id"), "InventoryItem"),
        title=product_title if title in ("", DEFAULT_TITLE) else f"{product_title} - {title}",
        sku=_text(row, "sku"),
        barcode=_text(row, "barcode"),
        price=_amount(row, "price"),
        compare_at_price=_amount_or_none(row, "compareAtPrice"),
        product_status=_needed(product, "status").lower(),
        inventory_quantity=None if _is_null(row, "inventoryQuantity") else _whole(row, "inventoryQuantity"),
        updated_at=_unix_seconds(row, "updatedAt"),
    )


def _customer(row: Row) -> ShopifyCustomer:
    spent = _object(row, "amountSpent")
    return ShopifyCustomer(
        customer_id=_customer_id(row),
        first_name=_text(row, "firstName"),
        last_name=_text(row, "lastName"),
        email=_text(_object_or_none(row, "defaultEmailAddress") or {}, "emailAddress"),
        phone=_text(_object_or_none(row, "defaultPhoneNumber") or {}, "phoneNumber"),
        address_phone=_text(_object_or_none(row, "defaultAddress") or {}, "phone"),
        note=_text(row, "note"),
        amount_spent=scaled(_decimal(spent, "amount")),
        currency=_needed(spent, "currencyCode"),
        orders=_whole(row, "numberOfOrders"),
        updated_at=_unix_seconds(row, "updatedAt"),
    )


def location(row: Row) -> ShopifyLocation:
    """Read a location."""
    active = row.get("isActive")
    if not isinstance(active, bool):
        raise _unreadable(row, "isActive")
    return ShopifyLocation(number_of(row.get("id"), "Location"), _needed(row, "name"), active)


def price(row: Row) -> VariantPrice:
    """Read a variant's prices."""
    return VariantPrice(_amount(row, "price"), _amount_or_none(row, "compareAtPrice"))


def spend(row: Row) -> int | None:
    """Read the total spend that a customer's metafield holds, whole units; None: not set."""
    return None if _is_null(row, "metafield") else _whole(_object(row, "metafield"), "value")


def available(row: Row, level: str) -> int | None:
    """Read what is available of an item at the location asked about as `level`; None: not stocked there."""
    return None if _is_null(row, level) else _available(_object(row, level), row, f"{level} (available)")


def _available(level: Row, row: Row, name: str) -> int:
    quantities = level.get("quantities")
    for quantity in quantities if isinstance(quantities, list) else ():
        if isinstance(quantity, Mapping) and quantity.get("name") == "available":
            return _whole(quantity, "quantity")
    raise _unreadable(row, name)


def level_with_care(row: Row) -> ShopifyLevel:
    """Read a stock level of a bulk result; a quantity that cannot be read is None.

    Raises:
        MalformedAnswer: What it is the level of cannot be read, or it stands below a row of something else.
    """
    item_id = number_of(_object(row, "item").get("id"), "InventoryItem")
    location_id = number_of(_object(row, "location").get("id"), "Location")
    try:
        pieces = _available(row, row, "available")
    except MalformedAnswer:
        pieces = None
    return ShopifyLevel(item_id, location_id, _variant_above(row, item_id), pieces)


def _variant_above(row: Row, item_id: int) -> int:
    """Read which variant a level is listed under: the row of the list; 0: under the item in that row."""
    parent = row.get(PARENT)
    if isinstance(parent, str) and "/InventoryItem/" in parent.replace("\\/", "/"):
        if number_of(parent, "InventoryItem") == item_id:
            return 0
        raise MalformedAnswer("shopify", f"a stock level of inventory item {item_id} belongs to {parent[:100]}")
    return number_of(parent, "ProductVariant")


def page(connection: object, asked: str | None) -> tuple[Sequence[Row], str | None]:
    """Read a connection's rows and the cursor of its next page, as JSON text; `asked` is the cursor it was read with."""
    if not isinstance(connection, Mapping):
        raise MalformedAnswer("shopify", "a page is no JSON object")
    info = _object(connection, "pageInfo")
    more = info.get("hasNextPage")
    if not isinstance(more, bool):
        raise MalformedAnswer("shopify", "a page does not say whether another follows")
    rows = _rows(connection.get("nodes"))
    if not more:
        return rows, None
    end = info.get("endCursor")
    if not isinstance(end, str) or not end:
        raise MalformedAnswer("shopify", "a page is followed by another but does not say where it begins")
    if end == asked:
        raise MalformedAnswer("shopify", "a page ends where it began, so that its list would never end")
    return rows, orjson.dumps(end).decode()


def cursor_text(cursor: str | None) -> str | None:
    """Read Shopify's own cursor out of the JSON text that a page gave."""
    if cursor is None:
        return None
    try:
        found = orjson.loads(cursor)
    except orjson.JSONDecodeError:
        found = None
    if not isinstance(found, str):
        raise MalformedAnswer("shopify", "a cursor that was kept is none of Shopify's")
    return found


def nodes(listed: object, kind: str, numbers: Sequence[int]) -> dict[int, Row]:
    """Read the objects that `nodes(ids:)` found, by number; those that are gone (null) are missing."""
    if not isinstance(listed, list) or len(listed) != len(numbers):
        raise MalformedAnswer("shopify", f"{len(numbers)} objects were asked for, and other than so many answered")
    found: dict[int, Row] = {}
    for number, node in zip(numbers, listed, strict=True):
        if node is None:
            continue
        if not isinstance(node, Mapping) or number_of(node.get("id"), kind) != number:
            raise MalformedAnswer("shopify", f"{kind} {number} was asked for, and another answered")
        found[number] = node
    return found


def _rows(listed: object) -> Sequence[Row]:
    if not isinstance(listed, list) or not all(isinstance(row, Mapping) for row in listed):
        raise MalformedAnswer("shopify", "the rows of a page are no list of JSON objects")
    return listed


def _object(row: Row, name: str) -> Row:
    found = _object_or_none(row, name)
    if found is None:
        raise _unreadable(row, name)
    return found


def _object_or_none(row: Row, name: str) -> Row | None:
    found = row.get(name)
    if found is not None and not isinstance(found, Mapping):
        raise _unreadable(row, name)
    return found


def _text(row: Row, name: str) -> str | None:
    found = row.get(name)
    if found is None:
        return None
    if not isinstance(found, str):
        raise _unreadable(row, name)
    return found.replace("\x00", "\ufffd")  # PostgreSQL takes no NUL; as a reader of text would show it


def _needed(row: Row, name: str) -> str:
    found = _text(row, name)
    if not found:
        raise _unreadable(row, name)
    return found


def _whole(row: Row, name: str) -> int:
    number = _decimal(row, name)
    if number != number.to_integral_value():
        raise _unreadable(row, name)
    return int(number)


def _amount_or_none(row: Row, name: str) -> int | None:
    return None if _is_null(row, name) else _amount(row, name)


def _is_null(row: Row, name: str) -> bool:
    """Tell null, which says that there is none, from a field that did not come, which says nothing."""
    if name not in row:
        raise _unreadable(row, name)
    return row[name] is None


def _amount(row: Row, name: str) -> int:
    amount = _decimal(row, name)
    if amount < 0:
        raise _unreadable(row, name)
    return scaled(amount)


def _decimal(row: Row, name: str) -> Decimal:
    found = row.get(name)
    if isinstance(found, bool) or not isinstance(found, str | int | float):
        raise _unreadable(row, name)
    number = Decimal(str(found)) if _NUMBER.fullmatch(str(found)) else None
    if number is None or abs(number) >= MAX_AMOUNT:
        raise _unreadable(row, name)
    return number


def _unix_seconds(row: Row, name: str) -> int:
    try:
        return unix_seconds(_needed(row, name))
    except ValueError:
        raise _unreadable(row, name) from None


def _unreadable(row: Row, name: str) -> MalformedAnswer:
    return MalformedAnswer("shopify", f"{name} of {str(row.get('id', 'a row'))[:100]} cannot be read")
