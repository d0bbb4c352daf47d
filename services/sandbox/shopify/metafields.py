"""metafieldsSet: at most 25 metafields of a call, all or none.

https://shopify.dev/docs/api/admin-graphql/2026-07/mutations/metafieldsSet
"""

import re
from typing import Any

from graphql import GraphQLResolveInfo

from sandbox.shopify.context import Call
from sandbox.shopify.gids import number_of
from sandbox.shopify.rows import metafield_row
from sandbox.shopify.shop import Customer, Metafield

OPERATION = "metafieldsSet"
MOST = 25
LARGEST_INTEGER = 9_007_199_254_740_991
LONGEST_BYTES = 16 * 1_024
TYPES = frozenset(
    {
        "boolean", "color", "date", "date_time", "dimension", "id", "json", "language", "link", "money",
        "multi_line_text_field", "number_decimal", "number_integer", "rating", "rich_text_field",
        "single_line_text_field", "url", "volume", "weight",
    }
)  # fmt: skip
"""The basic types, https://shopify.dev/docs/apps/build/metafields/list-of-data-types; references and lists are not here."""
_INTEGER = re.compile(r"-?[0-9]{1,16}")
_DECIMAL = re.compile(r"-?[0-9]{1,13}(\.[0-9]{1,9})?")

Payload = dict[str, Any]


def set_metafields(_root: object, info: GraphQLResolveInfo, metafields: list[dict[str, Any]]) -> Payload:
    """Set customers' metafields."""
    call: Call = info.context
    if len(metafields) > MOST:
        message = f"Exceeded the maximum metafields input limit of {MOST}."
        return _refusal([_error(None, ["metafields"], "LESS_THAN_OR_EQUAL_TO", message)])
    bad = call.bad_items(OPERATION)
    errors = []
    for index, entry in enumerate(metafields):
        rule = bad.get(str(entry["ownerId"]))
        if rule is not None:
            errors.append(_error(index, ["metafields", str(index), "ownerId"], rule.code or "INVALID", rule.message))
        elif (found := _entry_error(call, entry)) is not None:
            field, code, message = found
            errors.append(_error(index, ["metafields", str(index), field], code, message))
    if errors:
        return _refusal(errors)
    rows = [_apply(call, entry, owner) for entry in metafields if (owner := _owner(call, entry)) is not None]
    return {"metafields": rows, "userErrors": []}


def _entry_error(call: Call, entry: dict[str, Any]) -> tuple[str, str, str] | None:
    if _owner(call, entry) is None:
        return "ownerId", "INVALID", "Owner does not exist."
    if not entry["key"].strip():
        return "key", "BLANK", "Key can't be blank."
    if not entry["value"].strip():
        return "value", "BLANK", "Value can't be blank."
    if len(entry["value"].encode()) > LONGEST_BYTES:
        return "value", "TOO_LONG", f"Value is too long (maximum is {LONGEST_BYTES} bytes)."
    kind = entry.get("type") or ""
    if kind not in TYPES:
        return "type", "INVALID_TYPE", f"Type must be one of the following: {', '.join(sorted(TYPES))}."
    message = _value_error(kind, entry["value"])
    return None if message is None else ("value", "INVALID_VALUE", message)


def _value_error(kind: str, value: str) -> str | None:
    if kind == "number_integer":
        if _INTEGER.fullmatch(value) is None or abs(int(value)) > LARGEST_INTEGER:
            return f"Value must be an integer between -{LARGEST_INTEGER} and {LARGEST_INTEGER}."
    elif kind == "number_decimal" and _DECIMAL.fullmatch(value) is None:
        return "Value must be a decimal number."
    return None


def _owner(call: Call, entry: dict[str, Any]) -> Customer | None:
    number = number_of(str(entry["ownerId"]), "Customer")
    return None if number is None else call.shop.customers.get(number)


def _apply(call: Call, entry: dict[str, Any], owner: Customer) -> Payload | None:
    name = (str(entry.get("namespace") or "custom"), str(entry["key"]))
    old = owner.metafields.get(name)
    owner.metafields[name] = Metafield(str(entry["type"]), entry["value"])
    call.history.add(
        call.clock.now(),
        OPERATION,
        str(entry["ownerId"]),
        old=None if old is None else old.value,
        new=entry["value"],
    )
    return metafield_row(owner, *name)


def _refusal(errors: list[Payload]) -> Payload:
    return {"metafields": None, "userErrors": errors}


def _error(index: int | None, field: list[str], code: str, message: str) -> Payload:
    return {"elementIndex": index, "field": field, "code": code, "message": message}
