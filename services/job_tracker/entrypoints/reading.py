"""Reading a request: every field is held against its bound, and all faults are refused together."""

import hashlib
import math
from collections.abc import Mapping
from typing import Any

import orjson
from google.protobuf import duration_pb2, struct_pb2, timestamp_pb2
from google.protobuf.message import Message

from job_tracker.domain.errors import InvalidFieldsError
from job_tracker.domain.job import Json
from job_tracker.entrypoints.bounds import BOUNDS, NO_NUL, NUL, STRUCT_DEPTH, Count, Seconds

NANOS = 1_000_000_000
LATEST_SECONDS = 253_402_300_799
"""9999-12-31T23:59:59Z, the last second of a `google.protobuf.Timestamp`."""


class _MalformedError(Exception):
    """A Struct holds what cannot be kept or answered with."""


class Reader:
    """Reads the fields of one message, at a path within the request, and collects what is wrong with them."""

    def __init__(self, message: Message, faults: list[tuple[str, str]] | None = None, path: str = "") -> None:
        self.message: Any = message
        self.faults = [] if faults is None else faults
        self._path = path
        self._kind = type(message).__name__

    def inner(self, name: str, index: int | None = None) -> "Reader":
        """Read a message within this one, or an element of a list of them."""
        value = getattr(self.message, name)
        if index is None:
            return Reader(value, self.faults, f"{self._path}{name}.")
        return Reader(value[index], self.faults, f"{self._path}{name}[{index}].")

    def fault(self, name: str, description: str) -> None:
        """Say that a field is wrong."""
        self.faults.append((f"{self._path}{name}", description))

    def checked(self, name: str) -> Any:  # noqa: ANN401 - as many types as fields have
        """Read a field and hold it against its bound."""
        value = getattr(self.message, name)
        self.check(name, name, value)
        return value

    def check(self, name: str, rule: str, value: Any) -> bool:  # noqa: ANN401 - as many types as fields have
        """Hold a value against the bound of this message's rule; whether it keeps it."""
        bound: Any = BOUNDS[f"{self._kind}.{rule}"]
        fault = bound.fault(value)
        if fault is not None:
            self.fault(name, fault)
        return fault is None

    def strings(self, name: str) -> tuple[str, ...]:
        """Read a list of strings, each within its own bound."""
        values = tuple(self.checked(name))
        bound = BOUNDS[f"{self._kind}.{name}"]
        assert isinstance(bound, Count)  # noqa: S101 - the table is ours
        for index, value in enumerate(values[: bound.most]):
            self.check(f"{name}[{index}]", f"{name} value", value)
        return values

    def seconds(self, name: str) -> float | None:
        """Read a duration; unset, it is what its bound says."""
        bound = BOUNDS[f"{self._kind}.{name}"]
        assert isinstance(bound, Seconds)  # noqa: S101 - the table is ours
        if not self.message.HasField(name):
            return bound.unset
        duration: duration_pb2.Duration = getattr(self.message, name)
        value = duration.seconds + duration.nanos / NANOS
        self.check(name, name, value)
        return value

    def micros(self, name: str) -> int | None:
        """Read a time as Unix microseconds, None when it is unset."""
        if not self.message.HasField(name):
            return None
        time: timestamp_pb2.Timestamp = getattr(self.message, name)
        if not (0 <= time.nanos < NANOS and 0 <= time.seconds <= LATEST_SECONDS):
            self.fault(name, "must be a time from 1970 to 9999")
            return None
        return time.seconds * 1_000_000 + time.nanos // 1_000

    def json(self, name: str) -> Json:
        """Read a Struct."""
        try:
            value = _object(getattr(self.message, name))
            self.check(name, name, orjson.dumps(value))
        except _MalformedError as error:
            self.fault(name, str(error))
            return {}
        return value

    def choice(self, name: str, values: Mapping[int, Any], unspecified: Any = None) -> Any:  # noqa: ANN401 - any enum
        """Read an enum; 0 is `unspecified`, and a fault when that is None."""
        number = getattr(self.message, name)
        if number == 0 and unspecified is not None:
            return unspecified
        if number not in values:
            self.fault(name, "is missing" if number == 0 else f"has no value {number}")
            return next(iter(values.values()))
        return values[number]

    def refuse_faults(self) -> None:
        """Refuse the request if anything in it is wrong.

        Raises:
            InvalidFieldsError: With every fault.
        """
        if self.faults:
            raise InvalidFieldsError(self.faults)


def content_hash(request: Message, *without: str) -> str:
    """Hash what a request asks for, under the name of its kind; two requests with the same content have the same hash."""
    content = type(request)()
    content.CopyFrom(request)
    for name in without:
        if name in content.DESCRIPTOR.fields_by_name:
            content.ClearField(name)
    digest = hashlib.sha256(type(request).__name__.encode())
    digest.update(content.SerializeToString(deterministic=True))
    return digest.hexdigest()


def _object(struct: struct_pb2.Struct, depth: int = 1) -> dict[str, Any]:
    _bound_depth(depth)
    return {_string(name): _value(value, depth) for name, value in struct.fields.items()}


def _value(value: struct_pb2.Value, depth: int) -> Any:  # noqa: ANN401 - JSON
    kind = value.WhichOneof("kind")
    if kind == "number_value":
        number = value.number_value
        if not math.isfinite(number):
            raise _MalformedError("must hold no NaN and no infinity")
        return int(number) if number.is_integer() and abs(number) <= 2**53 else number
    if kind == "string_value":
        return _string(value.string_value)
    if kind == "struct_value":
        return _object(value.struct_value, depth + 1)
    if kind == "list_value":
        _bound_depth(depth + 1)
        return [_value(element, depth + 1) for element in value.list_value.values]
    if kind == "null_value":
        return None
    if kind is None:
        raise _MalformedError("must hold no value without a kind")
    return getattr(value, kind)


def _string(text: str) -> str:
    if NUL in text:
        raise _MalformedError(NO_NUL)
    return text


def _bound_depth(depth: int) -> None:
    if depth > STRUCT_DEPTH:
        raise _MalformedError(f"must be nested at most {STRUCT_DEPTH} deep")
