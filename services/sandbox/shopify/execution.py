"""Execution of a document, with a short way for what almost every field is: a text in a row."""

from functools import cache
from typing import Any

from graphql import (
    DocumentNode,
    ExecutionContext,
    ExecutionResult,
    FieldNode,
    GraphQLObjectType,
    GraphQLScalarType,
    execute,
)
from graphql.pyutils import Path
from graphql.type import get_nullable_type, is_non_null_type

from sandbox.shopify.context import Call
from sandbox.shopify.schema import schema

PLAIN = (str, int, bool)


class QuickExecution(ExecutionContext):
    """Takes plain texts and numbers straight out of a row.

    The library prepares for resolvers, lists, failures and waiting at every field. A page of 250 rows has thousands of
    fields, and none of that can happen in most of them; whatever is not that plain goes the library's way.
    """

    def execute_field(
        self, parent_type: GraphQLObjectType, source: object, field_nodes: list[FieldNode], path: Path
    ) -> Any:  # noqa: ANN401 - any value of an answer
        """Give a field's value."""
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
