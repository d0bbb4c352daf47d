"""Reading a request: every field is held against its bound, and all faults are refused together."""

from collections.abc import Hashable, Mapping
from typing import Any, TypeVar

from google.protobuf import timestamp_pb2
from google.protobuf.message import Message

from sync_worker.application.refusals import InvalidFields
from sync_worker.entrypoints.bounds import BOUNDS, Count, Number

Value = TypeVar("Value", bound=Hashable)

NANOS = 1_000_000_000
LATEST_SECONDS = 253_402_300_799
"""9999-12-31T23:59:59Z, the last second of a `google.protobuf.Timestamp`."""


class Reader:
    """Reads the fields of one message, at a path within the request, and collects what is wrong with them."""

    def __init__(self, message: Message, faults: list[tuple[str, str]] | None = None, path: str = "") -> None:
        self.message: Any = message
        self.faults = [] if faults is None else faults
        self._path = path
        self._kind = type(message).__name__

    def inner(self, name: str) -> "Reader":
        """Read a message within this one."""
        return Reader(getattr(self.message, name), self.faults, f"{self._path}{name}.")

    def fault(self, name: str, description: str) -> None:
        """Say that a field is wrong."""
        self.faults.append((f"{self._path}{name}", description))

    def text(self, name: str) -> str:
        """Read a string."""
        value: str = getattr(self.message, name)
        self._check(name, name, value)
        return value

    def number(self, name: str) -> int:
        """Read a number; 0 is what its bound says."""
        value: int = getattr(self.message, name)
        bound = self._check(name, name, value)
        assert isinstance(bound, Number)  # noqa: S101 - the table is ours
        return bound.unset if value == 0 and bound.unset is not None else value

    def values(self, name: str) -> tuple[Any, ...]:
        """Read a list whose elements have a bound of their own; each element once, in the order in which it first came."""
        for index, value in self._elements(name):
            self._check(f"{name}[{index}]", f"{name} value", value)
        return tuple(dict.fromkeys(getattr(self.message, name)))

    def choices(self, name: str, values: Mapping[int, Value]) -> tuple[Value, ...]:
        """Read a list of an enum's values; each once."""
        chosen: dict[Value, None] = {}
        for index, number in self._elements(name):
            if number in values:
                chosen[values[number]] = None
            else:
                self.fault(f"{name}[{index}]", f"has no value {number}" if number else "is missing")
        return tuple(chosen)

    def choice(self, name: str, values: Mapping[int, Value]) -> Value | None:
        """Read an enum; None for a number that is none of its values, which is a fault. `values` says what 0 means."""
        number = getattr(self.message, name)
        if number not in values:
            self.fault(name, f"has no value {number}" if number else "is missing")
            return None
        return values[number]

    def unix_seconds(self, name: str) -> int | None:
        """Read a time as Unix seconds, rounded down; None when it is unset."""
        time = self._time(name)
        return None if time is None else time.seconds

    def unix_micros(self, name: str) -> int | None:
        """Read a time as Unix microseconds, rounded up; None when it is unset."""
        time = self._time(name)
        return None if time is None else time.seconds * 1_000_000 - (-time.nanos // 1_000)

    def refuse_faults(self) -> None:
        """Refuse the request if anything in it is wrong.

        Raises:
            InvalidFields: With every fault.
        """
        if self.faults:
            raise InvalidFields(self.faults)

    def _time(self, name: str) -> timestamp_pb2.Timestamp | None:
        if not self.message.HasField(name):
            return None
        time: timestamp_pb2.Timestamp = getattr(self.message, name)
        if not (0 <= time.nanos < NANOS and 0 <= time.seconds <= LATEST_SECONDS):
            self.fault(name, "must be a time from 1970 to 9999")
            return None
        return time

    def _elements(self, name: str) -> list[tuple[int, Any]]:
        """Give the elements of a list that is not too long, and none of one that is: its length is fault enough."""
        elements = list(getattr(self.message, name))
        bound = self._check(name, name, elements)
        assert isinstance(bound, Count)  # noqa: S101 - the table is ours
        return list(enumerate(elements)) if len(elements) <= bound.most else []

    def _check(self, name: str, rule: str, value: Any) -> Any:  # noqa: ANN401 - as many types as fields have
        bound: Any = BOUNDS[f"{self._kind}.{rule}"]
        fault = bound.fault(value)
        if fault is not None:
            self.fault(name, fault)
        return bound
