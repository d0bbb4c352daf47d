"""Shopify's search words: `field:value`, comparisons, free text, quotes, brackets, AND, OR, NOT and a minus before a term.

An unknown field is ignored, everything is returned, and a warning beside the answer says so. AND binds closer than OR, which
the page leaves open: https://shopify.dev/docs/api/usage/search-syntax.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from sandbox.shopify.context import refused
from sandbox.shopify.shop import Customer, Product, Shop, Variant

DEEPEST = 50
_TOKEN = re.compile(
    r"""(?P<bracket>[()])|(?P<minus>-(?=[^\s)]))?(?:(?P<field>[A-Za-z_][\w.]*):)?(?P<sign>[<>]=?)?"""
    r"""(?:"(?P<double>(?:[^"\\]|\\.)*)"|'(?P<single>(?:[^'\\]|\\.)*)'|(?P<bare>(?:[^\s()\\]|\\.|\\)+)|(?=\())"""
)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_NUMBER = re.compile(r"-?[0-9]{1,20}(\.[0-9]{1,9})?")

Value = Callable[[Any], object]


@dataclass(frozen=True, slots=True)
class Term:
    """One condition; without a field it is free text."""

    field: str
    sign: str
    value: str


@dataclass(frozen=True, slots=True)
class Not:
    """A condition that must not hold."""

    of: "Condition"


@dataclass(frozen=True, slots=True)
class AllOf:
    """Conditions that must all hold."""

    of: tuple["Condition", ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """Conditions of which one must hold."""

    of: tuple["Condition", ...]


Condition = Term | Not | AllOf | AnyOf


@dataclass(frozen=True, slots=True)
class Search:
    """What is looked for among rows that have these values; `unknown` are fields that they do not have."""

    condition: Condition | None
    values: Mapping[str, Value]
    unknown: tuple[str, ...] = ()

    def holds(self, row: object) -> bool:
        """Whether a row is one of those that are looked for."""
        return self.condition is None or _holds(self.condition, row, self.values)


def read_search(text: str | None, values: Mapping[str, Value]) -> Search:
    """Read search words, without those that are ignored.

    Raises:
        GraphQLError: Brackets are nested too deep.
    """
    reading = _Reading(list(_tokens(text or "")), values)
    condition = reading.any_of(0)
    return Search(condition, values, tuple(dict.fromkeys(reading.unknown)))


def variant_values(shop: Shop) -> dict[str, Value]:
    """Give what variants can be searched by."""
    return {
        "id": lambda row: row.variant_id,
        "updated_at": lambda row: row.updated_at,
        "product_id": lambda row: row.product_id,
        "product_status": lambda row: shop.products[row.product_id].status,
        "inventory_quantity": lambda row: sum(row.quantities.values()),
        "title": lambda row: row.title,
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
    "total_spent": lambda row: row.amount_spent,
}


def _tokens(text: str) -> Iterator[str | Term]:
    """Give brackets, `-`, AND, OR and NOT as text, and terms; in quotes no word is one of those."""
    for found in _TOKEN.finditer(text):
        if found["bracket"]:
            yield found["bracket"]
            continue
        if found["minus"]:
            yield "-"
        quoted = found["double"] if found["double"] is not None else found["single"]
        bare = found["bare"] or ""
        if found["field"] is None and quoted is None and not found["sign"] and bare in ("AND", "OR", "NOT"):
            yield bare
        elif quoted is not None or bare or found["field"]:
            value = _ESCAPED.sub(r"\1", bare if quoted is None else quoted)
            yield Term(found["field"] or "", found["sign"] or "", value)


@dataclass(slots=True)
class _Reading:
    """Reads tokens from left to right; what is left open at the end counts as closed there."""

    tokens: list[str | Term]
    values: Mapping[str, Value]
    unknown: list[str] = field(default_factory=list)
    place: int = 0

    def any_of(self, depth: int) -> Condition | None:
        """Read alternatives, to the end or to the bracket that closes them."""
        if depth > DEEPEST:
            raise refused("BAD_REQUEST", f"The sandbox's search takes brackets within brackets up to {DEEPEST} times.")
        found = []
        while True:
            found.append(self._all_of(depth))
            if self._next() != "OR":
                break
            self.place += 1
        return _joined(found, AnyOf)

    def _all_of(self, depth: int) -> Condition | None:
        found: list[Condition | None] = []
        while (token := self._next()) is not None and token != "OR":  # noqa: S105 - a word
            if token == ")" and depth:  # noqa: S105 - a bracket
                break
            if token in ("AND", ")"):
                self.place += 1
            else:
                found.append(self._one(depth))
        return _joined(found, AllOf)

    def _one(self, depth: int) -> Condition | None:
        negated = False
        while (token := self._next()) in ("-", "NOT"):
            self.place += 1
            negated = not negated
        if token is None or token in ("AND", "OR", ")"):
            return None
        self.place += 1
        found: Condition | None
        if not isinstance(token, Term):
            found = self.any_of(depth + 1)
            if self._next() == ")":
                self.place += 1
        elif token.field and token.field not in self.values:
            self.unknown.append(token.field)
            return None
        else:
            found = token
        return Not(found) if negated and found is not None else found

    def _next(self) -> str | Term | None:
        return self.tokens[self.place] if self.place < len(self.tokens) else None


def _joined(found: list[Condition | None], kind: type[AllOf] | type[AnyOf]) -> Condition | None:
    """Join conditions; what is ignored is left out."""
    known = [each for each in found if each is not None]
    return known[0] if len(known) == 1 else kind(tuple(known)) if known else None


def _holds(condition: Condition, row: object, values: Mapping[str, Value]) -> bool:
    match condition:
        case Term():
            return _term_holds(condition, row, values)
        case Not(of):
            return not _holds(of, row, values)
        case AllOf(of):
            return all(_holds(each, row, values) for each in of)
        case AnyOf(of):
            return any(_holds(each, row, values) for each in of)


def _term_holds(term: Term, row: object, values: Mapping[str, Value]) -> bool:
    if not term.field:
        wanted = term.value.casefold().strip("*")
        return any(wanted in text.casefold() for text in _texts(row))
    have = values[term.field](row)
    if isinstance(have, int | Decimal):
        wanted_number = _number(term)
        return wanted_number is None or _compared(have, term.sign, wanted_number)
    words = {word.strip().casefold() for word in term.value.split(",")}
    return str(have or "").casefold() in words


def _number(term: Term) -> Decimal | None:
    if _NUMBER.fullmatch(term.value):
        return Decimal(term.value)
    try:
        found = datetime.fromisoformat(term.value)
    except ValueError:
        return None
    return Decimal(int((found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()))


def _compared(have: int | Decimal, sign: str, wanted: Decimal) -> bool:
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
