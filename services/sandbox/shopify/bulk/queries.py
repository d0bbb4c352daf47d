"""Bulk queries read and checked by Shopify's rules, each compiled to the shape of its rows.

https://shopify.dev/docs/api/usage/bulk-operations/queries#operation-restrictions
"""

from dataclasses import dataclass
from typing import Any, cast

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
)
from graphql.execution.values import get_argument_values

from sandbox.shopify.shapes import NoShapeError, Shape, shape_of

LONGEST_QUERY = 65_535
MOST_CONNECTIONS = 5
DEEPEST = 2
ROOTS = frozenset({"productVariants", "products", "customers", "locations"})
"""Lists that the sandbox runs bulk queries of."""


class BulkQueryError(Exception):
    """Shopify would not run this; says why."""


@dataclass(frozen=True, slots=True)
class BulkQuery:
    """A query that can be run: its one list, what that is asked with, and the shape of its nodes."""

    root: str
    arguments: dict[str, Any]
    shape: Shape


def read_query(text: str, schema: GraphQLSchema) -> BulkQuery:
    """Read and check a bulk query. Page sizes, cursors and orders in it have no effect.

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
    if len(document.definitions) != 1 or not isinstance(document.definitions[0], OperationDefinitionNode):
        raise BulkQueryError("The sandbox runs bulk queries of one operation without fragments.")
    return _read_operation(document.definitions[0], schema)


def _read_operation(operation: OperationDefinitionNode, schema: GraphQLSchema) -> BulkQuery:
    if operation.operation is not OperationType.QUERY:
        raise BulkQueryError("Invalid operation type. Only `query` operations are supported.")
    if operation.variable_definitions:
        raise BulkQueryError("Bulk queries cannot have variables.")
    roots = _fields(operation.selection_set)
    if len(roots) != 1:
        raise BulkQueryError("Bulk queries must contain exactly one top-level field.")
    root = roots[0]
    if root.name.value in ("node", "nodes"):
        raise BulkQueryError("Bulk queries cannot contain a top level `node` field.")
    declared = cast("GraphQLObjectType", schema.query_type).fields[root.name.value]
    kind = get_named_type(declared.type)
    if not isinstance(kind, GraphQLObjectType) or not kind.name.endswith("Connection"):
        raise BulkQueryError("Bulk queries must contain at least one connection.")
    if root.name.value not in ROOTS:
        raise BulkQueryError(f"The sandbox runs bulk queries of {', '.join(sorted(ROOTS))}.")
    if _check(root, kind, depth=1) > MOST_CONNECTIONS:
        raise BulkQueryError(f"Bulk queries cannot contain more than {MOST_CONNECTIONS} connections.")
    try:
        shape = shape_of(_node_of(root).selection_set, _node_type(kind), schema, {}, {})
        return BulkQuery(root.name.value, get_argument_values(declared, root), shape)
    except (NoShapeError, GraphQLError) as error:
        raise BulkQueryError(f"The sandbox cannot run this bulk query: {error}") from None


def _check(connection: FieldNode, kind: GraphQLObjectType, *, depth: int) -> int:
    """Check a connection and those below it; how many there are."""
    name = connection.name.value
    if depth > DEEPEST:
        raise BulkQueryError(f"Bulk queries cannot contain connections with a nesting depth greater than {DEEPEST}.")
    node = _node_of(connection)
    below = sum(
        _check(each, inner, depth=depth + 1) for each, inner in _connections(node.selection_set, _node_type(kind))
    )
    if below and not any(each.name.value == "id" and each.alias is None for each in _fields(node.selection_set)):
        raise BulkQueryError(
            "The parent 'node' field for a nested connection must select the 'id' field without an alias and must be of "
            f"'ID' return type. Connection fields without 'id': {name}."
        )
    return 1 + below


def _connections(
    selected: SelectionSetNode | None, kind: GraphQLObjectType
) -> list[tuple[FieldNode, GraphQLObjectType]]:
    """Find the connections of a node, also those of objects in it."""
    found: list[tuple[FieldNode, GraphQLObjectType]] = []
    for each in _fields(selected):
        declared = kind.fields.get(each.name.value)
        inner = None if declared is None else get_named_type(declared.type)
        if not isinstance(inner, GraphQLObjectType):
            continue
        if inner.name.endswith("Connection"):
            found.append((each, inner))
        else:
            found += _connections(each.selection_set, inner)
    return found


def _node_of(connection: FieldNode) -> FieldNode:
    """Find what a connection selects of its nodes."""
    name = connection.name.value
    fields = _fields(connection.selection_set)
    edges = [each for each in fields if each.name.value == "edges"]
    nodes = [each for edge in edges for each in _fields(edge.selection_set) if each.name.value == "node"]
    if len(nodes) != 1 or any(each.name.value == "nodes" for each in fields):
        raise BulkQueryError(
            "All connection fields in a bulk query must select their contents using 'edges' > 'node', e.g: "
            f"'{name} {{ edges {{ node {{'. Selecting via 'nodes' is not supported. Invalid connection fields: '{name}'."
        )
    return nodes[0]


def _fields(selected: SelectionSetNode | None) -> list[FieldNode]:
    fields = list(selected.selections) if selected else []
    if not all(isinstance(each, FieldNode) for each in fields):
        raise BulkQueryError("The sandbox runs no bulk queries with fragments.")
    return [each for each in fields if isinstance(each, FieldNode)]


def _node_type(connection: GraphQLObjectType) -> GraphQLObjectType:
    edge = cast("GraphQLObjectType", get_named_type(connection.fields["edges"].type))
    return cast("GraphQLObjectType", get_named_type(edge.fields["node"].type))
