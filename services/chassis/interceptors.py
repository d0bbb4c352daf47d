"""Lets calls in by the door, turns what is raised into a refusal that machines can read, and keeps count of calls."""

import asyncio
import time
import uuid
from collections.abc import AsyncGenerator, Awaitable, Callable, Container, Coroutine, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any, NoReturn, TypeAlias, TypeVar

import grpc
import structlog
from google.protobuf import duration_pb2
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status

from chassis.auth import PermissionDeniedError, UnauthenticatedError
from chassis.door import OPEN, Door, Visitor
from chassis.limits import QuotaExceededError
from chassis.metrics import CallMetrics

log = structlog.get_logger()

# Generic in their stubs alone.
Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"
Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any]"
Answering: TypeAlias = "Callable[[Any, Any], Coroutine[Any, Any, Any]]"
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Refusal:
    """A call that is refused: one gRPC code, one reason of the contract, a sentence, and details where they help.

    `violations` are (field, description) pairs for `BadRequest`; `resource` is a (type, name) pair for `ResourceInfo`;
    `retry_seconds` asks for that much patience in `RetryInfo`. `domain` is the service's own unless another's refusal
    is passed on.
    """

    code: grpc.StatusCode
    reason: str
    message: str
    metadata: Mapping[str, str] = field(default_factory=dict)
    violations: Sequence[tuple[str, str]] = ()
    resource: tuple[str, str] | None = None
    retry_seconds: float | None = None
    domain: str | None = None


ErrorTable = Mapping[type[Exception], Callable[[Any], Refusal]]
"""What each class of error is refused with; a derived class without a row of its own takes its nearest base's."""


def refusal_for(table: ErrorTable, error: Exception) -> Refusal | None:
    """Find the row of an error's class, or of its nearest base."""
    for cls in type(error).__mro__:
        make = table.get(cls)
        if make is not None:
            return make(error)
    return None


def _unauthenticated(error: UnauthenticatedError) -> Refusal:
    return Refusal(grpc.StatusCode.UNAUTHENTICATED, "ERROR_REASON_UNAUTHENTICATED", str(error))


def _denied(error: PermissionDeniedError) -> Refusal:
    metadata = {"call": error.call, "caller": error.caller}
    return Refusal(grpc.StatusCode.PERMISSION_DENIED, "ERROR_REASON_PERMISSION_DENIED", str(error), metadata)


def _over_quota(error: QuotaExceededError) -> Refusal:
    metadata = {"caller": error.caller, "limit": error.limit}
    reason = "ERROR_REASON_QUOTA_EXCEEDED"
    return Refusal(grpc.StatusCode.RESOURCE_EXHAUSTED, reason, str(error), metadata, retry_seconds=error.retry_seconds)


AT_THE_DOOR: ErrorTable = {
    UnauthenticatedError: _unauthenticated,
    PermissionDeniedError: _denied,
    QuotaExceededError: _over_quota,
}
"""What the door refuses with, for every service's table: their contracts name these reasons alike."""

MESSAGE_CHARACTERS = 300
VALUE_CHARACTERS = 200
STATUS_BYTES = 3 * 1024
"""A refusal travels in the trailing metadata, of which a peer takes 8 KiB by default, in base64 and beside its message.
See GRPC_ARG_MAX_METADATA_SIZE in grpc/impl/channel_arg_names.h."""


class ReaderTooSlowError(Exception):
    """The caller did not read the stream that it asked for, and it is given up."""

    def __init__(self, request: Message, seconds: float) -> None:
        super().__init__(f"the stream was not read for {seconds:g} seconds; read faster, or ask for fewer messages")
        self.request = request
        self.seconds = seconds


def status_of(refusal: Refusal, domain: str) -> status_pb2.Status:
    """Write a refusal as `google.rpc.Status` with its details, small enough for the trailing metadata.

    Where there are too many violations for that, the last one says how many more there are.
    """
    violations = [(_short(name), _short(description)) for name, description in refusal.violations]
    named = len(violations)
    while True:
        shown = violations[:named]
        if named < len(violations):
            shown.append(("", f"and {len(violations) - named} more"))
        status = _status(refusal, domain, shown)
        if status.ByteSize() <= STATUS_BYTES or named == 0:
            return status
        named = min(named - 1, named * STATUS_BYTES // status.ByteSize())


def _short(text: str, longest: int = VALUE_CHARACTERS) -> str:
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def _status(refusal: Refusal, domain: str, shown: Sequence[tuple[str, str]]) -> status_pb2.Status:
    details: list[Message] = [
        error_details_pb2.ErrorInfo(
            reason=refusal.reason,
            domain=refusal.domain or domain,
            metadata={name: _short(value) for name, value in refusal.metadata.items()},
        )
    ]
    if shown:
        violations = [
            error_details_pb2.BadRequest.FieldViolation(field=name, description=description)
            for name, description in shown
        ]
        details.append(error_details_pb2.BadRequest(field_violations=violations))
    if refusal.resource is not None:
        kind, name = refusal.resource
        details.append(error_details_pb2.ResourceInfo(resource_type=kind, resource_name=_short(name)))
    if refusal.retry_seconds is not None:
        delay = duration_pb2.Duration()
        delay.FromNanoseconds(int(refusal.retry_seconds * 1e9))
        details.append(error_details_pb2.RetryInfo(retry_delay=delay))
    packed = []
    for detail in details:
        wrapped = AnyMessage()
        wrapped.Pack(detail)
        packed.append(wrapped)
    code: int = refusal.code.value[0]
    return status_pb2.Status(code=code, message=_short(refusal.message, MESSAGE_CHARACTERS), details=packed)


async def brought_to_its_end(work: Coroutine[Any, Any, Result]) -> Result:
    """Await something that goes on by itself if its caller is cancelled."""
    task = asyncio.ensure_future(work)
    task.add_done_callback(lambda done: done.cancelled() or done.exception())  # nobody may be left to hear of it
    return await asyncio.shield(task)


class Refusing(grpc.aio.ServerInterceptor):
    """Stands around every call: asks the door, refuses as the service's error table says, logs, and counts.

    Who is not known at the door is refused before the request is looked at. A stream whose caller does not read for
    `write_seconds` ends with `ReaderTooSlowError`, which the table has to hold.

    A unary call that has begun is brought to its end even when its caller goes away: what it stores is told of, too. Only
    `long_polls`, named by method, end with their caller; they take a seat as streams do.
    """

    def __init__(
        self,
        table: ErrorTable,
        *,
        domain: str,
        internal_reason: str,
        metrics: CallMetrics,
        write_seconds: float = 30.0,
        long_polls: Container[str] = (),
        door: Door | None = None,
    ) -> None:
        self._long_polls = long_polls
        self._door = door or Door()
        self._table = table
        self._domain = domain
        self._internal_reason = internal_reason
        self._metrics = metrics
        self._write_seconds = write_seconds

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], "Awaitable[Handler | None]"],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> "Handler | None":
        """Wrap the handler of a unary or a streaming call; of health, only the stream is counted."""
        handler = await continuation(handler_call_details)
        method = handler_call_details.method
        if handler is None:
            return handler
        inner: Any = handler  # the stubs know only the synchronous shape of a handler's functions
        codec = (inner.request_deserializer, inner.response_serializer)
        if method.startswith(OPEN):
            if not inner.response_streaming:
                return handler
            return grpc.unary_stream_rpc_method_handler(self._open_stream(method, inner.unary_stream), *codec)
        try:
            visitor = self._door.identify(method, handler_call_details.invocation_metadata)
        except Exception as error:  # every kind is refused in its way
            call: Any = self._no_entry(method, error)
            codec = (None, None)  # what a stranger sends is not parsed
        else:
            call = (
                self._stream(method, visitor, inner.stream_stream or inner.unary_stream)
                if inner.response_streaming
                else self._unary(method, visitor, inner.unary_unary)
            )
        if inner.request_streaming:  # reflection
            return grpc.stream_stream_rpc_method_handler(call, *codec)
        if inner.response_streaming:
            return grpc.unary_stream_rpc_method_handler(call, *codec)
        return grpc.unary_unary_rpc_method_handler(call, *codec)

    def _no_entry(self, method: str, error: Exception) -> Callable[[Any, Any], Awaitable[None]]:
        async def answer(_request: object, context: Context) -> None:
            try:
                self._door.turned_away(context.peer())
            except QuotaExceededError as too_often:
                await self._refuse(method, context, too_often, None)
            await self._refuse(method, context, error, None)

        return answer

    def _open_stream(self, method: str, call: Answering) -> Answering:
        async def answer(request: Message, context: Context) -> None:
            try:
                with self._door.seat_of_host(context.peer()):
                    await call(request, context)
            except QuotaExceededError as error:
                await self._refuse(method, context, error, None)

        return answer

    def _unary(self, method: str, visitor: Visitor, call: Answering) -> Answering:
        long_poll = method.rpartition("/")[2] in self._long_polls

        async def answer(request: Message, context: Context) -> Message:
            began = time.perf_counter()
            try:
                async with self._door.passed(method, visitor, request, context.peer(), seated=long_poll):
                    answering = call(request, context)
                    response: Message = await (answering if long_poll else brought_to_its_end(answering))
            except Exception as error:  # every kind is refused in its way
                await self._refuse(method, context, error, time.perf_counter() - began)
            seconds = time.perf_counter() - began
            self._metrics.answered(method, "OK", seconds)
            log.debug("call answered", method=method, code="OK", seconds=round(seconds, 6))
            return response

        return answer

    def _stream(
        self, method: str, visitor: Visitor, call: Callable[[Any, Any], AsyncGenerator[Any, None]]
    ) -> Answering:
        async def answer(request: Message, context: Context) -> None:
            try:
                async with (
                    self._door.passed(method, visitor, request, context.peer(), seated=True),
                    aclosing(call(request, context)) as responses,
                ):
                    async for response in responses:
                        await self._write(context, request, response)
            except Exception as error:  # every kind is refused in its way
                await self._refuse(method, context, error, None)
            self._metrics.answered(method, "OK", None)
            log.debug("stream ended", method=method, code="OK")

        return answer

    async def _write(self, context: Context, request: Message, response: Message) -> None:
        try:
            await asyncio.wait_for(context.write(response), self._write_seconds)
        except TimeoutError:
            raise ReaderTooSlowError(request, self._write_seconds) from None

    async def _refuse(self, method: str, context: Context, error: Exception, seconds: float | None) -> NoReturn:
        if isinstance(error, grpc.aio.AbortError):
            raise error
        refusal = refusal_for(self._table, error)
        if refusal is None:
            incident = uuid.uuid4().hex
            log.error("call failed", method=method, incident_id=incident, exc_info=error)
            refusal = Refusal(
                grpc.StatusCode.INTERNAL,
                self._internal_reason,
                f"a fault of our own; the log has the details under incident {incident}",
                {"incident_id": incident},
            )
        self._metrics.answered(method, refusal.code.name, seconds)
        log.debug(
            "call refused", method=method, code=refusal.code.name, reason=refusal.reason, sentence=refusal.message
        )
        status = status_of(refusal, self._domain)
        try:
            await context.abort(refusal.code, status.message, rpc_status.to_status(status).trailing_metadata)
        except grpc.aio.InternalError:
            raise asyncio.CancelledError from None  # the caller went away before it could be told: that is no fault
        raise AssertionError("abort returned")  # it never does
