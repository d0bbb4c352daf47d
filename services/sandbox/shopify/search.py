"""Shopify's search words, as far as callers use them: `field:value`, comparisons and free text, all of which must hold.

An unknown field is ignored, and everything is returned: https://shopify.dev/docs/api/usage/search-syntax.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sandbox.shopify.context import refused
from sandbox.shopify.shop import Customer, Product, Shop, Variant

_TERM = re.compile(
    r"""(?:(?P<field>[a-z_]+):)?(?P<sign>[<>]=?)?(?:"(?P<double>[^"]*)"|'(?P<single>[^']*)'|(?P<bare>[^\s()]+))"""
)
_NOT_HERE = re.compile(r"OR|NOT|-[a-z_]+:.*", re.DOTALL)
_NUMBER = re.compile(r"-?[0-9]{1,20}")

Value = Callable[[Any], object]


@dataclass(frozen=True, slots=True)
class Term:
    """One condition; without a field it is free text."""

    field: str
    sign: str
    value: str


def read_search(text: str | None) -> list[Term]:
    """Read search words.

    Raises:
        GraphQLError: Shopify would understand them otherwise: OR, NOT and `-field:` are not in the sandbox.
    """
    terms = []
    for found in _TERM.finditer(text or ""):
        if _NOT_HERE.fullmatch(found[0]):
            raise refused("BAD_REQUEST", f"The sandbox's search has no OR, NOT or negation: {found[0]}")
        if found[0] != "AND":
            value = found["double"] or found["single"] or found["bare"] or ""
            terms.append(Term(found["field"] or "", found["sign"] or "", value))
    return terms


def variant_values(shop: Shop) -> dict[str, Value]:
    """Give what variants can be searched by."""
    return {
        "id": lambda row: row.variant_id,
        "updated_at": lambda row: row.updated_at,
        "product_status": lambda row: shop.products[row.product_id].status,
        "sku": lambda row: row.sku,
        "barcode": lambda row: row.barcode,
    }


PRODUCT_VALUES: dict[str, Value] = {
    "id": lambda row: row.product_id,
    "updated_at": lambda row: row.updated_at,
    "status": lambda row: row.status,
    "title": lambda row: row.title,
}
CUSTOMER_VALUES: dict[str, Value] = {
    "id": lambda row: row.customer_id,
    "updated_at": lambda row: row.updated_at,
    "email": lambda row: row.email,
    "phone": lambda row: row.phone,
    "first_name": lambda row: row.first_name,
    "last_name": lambda row: row.last_name,
    "orders_count": lambda row: row.orders,
}


def holds(terms: list[Term], row: object, values: dict[str, Value]) -> bool:
    """Whether every condition holds for a row."""
    return all(_holds(term, row, values) for term in terms)


def _holds(term: Term, row: object, values: dict[str, Value]) -> bool:
    if not term.field:
        wanted = term.value.casefold().strip("*")
        return any(wanted in text.casefold() for text in _texts(row))
    if term.field not in values:
        return True
    have = values[term.field](row)
    if isinstance(have, int):
        wanted_number = _number(term)
        return wanted_number is None or _compared(have, term.sign, wanted_number)
    words = {word.strip().casefold() for word in term.value.split(",")}
    return str(have or "").casefold() in words


def _number(term: Term) -> int | None:
    if _NUMBER.fullmatch(term.value):
        return int(term.value)
    try:
        found = datetime.fromisoformat(term.value)
    except ValueError:
        return None
    return int((found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp())


def _compared(have: int, sign: str, wanted: int) -> bool:
    return {
        ">": have > wanted,
        ">=": have >= wanted,
        "<": have < wanted,
        "<=": have <= wanted,
        "": have == wanted,
    }[sign]


def _texts(row: object) -> Iterator[str]:
    match row:
        case Customer():
            yield from (text for text in (row.first_name, row.last_name, row.email, row.phone, row.note) if text)
        case Product():
            yield row.title
        case Variant():
            yield from (text for text in (row.title, row.sku, row.barcode) if text)
