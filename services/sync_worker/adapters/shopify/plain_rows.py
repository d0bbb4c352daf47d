"""Rows that are as plain as nearly all are, read quickly: a page of 250 is read in a millisecond.

Whatever is not plain (an amount with an exponent, an id with parameters, a field that is missing) is None here, and `decode`
reads it with care, or says what is wrong with it. Where both read a row they read the same.
"""

from datetime import datetime
from typing import Any

from sync_worker.domain.customers import ShopifyCustomer
from sync_worker.domain.products import ShopifyVariant

DEFAULT_TITLE = "Default Title"
"""What Shopify calls the only variant of a product without options."""

_VARIANT, _PRODUCT, _ITEM, _CUSTOMER = (
    f"gid://shopify/{kind}/" for kind in ("ProductVariant", "Product", "InventoryItem", "Customer")
)
_LONGEST_ID = 18
_LONGEST_WHOLE = 13
"""Digits that surely fit 64 bits, as an id and as the whole part of an amount."""


class _NotPlain(Exception):
    """To be read with care."""


def plain_variant(row: Any) -> ShopifyVariant | None:  # noqa: ANN401 - JSON
    """Read a variant, if it is plain."""
    try:
        product = row["product"]
        title, product_title, status = row["title"], product["title"], product["status"]
        quantity = row["inventoryQuantity"]
        if not (type(title) is type(product_title) is type(status) is str and status):
            return None
        if "\x00" in title or "\x00" in product_title or "\x00" in status:
            return None
        if quantity is not None and (type(quantity) is not int or abs(quantity) >= 10**_LONGEST_WHOLE):
            return None
        return ShopifyVariant(
            _number(row["id"], _VARIANT),
            _number(product["id"], _PRODUCT),
            _number(row["inventoryItem"]["id"], _ITEM),
            product_title if title in ("", DEFAULT_TITLE) else f"{product_title} - {title}",
            _text(row["sku"]),
            _text(row["barcode"]),
            _amount(row["price"]),
            None if row["compareAtPrice"] is None else _amount(row["compareAtPrice"]),
            status.lower(),
            quantity,
            _unix_seconds(row["updatedAt"]),
        )
    except (_NotPlain, AttributeError, KeyError, TypeError, ValueError):
        return None


def plain_customer(row: Any) -> ShopifyCustomer | None:  # noqa: ANN401 - JSON
    """Read a customer, if it is plain."""
    try:
        spent, orders = row["amountSpent"], row["numberOfOrders"]
        email, phone, address = row["defaultEmailAddress"], row["defaultPhoneNumber"], row["defaultAddress"]
        currency = spent["currencyCode"]
        if type(currency) is not str or not currency or "\x00" in currency:
            return None
        return ShopifyCustomer(
            _number(row["id"], _CUSTOMER),
            _text(row["firstName"]),
            _text(row["lastName"]),
            None if email is None else _text(email["emailAddress"]),
            None if phone is None else _text(phone["phoneNumber"]),
            None if address is None else _text(address["phone"]),
            _text(row["note"]),
            _amount(spent["amount"]),
            currency,
            _whole(orders),
            _unix_seconds(row["updatedAt"]),
        )
    except (_NotPlain, AttributeError, KeyError, TypeError, ValueError):
        return None


def _number(gid: str, prefix: str) -> int:
    number = gid[len(prefix) :]
    if not (gid.startswith(prefix) and _is_digits(number, _LONGEST_ID) and number[0] != "0"):
        raise _NotPlain
    return int(number)


def _text(given: object) -> str | None:
    if given is None or (type(given) is str and "\x00" not in given):
        return given
    raise _NotPlain


def _amount(given: str) -> int:
    whole, point, part = given.partition(".")
    if not (_is_digits(whole, _LONGEST_WHOLE) and (not point or _is_digits(part, 4))):
        raise _NotPlain
    return int(whole + (part + "0000")[:4])


def _whole(given: str) -> int:
    if type(given) is not str or not _is_digits(given, _LONGEST_WHOLE):
        raise _NotPlain
    return int(given)


def _unix_seconds(given: str) -> int:
    if given[-1:] != "Z":
        raise _NotPlain
    return int(datetime.fromisoformat(given).timestamp())


def _is_digits(text: str, most: int) -> bool:
    return text.isdigit() and text.isascii() and len(text) <= most
