"""What can be asked: the fields of the query root."""

from collections.abc import Callable
from typing import Any

from graphql import GraphQLResolveInfo

from sandbox.by_id import ById
from sandbox.shopify.bulk.showing import found_row
from sandbox.shopify.connections import Place, by_id, connection
from sandbox.shopify.context import Call
from sandbox.shopify.gids import gid, number_of
from sandbox.shopify.rows import Row, customer_row, level_row, location_row, node_row, product_row, variant_row
from sandbox.shopify.search import CUSTOMER_VALUES, PRODUCT_VALUES, Value, read_search, variant_values
from sandbox.shopify.shop import Product, Variant
from sandbox.shopify.unreadable import as_planned

Found = dict[str, Any]


def variants(_root: object, info: GraphQLResolveInfo, **asked: Any) -> Found:  # noqa: ANN401 - arguments
    """List variants."""
    shop = info.context.shop
    return _list(info, shop.variants, variant_values(shop), lambda one: variant_row(shop, shop.variants[one]), asked)


def products(_root: object, info: GraphQLResolveInfo, **asked: Any) -> Found:  # noqa: ANN401 - arguments
    """List products."""
    shop = info.context.shop
    return _list(info, shop.products, PRODUCT_VALUES, lambda one: product_row(shop.products[one]), asked)


def customers(_root: object, info: GraphQLResolveInfo, **asked: Any) -> Found:  # noqa: ANN401 - arguments
    """List customers."""
    shop = info.context.shop
    return _list(info, shop.customers, CUSTOMER_VALUES, lambda one: customer_row(shop, shop.customers[one]), asked)


def locations(_root: object, info: GraphQLResolveInfo, **asked: Any) -> Found:  # noqa: ANN401 - arguments
    """List locations by name unless by id, the active ones unless all are asked for."""
    call: Call = info.context
    shop = call.shop
    shown = asked.pop("includeInactive", False)
    ids = sorted(shop.locations)
    if asked.get("sortKey") != "ID":
        ids.sort(key=lambda one: shop.locations[one].name)
    ranks = {one: rank for rank, one in enumerate(ids)}
    return connection(
        ids,
        lambda one: location_row(shop.locations[one]),
        lambda one: shown or shop.locations[one].active,
        place_of=lambda one: (ranks[one], one),
        first=asked.get("first"),
        after=asked.get("after"),
        reverse=asked.get("reverse", False),
        rule=call.rule,
    )


def product_variants(parent: Row, info: GraphQLResolveInfo, **asked: Any) -> Found:  # noqa: ANN401 - arguments
    """List a product's variants."""
    call: Call = info.context
    shop = call.shop
    product: Product = parent["_product"]
    return connection(
        sorted(product.variant_ids),
        lambda one: as_planned(variant_row(shop, shop.variants[one]), call),
        lambda one: one in shop.variants,
        first=asked.get("first"),
        after=asked.get("after"),
    )


def item_levels(parent: Row, info: GraphQLResolveInfo, **asked: Any) -> Found:  # noqa: ANN401 - arguments
    """List where an item is stocked."""
    call: Call = info.context
    variant: Variant = parent["_variant"]
    return connection(
        sorted(variant.quantities),
        lambda one: level_row(call.shop, variant, one) or {},
        lambda one: one in call.shop.locations,
        first=asked.get("first"),
        after=asked.get("after"),
    )


def node(_root: object, info: GraphQLResolveInfo, id: str) -> Row | None:
    """Find one thing."""
    call: Call = info.context
    return node_row(call.shop, id) or found_row(call, id)


def nodes(_root: object, info: GraphQLResolveInfo, ids: list[str]) -> list[Row | None]:
    """Find several things; null stands for what is gone."""
    call: Call = info.context
    return [node_row(call.shop, one) or found_row(call, one) for one in ids]


def one(kind: str) -> Callable[..., Row | None]:
    """Make the field that finds one thing of a kind."""

    def find(_root: object, info: GraphQLResolveInfo, id: str | None = None) -> Row | None:
        call: Call = info.context
        if id is None and kind == "Location":
            id = gid("Location", min(call.shop.locations))
        return None if id is None or number_of(id, kind) is None else node_row(call.shop, id)

    return find


def count_of(rows: str) -> Callable[..., Found]:
    """Make the field that counts rows."""

    def count(_root: object, info: GraphQLResolveInfo, query: str | None = None, limit: int | None = 10_000) -> Found:
        call: Call = info.context
        shop = call.shop
        found: dict[str, tuple[ById[Any], dict[str, Value]]] = {
            "products": (shop.products, PRODUCT_VALUES),
            "variants": (shop.variants, variant_values(shop)),
            "customers": (shop.customers, CUSTOMER_VALUES),
        }
        known, values = found[rows]
        search = read_search(query, values)
        call.warn(str(info.path.key), query, search.unknown)
        number = sum(map(search.holds, known.values())) if search.condition else len(known)
        if limit is not None and number > limit:
            return {"count": limit, "precision": "AT_LEAST"}
        return {"count": number, "precision": "EXACT"}

    return count


def shop(_root: object, info: GraphQLResolveInfo) -> Row:
    """Tell of the shop itself."""
    call: Call = info.context
    return {"name": f"Sandbox {call.shop.shop}", "currencyCode": call.shop.currency}


def installation(_root: object, info: GraphQLResolveInfo) -> Row:
    """Tell what the app may do."""
    call: Call = info.context
    return {"accessScopes": [{"handle": scope} for scope in sorted(call.shop.scopes)]}


def _list(
    info: GraphQLResolveInfo,
    rows: ById[Any],
    values: dict[str, Value],
    show: Callable[[int], Row],
    asked: dict[str, Any],
) -> Found:
    call: Call = info.context
    search = read_search(asked.get("query"), values)
    call.warn(str(info.path.key), asked.get("query"), search.unknown)
    ids, place_of = rows.ids, by_id
    if asked.get("sortKey") == "UPDATED_AT":

        def place_of(one: int) -> Place:
            return rows[one].updated_at, one

        ids = sorted(ids, key=place_of)
    return connection(
        ids,
        lambda one: as_planned(show(one), call),
        (lambda one: search.holds(rows[one])) if search.condition else None,
        place_of=place_of,
        first=asked.get("first"),
        after=asked.get("after"),
        reverse=asked.get("reverse", False),
        rule=call.rule,
        deepest=call.deepest,
    )
