"""The lines of a bulk query's result: a line a node, those of nested lists apart from their parents.

https://shopify.dev/docs/api/usage/bulk-operations/queries
"""

from collections.abc import Callable, Iterator
from random import Random
from typing import Any

import orjson

from sandbox.shopify.bulk.queries import BulkQuery, BulkQueryError
from sandbox.shopify.context import Call, Info
from sandbox.shopify.rows import Row, customer_row, level_row, location_row, product_row, variant_row
from sandbox.shopify.search import CUSTOMER_VALUES, PRODUCT_VALUES, read_search, variant_values
from sandbox.shopify.shapes import Part, Shape
from sandbox.shopify.unreadable import as_planned

PARENT = "__parentId"


def lines_of(query: BulkQuery, call: Call, *, grouped: bool) -> tuple[list[bytes], int]:
    """Write a result's lines, and say how many are roots.

    Roots stand in the order of their ids. Grouped children stand below their parents, and others anywhere: Shopify promises
    nothing of them.
    """
    info = Info(call)
    roots: list[bytes] = []
    children: list[bytes] = []
    everything: list[bytes] = []
    for row in _roots(query, call):
        lines = list(_lines(query.shape, row, info, None))
        roots.append(lines[0])
        children += lines[1:]
        everything += lines
    return (everything if grouped else _strewn(roots, children)), len(roots)


def _strewn(roots: list[bytes], children: list[bytes]) -> list[bytes]:
    """Put children anywhere among the roots, before their parents too; the same ones always at the same places."""
    if not children:
        return roots
    total = len(roots) + len(children)
    random = Random(total)  # noqa: S311 - no secret
    random.shuffle(children)
    places = set(random.sample(range(total), len(children)))
    from_roots, from_children = iter(roots), iter(children)
    return [next(from_children if place in places else from_roots) for place in range(total)]


def _lines(shape: Shape, row: Row, info: Info, parent: str | None) -> Iterator[bytes]:
    """Write a node's line, and those of its lists below it."""
    below: list[tuple[Shape, Row]] = []
    shown = _shown(shape, row, info, below)
    if parent is not None:
        shown[PARENT] = parent
    yield orjson.dumps(shown)
    for inner, child in below:
        yield from _lines(inner, child, info, row["id"])


def _shown(shape: Shape, row: Row, info: Info, below: list[tuple[Shape, Row]]) -> Row:
    """Show a row without its lists; their rows are gathered `below`, with their shapes."""
    shown: Row = {}
    for part in shape.parts:
        if part.is_connection:
            inner = _shape_below(part)
            below.extend((inner, child) for child in _children(part, row, info))
            continue
        value = part.value(row, info)
        if part.below is not None and isinstance(value, dict):
            value = _shown(part.below, value, info, below)
        elif part.below is not None and isinstance(value, list):
            value = [_shown(part.below, each, info, below) for each in value]
        shown[part.key] = value
    return shown


def _shape_below(part: Part) -> Shape:
    """Find the shape of a connection's nodes: below `edges`, below `node`."""
    edges = next(each for each in (part.below or Shape()).parts if each.name == "edges")
    node = next(each for each in (edges.below or Shape()).parts if each.name == "node")
    return node.below or Shape()


def _children(part: Part, row: Row, info: Info) -> Iterator[Row]:
    shop = info.context.shop
    match part.owner, part.name:
        case "Product", "variants":
            product = row["_product"]
            return (
                as_planned(variant_row(shop, shop.variants[one]), info.context)
                for one in sorted(product.variant_ids)
                if one in shop.variants
            )
        case "InventoryItem", "inventoryLevels":
            variant = row["_variant"]
            levels = (level_row(shop, variant, one) for one in sorted(variant.quantities))
            return (level for level in levels if level is not None)
    raise BulkQueryError(f"The sandbox runs no bulk queries of {part.owner}.{part.name}.")


def _roots(query: BulkQuery, call: Call) -> Iterator[Row]:
    shop = call.shop
    if query.root == "locations":
        places = [shop.locations[one] for one in sorted(shop.locations)]
        return (location_row(one) for one in places if one.active or query.arguments.get("includeInactive"))
    rows: Any
    show: Callable[[Any], Row]
    match query.root:
        case "productVariants":
            rows, values, show = shop.variants, variant_values(shop), lambda row: variant_row(shop, row)
        case "products":
            rows, values, show = shop.products, PRODUCT_VALUES, product_row
        case "customers":
            rows, values, show = shop.customers, CUSTOMER_VALUES, lambda row: customer_row(shop, row)
        case _:
            raise BulkQueryError(f"The sandbox runs no bulk queries of {query.root}.")
    search = read_search(query.arguments.get("query"), values)
    return (as_planned(show(rows[one]), call) for one in rows.ids if search.holds(rows[one]))
