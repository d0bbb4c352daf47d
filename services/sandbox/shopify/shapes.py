"""Shapes: selections compiled once, by which rows are shown without asking the library field by field.

A page of 250 rows has thousands of fields; nearly all of them are texts that lie ready in a row.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    SelectionSetNode,
    get_named_type,
)
from graphql.execution.values import get_argument_values
from graphql.type import is_non_null_type

from sandbox.shopify.rows import Row


class NoShapeError(Exception):
    """The selection has something in it that only the library can do (directives, abstract types)."""


@dataclass(frozen=True, slots=True)
class Part:
    """A field of a shape: where it goes, what it is, what it is asked with, and the shape of what is below it."""

    key: str
    name: str
    owner: str
    arguments: dict[str, Any]
    below: "Shape | None"
    is_connection: bool
    may_be_null: bool = False

    def value(self, row: Row, info: Any) -> Any:  # noqa: ANN401 - a value of a row
        """Find what a row has for the field."""
        if self.name == "__typename":
            return self.owner
        value = row.get(self.name)
        return value(info, **self.arguments) if callable(value) else value


@dataclass(frozen=True, slots=True)
class Shape:
    """What is shown of a row."""

    parts: list[Part] = field(default_factory=list)

    def show(self, row: Row, info: Any) -> Row:  # noqa: ANN401 - what resolvers get: something with a context
        """Show a row, with everything that is below it."""
        return {part.key: _shown(part, row, info) for part in self.parts}


def shape_of(
    selected: SelectionSetNode | None,
    kind: GraphQLObjectType,
    schema: GraphQLSchema,
    fragments: Mapping[str, FragmentDefinitionNode],
    variables: Mapping[str, Any],
) -> Shape:
    """Compile a selection.

    Raises:
        NoShapeError: It cannot be.
        GraphQLError: A field is asked with what it does not take.
    """
    shape = Shape()
    for each in _fields(selected, kind, fragments):
        name, key = each.name.value, (each.alias or each.name).value
        if each.directives:
            raise NoShapeError(key)
        if name == "__typename":
            shape.parts.append(Part(key, name, kind.name, {}, None, False))
            continue
        below: Shape | None = None
        inner = get_named_type(kind.fields[name].type)
        if isinstance(inner, GraphQLObjectType):
            below = shape_of(each.selection_set, inner, schema, fragments, variables)
        elif each.selection_set is not None:
            raise NoShapeError(key)
        arguments = get_argument_values(kind.fields[name], each, dict(variables))
        is_connection = inner.name.endswith("Connection") if inner is not None else False
        nullable = not is_non_null_type(kind.fields[name].type)
        shape.parts.append(Part(key, name, kind.name, arguments, below, is_connection, nullable))
    return shape


def _fields(
    selected: SelectionSetNode | None,
    kind: GraphQLObjectType | GraphQLInterfaceType,
    fragments: Mapping[str, FragmentDefinitionNode],
) -> Iterable[FieldNode]:
    for each in selected.selections if selected else ():
        if isinstance(each, FieldNode):
            yield each
            continue
        fragment = each if isinstance(each, InlineFragmentNode) else fragments[each.name.value]  # type: ignore[attr-defined]
        condition = fragment.type_condition
        if each.directives or (condition is not None and condition.name.value != kind.name):
            raise NoShapeError(kind.name)
        yield from _fields(fragment.selection_set, kind, fragments)


def _shown(part: Part, row: Row, info: Any) -> Any:  # noqa: ANN401 - a value of a row
    if part.is_connection:
        raise NoShapeError(part.key)
    value = part.value(row, info)
    if value is None and not part.may_be_null:
        raise NoShapeError(part.key)  # the library says where it is
    if part.below is None or value is None:
        return value
    if isinstance(value, list):
        return [part.below.show(each, info) for each in value]
    return part.below.show(value, info)
