"""inventorySetQuantities: all quantities of a call, or none.

https://shopify.dev/docs/api/admin-graphql/2026-07/mutations/inventorySetQuantities
"""

import re
from typing import Any

from graphql import GraphQLResolveInfo
from graphql.execution import get_directive_values

from sandbox.faults import Rule
from sandbox.shopify.context import Call, refused
from sandbox.shopify.gids import gid, number_of
from sandbox.shopify.idempotency import canonical
from sandbox.shopify.rows import moment
from sandbox.shopify.versions import ANY_LOCATION_SINCE

OPERATION = "inventorySetQuantities"
WHOLE_CALL = ""
"""What a bad item of the fault plan names that names none: the call is refused, as with the codes of idempotency."""
BOUND = 1_000_000_000
REASONS = frozenset(
    {
        "correction", "cycle_count_available", "damaged", "movement_canceled", "movement_created", "movement_received",
        "movement_updated", "other", "promotion", "quality_control", "received", "reservation_created",
        "reservation_deleted", "reservation_updated", "restock", "safety_stock", "shrinkage",
    }
)  # fmt: skip

DOCUMENT_URI = re.compile(r"(?!gid:)[A-Za-z][A-Za-z0-9+.-]*:\S+|gid://[^/\s]+/[^/\s]+/\S+")
"""A scheme and something behind it; a global id has an application, a kind and an id."""

Payload = dict[str, Any]


def set_quantities(_root: object, info: GraphQLResolveInfo, input: dict[str, Any]) -> Payload:
    """Set quantities.

    Raises:
        GraphQLError: The directive or an argument is missing that the schema does not show to be required.
    """
    call: Call = info.context
    idempotent = next(each for each in info.schema.directives if each.name == "idempotent")
    directive = get_directive_values(idempotent, info.field_nodes[0], info.variable_values)
    if directive is None:
        raise refused("BAD_REQUEST", "The @idempotent directive is required for this mutation but was not provided.")
    for entry in input["quantities"]:
        if "changeFromQuantity" not in entry:
            raise refused(
                "INVALID_FIELD_ARGUMENTS",
                "InventoryQuantityInput must include the following argument: changeFromQuantity.",
            )
    key, parameters, now = str(directive["key"]), canonical(input), call.clock.now()
    kept = call.keys.find(key, now)
    if kept is not None:
        if kept.parameters != parameters:
            return _refusal(
                [_error(None, "IDEMPOTENCY_KEY_PARAMETER_MISMATCH", "The key was used with other parameters.")]
            )
        return kept.result
    bad = call.bad_items(OPERATION)
    if WHOLE_CALL in bad:
        rule = bad[WHOLE_CALL]
        return _refusal([_error(None, rule.code, rule.message)])
    errors = _whole_errors(input) or _entry_errors(call, bad, input["name"], input["quantities"])
    if errors:
        return _refusal(errors)
    _apply(call, input["quantities"], key)
    group = {
        "__typename": "InventoryAdjustmentGroup",
        "id": gid("InventoryAdjustmentGroup", len(call.history.writes)),
        "reason": input["reason"],
        "referenceDocumentUri": input.get("referenceDocumentUri"),
        "createdAt": moment(int(now)),
    }
    result = {"inventoryAdjustmentGroup": group, "userErrors": []}
    call.keys.keep(key, now, parameters, result)
    return result


def _whole_errors(given: dict[str, Any]) -> list[Payload]:
    errors = []
    if given["name"] not in ("available", "on_hand"):
        errors.append(_error(["input", "name"], "INVALID_NAME", "The quantity name must be available or on_hand."))
    if given["reason"] not in REASONS:
        errors.append(_error(["input", "reason"], "INVALID_REASON", "The specified reason is invalid."))
    document = given.get("referenceDocumentUri")
    if document is not None and DOCUMENT_URI.fullmatch(document) is None:
        message = "The specified reference document is invalid."
        errors.append(_error(["input", "referenceDocumentUri"], "INVALID_REFERENCE_DOCUMENT", message))
    return errors


def _entry_errors(call: Call, bad: dict[str, Rule], name: str, entries: list[dict[str, Any]]) -> list[Payload]:
    seen: set[tuple[str, str]] = set()
    errors = []
    for index, entry in enumerate(entries):
        path = ["input", "quantities", str(index)]
        item, location = str(entry["inventoryItemId"]), str(entry["locationId"])
        if (item, location) in seen:
            errors.append(
                _error(
                    [*path, "inventoryItemId"],
                    "NO_DUPLICATE_INVENTORY_ITEM_ID_GROUP_ID_PAIR",
                    "The combination of inventoryItemId and locationId must be unique.",
                )
            )
        seen.add((item, location))
        rule = bad.get(item)
        if rule is not None:
            errors.append(_error([*path, "inventoryItemId"], rule.code or "INVALID_INVENTORY_ITEM", rule.message))
            continue
        found = _entry_error(call, name, entry)
        if found is not None:
            field, code, message = found
            errors.append(_error([*path, field], code, message))
    return errors


def _entry_error(call: Call, name: str, entry: dict[str, Any]) -> tuple[str, str, str] | None:
    shop = call.shop
    item_id, location_id = _ids(entry)
    if item_id not in shop.variant_of_item:
        return "inventoryItemId", "INVALID_INVENTORY_ITEM", "The specified inventory item could not be found."
    if location_id not in shop.locations:
        return "locationId", "INVALID_LOCATION", "The specified location could not be found."
    found = _quantity_error(name, entry["quantity"])
    if found is not None:
        return "quantity", *found
    quantities = shop.variants[shop.variant_of_item[item_id]].quantities
    if location_id not in quantities and call.version < ANY_LOCATION_SINCE:
        message = "The specified inventory item is not stocked at the location."
        return "locationId", "ITEM_NOT_STOCKED_AT_LOCATION", message
    expected = entry["changeFromQuantity"]
    if expected is not None and expected != quantities.get(location_id, 0):
        message = "The changeFromQuantity value does not match persisted value."
        return "changeFromQuantity", "CHANGE_FROM_QUANTITY_STALE", message
    return None


def _quantity_error(name: str, quantity: int) -> tuple[str, str] | None:
    if name == "on_hand" and quantity < 0:  # what is available may be oversold, what lies on a shelf may not
        return "INVALID_QUANTITY_NEGATIVE", "The quantity can't be negative."
    if quantity > BOUND:
        return "INVALID_QUANTITY_TOO_HIGH", f"The total quantity can't be higher than {BOUND:,}."
    if quantity < -BOUND:
        return "INVALID_QUANTITY_TOO_LOW", f"The total quantity can't be lower than -{BOUND:,}."
    return None


def _ids(entry: dict[str, Any]) -> tuple[int, int]:
    """Read which item and location an entry is about; -1, which is nobody's, for what is no such global id."""
    item = number_of(str(entry["inventoryItemId"]), "InventoryItem")
    location = number_of(str(entry["locationId"]), "Location")
    return -1 if item is None else item, -1 if location is None else location


def _apply(call: Call, entries: list[dict[str, Any]], key: str) -> None:
    shop, now = call.shop, call.clock.now()
    for entry in entries:
        item_id, location_id = _ids(entry)
        quantities = shop.variants[shop.variant_of_item[item_id]].quantities
        call.history.add(
            now,
            OPERATION,
            f"{gid('InventoryItem', item_id)} {gid('Location', location_id)}",
            old=None if location_id not in quantities else str(quantities[location_id]),
            new=str(entry["quantity"]),
            key=key,
        )
        quantities[location_id] = entry["quantity"]
        shop.products[shop.variants[shop.variant_of_item[item_id]].product_id].updated_at = int(now)


def _refusal(errors: list[Payload]) -> Payload:
    return {"inventoryAdjustmentGroup": None, "userErrors": errors}


def _error(field: list[str] | None, code: str, message: str) -> Payload:
    return {"field": field, "code": code, "message": message}
