"""A refusal as an exception that can be read: code, reason, sentence and details."""

from collections.abc import Mapping
from dataclasses import dataclass

import grpc
from google.rpc import error_details_pb2
from grpc_status import rpc_status


@dataclass(frozen=True, slots=True)
class FieldViolation:
    """One bad field of a request, and what is wrong with it."""

    field: str
    description: str


class Refused(Exception):
    """A service said no.

    `reason` is a value's name of the service's `ErrorReason`, empty when no service of ours answered; `resource` names what
    the refusal is about; `retry_seconds` asks for that much patience.
    """

    def __init__(
        self,
        code: grpc.StatusCode,
        message: str,
        *,
        reason: str = "",
        domain: str = "",
        metadata: Mapping[str, str] | None = None,
        violations: tuple[FieldViolation, ...] = (),
        resource: str = "",
        retry_seconds: float | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.reason = reason
        self.domain = domain
        self.metadata = dict(metadata or {})
        self.violations = violations
        self.resource = resource
        self.retry_seconds = retry_seconds


def refused(error: grpc.RpcError) -> Refused:
    """Read the details of a failed call."""
    call: grpc.Call = error  # type: ignore[assignment]  # every error of a call is one
    found = Refused(call.code(), call.details() or call.code().name)
    status = rpc_status.from_call(_Trailers(call))  # type: ignore[arg-type]  # asks only for these three
    for detail in status.details if status is not None else ():
        info = error_details_pb2.ErrorInfo()
        bad = error_details_pb2.BadRequest()
        resource = error_details_pb2.ResourceInfo()
        retry = error_details_pb2.RetryInfo()
        if detail.Unpack(info):
            found.reason, found.domain, found.metadata = info.reason, info.domain, dict(info.metadata)
        elif detail.Unpack(bad):
            found.violations = tuple(FieldViolation(one.field, one.description) for one in bad.field_violations)
        elif detail.Unpack(resource):
            found.resource = resource.resource_name
        elif detail.Unpack(retry):
            found.retry_seconds = retry.retry_delay.ToNanoseconds() / 1e9
    return found


class _Trailers:
    """What `grpc_status` reads of a call, whether it is of grpc or of grpc.aio."""

    def __init__(self, call: grpc.Call) -> None:
        self._call = call

    def code(self) -> grpc.StatusCode:
        """The status code."""
        return self._call.code()

    def details(self) -> str:
        """The sentence; never None, since `grpc_status` compares it."""
        return self._call.details() or ""

    def trailing_metadata(self) -> tuple[tuple[str, str | bytes], ...]:
        """The trailing metadata, None taken for none."""
        return tuple(self._call.trailing_metadata() or ())
