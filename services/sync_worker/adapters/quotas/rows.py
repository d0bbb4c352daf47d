"""Reads what was written down of a limit, whoever wrote it: workers of two releases may share a catalog for a while."""

from collections.abc import Callable
from dataclasses import fields
from typing import Generic, TypeVar

import orjson
import structlog
from pydantic import TypeAdapter

State = TypeVar("State")

log = structlog.get_logger()


class Rows(Generic[State]):
    """Reads states of a kind, a data class, that were written as JSON."""

    def __init__(self, kind: type[State]) -> None:
        self._reader: TypeAdapter[State] = TypeAdapter(kind)
        self._names = {field.name for field in fields(kind)}  # type: ignore[arg-type]  # it has no type for data classes

    def read(self, text: str) -> State:
        """Read one. What its class does not know is passed over.

        Raises:
            ValueError: It is no such state, or lacks something: what is forgotten of a limit could be the calls that were made.
        """
        known = orjson.loads(text)
        lacking = self._names - set(known if isinstance(known, dict) else ())
        if lacking:
            raise ValueError(f"it lacks {', '.join(sorted(lacking))}")
        return self._reader.validate_python(known)


def read_or_hold(key: str, text: str, read: Callable[[str], State], held: Callable[[], State]) -> State:
    """Read what is known of a limit, or else take it to be `held`, and say so in the log."""
    try:
        return read(text)
    except ValueError as error:
        log.warning("what is known of a limit cannot be read: it is taken to be used up", limit=key, error=str(error))
        return held()
