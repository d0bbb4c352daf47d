"""Values of several rows as one JSON list, written the same by both kinds of database."""

from typing import Any

from sqlalchemy import ColumnElement, String
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import GenericFunction


class JsonList(GenericFunction[str]):
    """Aggregates the values of a column in the order of further columns, by which the rows must be ordered already."""

    inherit_cache = True
    type = String()

    def __init__(self, value: ColumnElement[Any], *order: ColumnElement[Any]) -> None:
        super().__init__(value, *order)


@compiles(JsonList, "sqlite")
def _on_sqlite(element: JsonList, compiler: Any, **options: Any) -> str:  # noqa: ANN401 - SQLAlchemy's hook
    # It aggregates rows as they come; an ORDER BY within an aggregate is younger than the SQLite of many machines.
    value, *_ = (compiler.process(each, **options) for each in element.clauses)
    return f"json_group_array({value})"


@compiles(JsonList, "postgresql")
def _on_postgresql(element: JsonList, compiler: Any, **options: Any) -> str:  # noqa: ANN401
    # Its own json_agg puts white space between values.
    value, *order = (compiler.process(each, **options) for each in element.clauses)
    listed = f"string_agg(CAST(to_json({value}) AS TEXT), ',' ORDER BY {', '.join(order)})"
    return f"('[' || coalesce({listed}, '') || ']')"
