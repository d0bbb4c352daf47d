"""What a request costs, by the rules of Shopify's limits page and what answers show.

A scalar costs nothing, an object 1, an abstract type its dearest selection, a mutation 10; a connection of n costs
2 + g(n) times one node, where g(n) = max(1, floor(2 ln n)) and g(0) = 0.
https://shopify.dev/docs/api/usage/limits
"""

import math
from collections.abc import Iterator, Mapping
from typing import Any, cast

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLUnionType,
    InlineFragmentNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    get_named_type,
    is_leaf_type,
    is_list_type,
    value_from_ast_untyped,
)
from graphql.type import get_nullable_type

from sandbox.shopify.gids import kind_of
from sandbox.shopify.selections import fields_of

MUTATION = 10.0
COUNT = 10.0
OWNER_WEIGHTS = {"Order": 10.0, "Product": 4.0, "Collection": 1.0, "Customer": 1.0, "Shop": 1.0}
"""What each owner adds to metafieldsSet since 2026-09-15; others add nothing (Shopify's developer changelog)."""
VALUE_OBJECTS = frozenset({"MoneyV2", "MailingAddress", "PageInfo"})
Composite = GraphQLObjectType | GraphQLInterfaceType | GraphQLUnionType


def growth(rows: int) -> int:
    """Give what a connection of so many rows multiplies its node by; fewer than none are refused later."""
    return 0 if rows <= 0 else max(1, math.floor(2 * math.log(rows)))


class Costing:
    """Computes the cost of one operation; with `data` what it did cost, without what it may."""

    def __init__(
        self,
        schema: GraphQLSchema,
        fragments: Mapping[str, FragmentDefinitionNode],
        operation: OperationDefinitionNode,
        variables: Mapping[str, Any],
    ) -> None:
        self._schema = schema
        self._fragments = fragments
        self._operation = operation
        defaults = {
            each.variable.name.value: value_from_ast_untyped(each.default_value)
            for each in operation.variable_definitions
            if each.default_value is not None
        }
        self._variables = {**defaults, **variables}

    def arguments(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Give the name and the arguments of each field at the root."""
        for field in self._fields(self._operation.selection_set):
            yield field.name.value, self._arguments(field)

    def cost(self, data: Mapping[str, Any] | None = None) -> int:
        """Compute the cost in points."""
        operation = self._operation
        if operation.operation is OperationType.MUTATION:
            root = cast("GraphQLObjectType", self._schema.mutation_type)
            total = sum(self._mutation(field, root) for field in self._fields(operation.selection_set))
        else:
            root = cast("GraphQLObjectType", self._schema.query_type)
            total = self._selection(operation.selection_set, root, data)
        return max(round(total), 1)

    def _mutation(self, field: FieldNode, root: GraphQLObjectType) -> float:
        payload = cast("GraphQLObjectType", get_named_type(root.fields[field.name.value].type))
        below = 0.0
        for direct in self._fields(field.selection_set):
            kind = get_named_type(payload.fields[direct.name.value].type)
            if isinstance(kind, GraphQLObjectType):
                below += self._selection(direct.selection_set, kind, None)
        return MUTATION + self._by_input(field) + below

    def _by_input(self, field: FieldNode) -> float:
        arguments = self._arguments(field)
        match field.name.value:
            case "metafieldsSet":
                given = _entries(arguments.get("metafields"))
                owners = {str(entry["ownerId"]) for entry in given if isinstance(entry, dict) and "ownerId" in entry}
                return sum(OWNER_WEIGHTS.get(kind_of(owner), 0.0) for owner in owners)
            case "productVariantsBulkUpdate":
                return 0.2 * len(_entries(arguments.get("variants")))
            case _:
                return 0.0

    def _selection(self, selected: SelectionSetNode | None, parent: Composite, data: Any) -> float:  # noqa: ANN401
        if selected is None:
            return 0.0
        total, dearest = 0.0, 0.0
        for each in selected.selections:
            if isinstance(each, FieldNode):
                total += self._field(each, parent, data)
                continue
            kind, inner = self._fragment(cast("FragmentSpreadNode | InlineFragmentNode", each), parent)
            cost = self._selection(inner, kind, data)
            if isinstance(parent, GraphQLObjectType):
                total += cost
            else:
                dearest = max(dearest, cost)
        return total + dearest

    def _field(self, field: FieldNode, parent: Composite, data: Any) -> float:  # noqa: ANN401
        name = field.name.value
        if name.startswith("__") or isinstance(parent, GraphQLUnionType):
            return 0.0
        declared = parent.fields[name].type
        kind = get_named_type(declared)
        if is_leaf_type(kind) or not isinstance(kind, GraphQLObjectType | GraphQLInterfaceType | GraphQLUnionType):
            return 0.0
        key = field.alias.value if field.alias else name
        found = data.get(key) if isinstance(data, Mapping) else None
        if isinstance(kind, GraphQLObjectType) and kind.name.endswith("Connection"):
            return self._connection(field, kind, found if data is not None else None)
        if kind.name == "Count":
            return COUNT
        if is_list_type(get_nullable_type(declared)):
            return 1.0 + self._selection(field.selection_set, kind, None)
        own = 0.0 if kind.name in VALUE_OBJECTS else 1.0
        return own + self._selection(field.selection_set, kind, found if data is not None else None)

    def _connection(self, field: FieldNode, kind: GraphQLObjectType, data: Any) -> float:  # noqa: ANN401
        first = self._arguments(field).get("first") or 0
        rows = first if isinstance(first, int) else 0
        node = 0.0
        for direct in self._fields(field.selection_set):
            if direct.name.value == "nodes":
                node += self._node(direct, kind)
            elif direct.name.value == "edges":
                edge = cast("GraphQLObjectType", get_named_type(kind.fields["edges"].type))
                node += sum(
                    self._node(inner, edge)
                    for inner in self._fields(direct.selection_set)
                    if inner.name.value == "node"
                )
        if isinstance(data, Mapping):
            rows = max((len(found) for found in data.values() if isinstance(found, list)), default=0)
        return 2.0 + growth(rows) * node

    def _node(self, field: FieldNode, parent: GraphQLObjectType) -> float:
        kind = cast("GraphQLObjectType", get_named_type(parent.fields[field.name.value].type))
        return 1.0 + self._selection(field.selection_set, kind, None)

    def _fields(self, selected: SelectionSetNode | None) -> Iterator[FieldNode]:
        return fields_of(selected, self._fragments)

    def _fragment(
        self, each: FragmentSpreadNode | InlineFragmentNode, parent: Composite
    ) -> tuple[Composite, SelectionSetNode]:
        if isinstance(each, FragmentSpreadNode):
            fragment = self._fragments[each.name.value]
            name, inner = fragment.type_condition.name.value, fragment.selection_set
        else:
            name = each.type_condition.name.value if each.type_condition else parent.name
            inner = each.selection_set
        return cast("Composite", self._schema.type_map[name]), inner

    def _arguments(self, field: FieldNode) -> dict[str, Any]:
        return {each.name.value: value_from_ast_untyped(each.value, self._variables) for each in field.arguments}


def _entries(given: object) -> list[Any]:
    """Give the entries of an input list; GraphQL takes one value for a list of one, and refuses nothing yet."""
    return given if isinstance(given, list) else [] if given is None else [given]
