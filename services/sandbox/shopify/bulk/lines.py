"""The lines of a bulk query's result: a line a node, those of nested lists apart from their parents.

https://shopify.dev/docs/api/usage/bulk-operations/queries
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random
from typing import Any, cast

import orjson
from graphql import (
    FieldNode,
    GraphQLError,
    GraphQLObjectType,
    GraphQLSchema,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    get_named_type,
    parse,
    validate,
    value_from_ast_untyped,
)

from sandbox.shopify.context import Call
from sandbox.shopify.rows import Row, customer_row, level_row, location_row, product_row, variant_row
from sandbox.shopify.search import CUSTOMER_VALUES, PRODUCT_VALUES, read_search, variant_values
from sandbox.shopify.shapes import NoShapeError, Part, Shape, shape_of
from sandbox.shopify.unreadable import as_planned

LONGEST_QUERY = 65_535
MOST_CONNECTIONS = 5
DEEPEST = 2


class BulkQueryError(Exception):
    """Shopify would not run this; says why."""


@dataclass(frozen=True, slots=True)
class BulkQuery:
    """A query that can be run: its one list, what that is asked with, and the shape of its nodes."""

    root: str
    arguments: dict[str, Any]
    shape: Shape


@dataclass(frozen=True, slots=True)
class Info:
    """As much as resolvers of this schema ask of what they get from the library."""

    context: Call


def read_query(text: str, schema: GraphQLSchema) -> BulkQuery:
    """Read and check a bulk query.

    Raises:
        BulkQueryError: It is not one that Shopify runs.
    """
    if len(text.encode()) > LONGEST_QUERY:
        raise BulkQueryError(f"Query is too long: at most {LONGEST_QUERY} bytes are allowed.")
    try:
        document = parse(text)
        faults = validate(schema, document)
    except GraphQLError as error:
        faults = [error]
    if faults:
        raise BulkQueryError(f"Invalid bulk query: {faults[0].message}")
    operation = document.definitions[0]
    if not isinstance(operation, OperationDefinitionNode) or operation.operation is not OperationType.QUERY:
        raise BulkQueryError("Invalid bulk query: it must be one query, without fragments.")
    fields = _fields(operation.selection_set)
    if len(fields) != 1 or fields[0].name.value in ("node", "nodes"):
        raise BulkQueryError("Bulk queries must have one top-level field, which is not node or nodes.")
    root = fields[0]
    queries = cast("GraphQLObjectType", schema.query_type)
    kind = cast("GraphQLObjectType", get_named_type(queries.fields[root.name.value].type))
    if not kind.name.endswith("Connection"):
        raise BulkQueryError("Bulk queries must contain at least one connection.")
    number = _check(root, kind, depth=1, parent=None)
    if number > MOST_CONNECTIONS:
        raise BulkQueryError(f"Bulk queries cannot contain more than {MOST_CONNECTIONS} connections.")
    arguments = {given.name.value: value_from_ast_untyped(given.value, {}) for given in root.arguments}
    try:
        shape = shape_of(_node_of(root), _node_type(kind), schema, {}, {})
    except NoShapeError as error:
        raise BulkQueryError(f"The sandbox cannot run this bulk query: {error}") from None
    return BulkQuery(root.name.value, arguments, shape)


def lines_of(query: BulkQuery, call: Call, *, grouped: bool) -> tuple[list[bytes], int]:
    """Write a result's lines, and say how many are roots. Ungrouped children stand anywhere, before their parents too."""
    roots: list[bytes] = []
    children: list[bytes] = []
    for row in _roots(query, call):
        below: list[bytes] = []
        roots.append(_line(query.shape, row, Info(call), None, below))
        (roots if grouped else children).extend(below)
    number = len(roots) if not grouped else sum(b'"__parentId"' not in line for line in roots)
    if children:
        everything = roots + children
        Random(len(everything)).shuffle(everything)  # noqa: S311 - no secret
        return everything, number
    return roots, number


def _line(shape: Shape, row: Row, info: Info, parent: str | None, below: list[bytes]) -> bytes:
    shown = _shown(shape, row, info, below)
    if parent is not None:
        shown["__parentId"] = parent
    return orjson.dumps(shown)


def _shown(shape: Shape, row: Row, info: Info, below: list[bytes]) -> Row:
    shown: Row = {}
    for part in shape.parts:
        if part.is_connection:
            for child in _children(part, row, info):
                below.append(_line(_below(part), child, info, row["id"], below))
            continue
        value = row.get(part.name)
        if callable(value):
            value = value(info, **part.arguments)
        if part.below is not None and isinstance(value, dict):
            value = _shown(part.below, value, info, below)
        elif part.below is not None and isinstance(value, list):
            value = [_shown(part.below, each, info, below) for each in value]
        shown[part.key] = value
    return shown


def _below(part: Part) -> Shape:
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
    raise NotImplementedError(f"{part.owner}.{part.name}")


def _roots(query: BulkQuery, call: Call) -> Iterator[Row]:
    shop = call.shop
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
            return (location_row(shop.locations[one]) for one in sorted(shop.locations))
    search = read_search(query.arguments.get("query"), values)
    return (as_planned(show(rows[one]), call) for one in rows.ids if search.holds(rows[one]))


def _check(connection: FieldNode, kind: GraphQLObjectType, *, depth: int, parent: SelectionSetNode | None) -> int:
    """Check a connection and those below it; how many there are."""
    if depth > DEEPEST:
        raise BulkQueryError(f"Bulk queries cannot nest connections deeper than {DEEPEST} levels.")
    if parent is not None and not any(
        each.name.value == "id" and each.alias is None and not each.directives for each in _fields(parent)
    ):
        raise BulkQueryError("The parent field for a nested connection must select the 'id' field.")
    names = {each.name.value for each in _fields(connection.selection_set)}
    if "nodes" in names or "edges" not in names:
        raise BulkQueryError("Bulk queries must use edges and node; nodes is not supported.")
    return 1 + _below_of(_node_of(connection), _node_type(kind), depth)


def _below_of(selected: SelectionSetNode | None, kind: GraphQLObjectType, depth: int) -> int:
    number = 0
    for each in _fields(selected):
        declared = kind.fields.get(each.name.value)
        inner = None if declared is None else get_named_type(declared.type)
        if not isinstance(inner, GraphQLObjectType):
            continue
        if inner.name.endswith("Connection"):
            number += _check(each, inner, depth=depth + 1, parent=selected)
        else:
            number += _below_of(each.selection_set, inner, depth)
    return number


def _fields(selected: SelectionSetNode | None) -> list[FieldNode]:
    fields = list(selected.selections) if selected else []
    if not all(isinstance(each, FieldNode) for each in fields):
        raise BulkQueryError("The sandbox runs no bulk queries with fragments.")
    return [each for each in fields if isinstance(each, FieldNode)]


def _node_of(connection: FieldNode) -> SelectionSetNode | None:
    edges = next(each for each in _fields(connection.selection_set) if each.name.value == "edges")
    node = next((each for each in _fields(edges.selection_set) if each.name.value == "node"), None)
    if node is None:
        raise BulkQueryError("Bulk queries must select node below edges.")
    return node.selection_set


def _node_type(connection: GraphQLObjectType) -> GraphQLObjectType:
    edge = cast("GraphQLObjectType", get_named_type(connection.fields["edges"].type))
    return cast("GraphQLObjectType", get_named_type(edge.fields["node"].type))
