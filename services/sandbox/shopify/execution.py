"""Execution of a document, with a short way for what almost every field is: a text in a row."""

from functools import cache
from typing import Any, cast

from graphql import (
    DocumentNode,
    ExecutionContext,
    ExecutionResult,
    FieldNode,
    GraphQLError,
    GraphQLObjectType,
    GraphQLScalarType,
    execute,
    get_named_type,
)
from graphql.execution.values import get_argument_values
from graphql.pyutils import Path
from graphql.type import get_nullable_type, is_non_null_type

from sandbox.shopify.context import Call, Info
from sandbox.shopify.schema import schema
from sandbox.shopify.shapes import NoShapeError, shape_of

PLAIN = (str, int, bool)
PAGED = frozenset({"productVariants", "customers", "products"})
"""Lists whose pages are large."""


class QuickExecution(ExecutionContext):
    """Takes plain texts and numbers straight out of a row.

    The library prepares for resolvers, lists, failures and waiting at every field. A page of 250 rows has thousands of
    fields, and none of that can happen in most of them; whatever is not that plain goes the library's way.
    """

    def execute_field(
        self, parent_type: GraphQLObjectType, source: object, field_nodes: list[FieldNode], path: Path
    ) -> Any:  # noqa: ANN401 - any value of an answer
        """Give a field's value."""
        shown = _shown_page(self, parent_type, source, field_nodes) if path.prev is None else None
        if shown is not None:
            return shown
        if type(source) is dict:
            name = field_nodes[0].name.value
            scalar, nullable = _scalar(parent_type, name)
            if scalar is not None:
                value = source.get(name)
                if type(value) in PLAIN:
                    return scalar.serialize(value)
                if value is None and nullable:
                    return None
        return super().execute_field(parent_type, source, field_nodes, path)


def _shown_page(
    context: ExecutionContext, parent: GraphQLObjectType, source: object, field_nodes: list[FieldNode]
) -> Any:  # noqa: ANN401 - any value of an answer
    """Show a whole page of a list at the root by its shape; None where the library has to do it."""
    name = field_nodes[0].name.value
    if name not in PAGED or len(field_nodes) > 1 or parent is not context.schema.query_type:
        return None
    field = parent.fields[name]
    kind = get_named_type(field.type)
    try:
        shape = shape_of(
            field_nodes[0].selection_set,
            cast("GraphQLObjectType", kind),
            context.schema,
            context.fragments,
            context.variable_values,
        )
        asked = get_argument_values(field, field_nodes[0], context.variable_values)
        info = Info(context.context_value, Path(None, (field_nodes[0].alias or field_nodes[0].name).value, None))
        return shape.show(field.resolve(source, info, **asked), info)
    except (NoShapeError, GraphQLError):
        return None  # the library says what is wrong, and where


@cache
def _scalar(parent: GraphQLObjectType, name: str) -> tuple[GraphQLScalarType | None, bool]:
    """Find the scalar of a field that has no resolver of its own, and whether it may be null."""
    field = parent.fields.get(name)
    kind = None if field is None or field.resolve is not None else get_nullable_type(field.type)
    if field is None or not isinstance(kind, GraphQLScalarType):
        return None, False
    return kind, not is_non_null_type(field.type)


def carry_out(document: DocumentNode, variables: dict[str, Any], call: Call) -> ExecutionResult:
    """Execute a document that was found to be right."""
    result = execute(
        schema(),
        document,
        context_value=call,
        variable_values=variables,
        execution_context_class=QuickExecution,
        is_awaitable=_never,
    )
    if not isinstance(result, ExecutionResult):
        raise TypeError("no resolver of the sandbox waits for anything")
    return result


def _never(_value: object) -> bool:
    return False
