"""productVariantsBulkUpdate: prices of variants of one product, all or none unless part of it may stand.

https://shopify.dev/docs/api/admin-graphql/2026-07/mutations/productVariantsBulkUpdate
"""

from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any

from graphql import GraphQLResolveInfo

from sandbox.shopify.context import Call
from sandbox.shopify.gids import number_of
from sandbox.shopify.rows import money, product_row, variant_row
from sandbox.shopify.shop import Product, Variant

OPERATION = "productVariantsBulkUpdate"
CENT = Decimal("0.01")
BOUND = Decimal(10) ** 18

Payload = dict[str, Any]


def update_variants(
    _root: object,
    info: GraphQLResolveInfo,
    productId: str,  # noqa: N803 - the schema's name
    variants: list[dict[str, Any]],
    allowPartialUpdates: bool = False,  # noqa: N803 - the schema's name
) -> Payload:
    """Set prices."""
    call: Call = info.context
    number = number_of(productId, "Product")
    product = None if number is None else call.shop.products.get(number)
    if product is None:
        error = _error(["productId"], "PRODUCT_DOES_NOT_EXIST", "Product does not exist")
        return {"product": None, "productVariants": None, "userErrors": [error]}
    bad = call.bad_items(OPERATION)
    errors, good = [], []
    for index, entry in enumerate(variants):
        rule = bad.get(str(entry.get("id")))
        if rule is not None:
            errors.append(_error(["variants", str(index), "id"], rule.code or "INVALID_INPUT", rule.message))
        elif (found := _entry_error(product, entry)) is not None:
            field, code, message = found
            errors.append(_error(["variants", str(index), field], code, message))
        else:
            good.append((entry, call.shop.variants[number_of(str(entry["id"]), "ProductVariant") or 0]))
    if errors and not allowPartialUpdates:
        return {"product": product_row(product), "productVariants": None, "userErrors": errors}
    rows = [_apply(call, entry, variant) for entry, variant in good]
    return {"product": product_row(product), "productVariants": rows, "userErrors": errors}


def _entry_error(product: Product, entry: dict[str, Any]) -> tuple[str, str, str] | None:
    if entry.get("id") is None:
        return "id", "PRODUCT_VARIANT_ID_MISSING", "Product variant is missing ID attribute"
    if number_of(str(entry["id"]), "ProductVariant") not in product.variant_ids:
        return "id", "PRODUCT_VARIANT_DOES_NOT_EXIST", "Product variant does not exist"
    for name in ("price", "compareAtPrice"):
        given = entry.get(name)
        if given is None:
            continue
        try:
            amount = Decimal(str(given))
        except InvalidOperation:
            amount = Decimal("NaN")
        if not amount.is_finite():
            return name, "INVALID_INPUT", f"{name} is not a number"
        if amount >= BOUND:
            return name, "INVALID_INPUT", f"{name} is too large"
        if amount < 0:
            return name, "GREATER_THAN_OR_EQUAL_TO", f"{name} must be greater than or equal to 0"
    return None


def _apply(call: Call, entry: dict[str, Any], variant: Variant) -> Payload:
    now = call.clock.now()
    variant.updated_at = call.shop.products[variant.product_id].updated_at = int(now)
    for name, attribute in (("price", "price"), ("compareAtPrice", "compare_at_price")):
        if name not in entry or (name == "price" and entry[name] is None):
            continue
        old = getattr(variant, attribute)
        new = None if entry[name] is None else _rounded(Decimal(str(entry[name])))
        setattr(variant, attribute, new)
        call.history.add(now, OPERATION, f"{entry['id']} {name}", old=money(old), new=money(new))
    return variant_row(call.shop, variant)


def _rounded(amount: Decimal) -> Decimal:
    """Keep two decimals, as money has; an amount that needs none of them stays as it was written."""
    return amount if amount == amount.to_integral_value() else amount.quantize(CENT, ROUND_HALF_UP)


def _error(field: list[str], code: str, message: str) -> Payload:
    return {"field": field, "code": code, "message": message}
