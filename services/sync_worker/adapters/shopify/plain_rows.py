"""Rows that are as plain as nearly all are, read many at a time by msgspec, which checks the type of every field.

Whatever is not plain (an amount with an exponent, an id with parameters, a field that is missing or was not asked for) is None
here, and `decode` reads it with care, or says what is wrong with it. Where both read a row they read the same.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Annotated, Any, Generic, TypeVar

import msgspec

from sync_worker.domain.customers import ShopifyCustomer
from sync_worker.domain.products import ShopifyLevel, ShopifyVariant

PARENT = "__parentId"
"""Names the row to which a line of a bulk result belongs, if it is no row itself."""

DEFAULT_TITLE = "Default Title"
"""What Shopify calls the only variant of a product without options."""

_VARIANT, _PRODUCT, _ITEM, _LOCATION, _CUSTOMER = (
    f"gid://shopify/{kind}/" for kind in ("ProductVariant", "Product", "InventoryItem", "Location", "Customer")
)
_LONGEST_ID = 18
_LONGEST_WHOLE = 13
"""Digits that surely fit 64 bits, as an id and as the whole part of an amount."""

_SCALES = (10_000, 1_000, 100, 10, 1)
"""What makes ten-thousandths of an amount's digits, by how many stand behind the point."""

_Pieces = Annotated[int, msgspec.Meta(gt=-(10**_LONGEST_WHOLE), lt=10**_LONGEST_WHOLE)]
_Needed = Annotated[str, msgspec.Meta(min_length=1)]


class _Plain(msgspec.Struct, rename="camel", forbid_unknown_fields=True, gc=False):
    """An object with these fields and no other, each in Shopify's camel case."""


class _Product(_Plain):
    id: str
    title: str
    status: _Needed


class _Item(_Plain):
    id: str


class _Location(_Plain):
    id: str


class _Variant(_Plain):
    id: str
    title: str
    sku: str | None
    barcode: str | None
    price: str
    compare_at_price: str | None
    inventory_quantity: _Pieces | None
    updated_at: str
    product: _Product
    inventory_item: _Item


class _Quantity(_Plain):
    name: str
    quantity: _Pieces


class _Level(_Plain):
    item: _Item
    location: _Location
    quantities: list[_Quantity]
    parent: str = msgspec.field(name=PARENT)


class _Spent(_Plain):
    amount: str
    currency_code: _Needed


class _Email(_Plain):
    email_address: str | None


class _Phone(_Plain):
    phone_number: str | None


class _Address(_Plain):
    phone: str | None


class _Customer(_Plain):
    id: str
    first_name: str | None
    last_name: str | None
    note: str | None
    number_of_orders: str
    updated_at: str
    amount_spent: _Spent
    default_email_address: _Email | None
    default_phone_number: _Phone | None
    default_address: _Address | None


class _NotPlain(Exception):
    """To be read with care."""


_NOT_PLAIN = (_NotPlain, msgspec.MsgspecError, ValueError)

Given = TypeVar("Given", bound=msgspec.Struct)
Read = TypeVar("Read")


class PlainReader(Generic[Given, Read]):
    """Reads rows of one kind, all of them or none."""

    def __init__(self, given: type[Given], read: Callable[[Given], Read]) -> None:
        self._listed: Any = list[given]  # type: ignore[valid-type]
        self._decoder = msgspec.json.Decoder(given)
        self._read = read

    def rows(self, rows: Sequence[Any]) -> list[Read] | None:
        """Read parsed rows, if all of them are plain."""
        try:
            return list(map(self._read, msgspec.convert(rows, self._listed)))
        except _NOT_PLAIN:
            return None

    def lines(self, lines: Sequence[bytes]) -> list[Read] | None:
        """Read rows of JSON, one a line, if all of them are plain.

        Lines are decoded one by one: msgspec's own `decode_lines` takes two rows on a line, and lines with none.
        """
        try:
            return list(map(self._read, map(self._decoder.decode, lines)))
        except _NOT_PLAIN:
            return None


def _variant(row: _Variant) -> ShopifyVariant:
    product, title = row.product, row.title
    if "\x00" in f"{title}{product.title}{product.status}{row.sku}{row.barcode}":
        raise _NotPlain
    return ShopifyVariant(
        _number(row.id, _VARIANT),
        _number(product.id, _PRODUCT),
        _number(row.inventory_item.id, _ITEM),
        product.title if title in ("", DEFAULT_TITLE) else f"{product.title} - {title}",
        row.sku,
        row.barcode,
        _amount(row.price),
        None if row.compare_at_price is None else _amount(row.compare_at_price),
        product.status.lower(),
        row.inventory_quantity,
        unix_seconds(row.updated_at),
    )


def _level(row: _Level) -> ShopifyLevel:
    if len(row.quantities) != 1 or row.quantities[0].name != "available":
        raise _NotPlain
    return ShopifyLevel(
        _number(row.item.id, _ITEM),
        _number(row.location.id, _LOCATION),
        _number(row.parent, _VARIANT),
        row.quantities[0].quantity,
    )


def _customer(row: _Customer) -> ShopifyCustomer:
    email = None if row.default_email_address is None else row.default_email_address.email_address
    phone = None if row.default_phone_number is None else row.default_phone_number.phone_number
    address_phone = None if row.default_address is None else row.default_address.phone
    currency = row.amount_spent.currency_code
    if "\x00" in f"{row.first_name}{row.last_name}{row.note}{email}{phone}{address_phone}{currency}":
        raise _NotPlain
    return ShopifyCustomer(
        _number(row.id, _CUSTOMER),
        row.first_name,
        row.last_name,
        email,
        phone,
        address_phone,
        row.note,
        _amount(row.amount_spent.amount),
        currency,
        _whole(row.number_of_orders),
        unix_seconds(row.updated_at),
    )


PLAIN_VARIANTS = PlainReader(_Variant, _variant)
PLAIN_LEVELS = PlainReader(_Level, _level)
PLAIN_CUSTOMERS = PlainReader(_Customer, _customer)


def unix_seconds(text: str) -> int:
    """Read a time, with its offset from UTC.

    Raises:
        ValueError: It is none, or lacks the offset.
    """
    when = datetime.fromisoformat(text)
    if when.tzinfo is None:
        raise ValueError(text)
    return int(when.timestamp())


def _number(gid: str, prefix: str) -> int:
    number = gid[len(prefix) :]
    if not (gid.startswith(prefix) and number.isdigit() and number.isascii() and len(number) <= _LONGEST_ID):
        raise _NotPlain
    if number[0] == "0":
        raise _NotPlain
    return int(number)


def _amount(given: str) -> int:
    whole, point, part = given.partition(".")
    digits = whole + part
    if not (digits.isdigit() and digits.isascii() and 0 < len(whole) <= _LONGEST_WHOLE and len(part) <= 4):
        raise _NotPlain
    if point and not part:
        raise _NotPlain
    return int(digits) * _SCALES[len(part)]


def _whole(given: str) -> int:
    if not (given.isdigit() and given.isascii() and len(given) <= _LONGEST_WHOLE):
        raise _NotPlain
    return int(given)
