"""Edits that a test makes to a store: what changes at the vendors while nobody looks."""

from collections.abc import Callable
from typing import Any

from sandbox.additions import prepared_addition
from sandbox.by_id import ById
from sandbox.nhanh.business import Business, Row
from sandbox.world import StoreWorld

Edit = dict[str, Any]


class EditError(Exception):
    """An edit that cannot be made; nothing of its list was."""


def apply_edits(store: StoreWorld, edits: list[Edit]) -> int:
    """Make all edits of a list, or none; how many. An edit changes or removes what was there before the list.

    Raises:
        EditError: Naming the edit and what is wrong with it.
    """
    promised: set[tuple[str, int]] = set()
    prepared = [_prepared(store, number, edit, promised) for number, edit in enumerate(edits)]
    for edit in prepared:
        edit()
    return len(prepared)


def _prepared(  # noqa: PLR0911 - one return for each kind of edit
    store: StoreWorld, number: int, edit: Edit, promised: set[tuple[str, int]]
) -> Callable[[], None]:
    business, shop = store.business, store.shop
    try:
        match edit:
            case {"set": "nhanh_spend" | "nhanh_name" | "nhanh_customer" | "nhanh_product" as what, "id": one}:
                return _nhanh_change(business, what, int(one), edit)
            case {"set": "nhanh_stock", "id": one, "value": dict(by_depot)}:
                product_id = int(one)
                _ = business.products[product_id]
                stock = {int(depot): float(amount) for depot, amount in by_depot.items()}
                return lambda: business.stock.__setitem__(product_id, stock)
            case {"add": kind, "row": dict(row)}:
                return prepared_addition(store, kind, row, promised)
            case {"remove": "nhanh_product", "id": one}:
                product_id = int(one)
                _ = business.products[product_id]
                return lambda: _remove_product(store, product_id)
            case {"remove": "nhanh_customer", "id": one}:
                customer_id = int(one)
                _ = business.customers[customer_id]
                return lambda: _forget(business.customers, customer_id)
            case {"remove": "shopify_customer", "id": one}:
                buyer_id = _number(one)
                _ = shop.customers[buyer_id]
                return lambda: _forget(shop.customers, buyer_id)
            case {"set": "shopify_quantity", "item": item, "location": location, "value": value}:
                variant = shop.variants[shop.variant_of_item[_number(item)]]
                place, quantity = _number(location), int(value)
                _ = shop.locations[place]
                return lambda: variant.quantities.__setitem__(place, quantity)
            case {"set": "granted_depots", "value": granted}:
                depots = None if granted is None else {int(depot) for depot in granted}
                return lambda: setattr(business, "granted_depots", depots)
            case {"set": "foreign_bulk_operations", "value": int(slots)}:
                return lambda: shop.bulk.occupy(slots, store.clock.now())
            case {"set": "token_revoked", "value": bool(revoked)}:
                return lambda: setattr(business, "token_revoked", revoked)
            case _:
                raise EditError(f"edit {number} is none of those in the README: {edit}")
    except (KeyError, ValueError, TypeError) as error:
        raise EditError(f"edit {number} cannot be made ({error!r}): {edit}") from None


def _number(given: object) -> int:
    """Read an id of Shopify's, a number or a gid."""
    return int(str(given).rsplit("/", 1)[-1])


def _nhanh_change(business: Business, what: str, one: int, edit: Edit) -> Callable[[], None]:
    """Check what is set of a row of Nhanh's, and give what sets it."""
    rows = business.products if what == "nhanh_product" else business.customers
    match what:
        case "nhanh_spend":
            fields: Row = {"totalAmount": edit["value"]}
        case "nhanh_name":
            rows = business.products if one in business.products else business.customers
            fields = {"name": edit["value"]}
        case _:
            fields = edit["fields"]
    if unknown := set(fields) - (set(rows[one]) - {"id"}):
        raise ValueError(f"unknown fields {sorted(unknown)}")
    if fields.get("updatedAt") is not None:
        int(fields["updatedAt"])

    def change() -> None:
        if one in rows:
            rows[one] = {**rows[one], **fields}

    return change


def _remove_product(store: StoreWorld, product_id: int) -> None:
    _forget(store.business.products, product_id)
    _forget(store.business.stock, product_id)


def _forget(rows: ById[Any], one: int) -> None:
    """Remove a row; a list of edits may name it twice."""
    rows.pop(one, None)
