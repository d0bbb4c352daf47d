"""What becomes of a servicer's errors."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import grpc
import pytest
import structlog
from chassis.interceptors import STATUS_BYTES, Refusal, Refusing, refusal_for, status_of
from chassis.metrics import CallMetrics
from google.protobuf import wrappers_pb2
from google.rpc import error_details_pb2
from grpc_status import rpc_status

Text = wrappers_pb2.StringValue


class NoSuchThingError(Exception):
    """A thing is not there."""


class NoSuchToyError(NoSuchThingError):
    """A toy is not there."""


TABLE = {
    NoSuchThingError: lambda error: Refusal(
        grpc.StatusCode.NOT_FOUND,
        "NO_SUCH_THING",
        str(error),
        {"name": "teddy"},
        violations=[("field", "is wrong")],
        resource=("Toy", "teddy"),
        retry_seconds=1.5,
    )
}


class Toys:
    """A servicer of three calls that do what their request says."""

    def __init__(self) -> None:
        self.begun, self.go_on, self.ended = (asyncio.Event() for _ in range(3))
        self.interrupted = asyncio.Event()

    async def build(self, request: Text, _context: Any) -> Text:
        """Answer when the test says so, and note how it ended."""
        self.begun.set()
        try:
            await self.go_on.wait()
        except asyncio.CancelledError:
            self.interrupted.set()
            raise
        self.ended.set()
        return request

    async def fetch(self, request: Text, _context: Any) -> Text:
        """Answer, or fail."""
        if request.value == "teddy":
            raise NoSuchToyError("there is no teddy")
        if request.value == "broken":
            raise RuntimeError("password hunter2")
        return request

    async def stream(self, request: Text, _context: Any) -> AsyncGenerator[Text]:
        """Answer once, then fail if asked to."""
        yield request
        await self.fetch(request, _context)

    def add_to(self, server: grpc.aio.Server) -> None:
        """Offer both calls."""
        codec = {"request_deserializer": Text.FromString, "response_serializer": Text.SerializeToString}
        methods = {
            "Build": grpc.unary_unary_rpc_method_handler(self.build, **codec),  # type: ignore[arg-type]
            "Await": grpc.unary_unary_rpc_method_handler(self.build, **codec),  # type: ignore[arg-type]
            "Fetch": grpc.unary_unary_rpc_method_handler(self.fetch, **codec),  # type: ignore[arg-type]
            "Stream": grpc.unary_stream_rpc_method_handler(self.stream, **codec),  # type: ignore[arg-type]
        }
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("toys.Toys", methods),))


@asynccontextmanager
async def toys(metrics: CallMetrics) -> AsyncIterator[tuple[Any, Any]]:
    """A server of toys: its unary and its streaming call."""
    refusing = Refusing(TABLE, domain="toys", internal_reason="INTERNAL", metrics=metrics)
    server = grpc.aio.server(interceptors=[refusing])
    Toys().add_to(server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        codec = {"request_serializer": Text.SerializeToString, "response_deserializer": Text.FromString}
        yield channel.unary_unary("/toys.Toys/Fetch", **codec), channel.unary_stream("/toys.Toys/Stream", **codec)
    await server.stop(None)


@asynccontextmanager
async def building(method: str) -> AsyncIterator[tuple[Toys, Any]]:
    """A server of toys on which one call has begun; `Await` is a long poll."""
    refusing = Refusing(TABLE, domain="toys", internal_reason="INTERNAL", metrics=CallMetrics(), long_polls=("Await",))
    servicer = Toys()
    server = grpc.aio.server(interceptors=[refusing])
    servicer.add_to(server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        codec = {"request_serializer": Text.SerializeToString, "response_deserializer": Text.FromString}
        call: Any = channel.unary_unary(f"/toys.Toys/{method}", **codec)(Text(value="teddy"))
        await asyncio.wait_for(servicer.begun.wait(), 10)
        yield servicer, call
    await server.stop(None)


async def test_a_call_is_brought_to_its_end_without_its_caller() -> None:
    """What a call has begun to store is told of, even if whoever called is gone when it is stored."""
    async with building("Build") as (servicer, call):
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
    assert not servicer.interrupted.is_set()
    servicer.go_on.set()
    await asyncio.wait_for(servicer.ended.wait(), 10)


async def test_a_long_poll_ends_with_its_caller() -> None:
    """Nobody waits for one who is gone."""
    async with building("Await") as (servicer, call):
        call.cancel()
        await asyncio.wait_for(servicer.interrupted.wait(), 10)


async def caught(call: Any) -> grpc.aio.AioRpcError:
    """The refusal of a call, unary or streaming, after whatever it answered."""

    async def to_the_end() -> None:
        if hasattr(call, "read"):
            while await call.read() is not grpc.aio.EOF:
                pass
        else:
            await call

    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await asyncio.wait_for(to_the_end(), 10)
    return raised.value


@pytest.mark.parametrize("kind", [0, 1], ids=["unary", "stream"])
async def test_an_error_is_refused_as_its_nearest_row_says(kind: int) -> None:
    """A derived class without a row takes its base's, with all details, in unary calls and in streams."""
    metrics = CallMetrics()
    async with toys(metrics) as calls:
        error = await caught(calls[kind](Text(value="teddy")))
    assert (error.code(), error.details()) == (grpc.StatusCode.NOT_FOUND, "there is no teddy")
    status = rpc_status.from_call(error)
    assert status is not None
    details = [
        error_details_pb2.ErrorInfo(reason="NO_SUCH_THING", domain="toys", metadata={"name": "teddy"}),
        error_details_pb2.BadRequest(
            field_violations=[error_details_pb2.BadRequest.FieldViolation(field="field", description="is wrong")]
        ),
        error_details_pb2.ResourceInfo(resource_type="Toy", resource_name="teddy"),
        error_details_pb2.RetryInfo(),
    ]
    details[3].retry_delay.FromMilliseconds(1_500)
    assert [any_.type_url.rpartition(".")[2] for any_ in status.details] == [
        type(detail).__name__ for detail in details
    ]
    for packed, detail in zip(status.details, details, strict=True):
        seen = type(detail)()
        assert packed.Unpack(seen)
        assert seen == detail


@pytest.mark.parametrize("kind", [0, 1], ids=["unary", "stream"])
async def test_an_unknown_error_is_an_incident(kind: int) -> None:
    """The caller gets an id and nothing else; the log has the id and the error."""
    with structlog.testing.capture_logs() as logs:
        async with toys(CallMetrics()) as calls:
            error = await caught(calls[kind](Text(value="broken")))
    assert error.code() == grpc.StatusCode.INTERNAL
    status = rpc_status.from_call(error)
    assert status is not None
    info = error_details_pb2.ErrorInfo()
    status.details[0].Unpack(info)
    incident = info.metadata["incident_id"]
    assert (info.reason, len(incident)) == ("INTERNAL", 32)
    assert incident in str(error.details())
    assert "hunter2" not in str(error.details())
    (logged,) = [line for line in logs if line["log_level"] == "error"]
    assert logged["incident_id"] == incident
    assert isinstance(logged["exc_info"], RuntimeError)


async def test_calls_are_counted_by_code() -> None:
    """Answers and refusals, unary calls and streams are counted apart."""
    metrics = CallMetrics()
    async with toys(metrics) as (fetch, stream):
        assert (await fetch(Text(value="ball"))).value == "ball"
        await caught(fetch(Text(value="teddy")))
        assert [answer.value async for answer in stream(Text(value="ball"))] == ["ball"]

    def counted(method: str, code: str) -> float | None:
        labels = {"method": f"/toys.Toys/{method}", "code": code}
        return metrics.registry.get_sample_value("grpc_server_handled_total", labels)

    assert [counted("Fetch", "OK"), counted("Fetch", "NOT_FOUND"), counted("Stream", "OK")] == [1, 1, 1]


def test_a_class_without_any_row_has_none() -> None:
    """Only the table decides."""
    assert refusal_for(TABLE, RuntimeError()) is None


@pytest.mark.parametrize("count", [1, 5, 40, 5_000])
def test_a_refusal_fits_into_the_trailing_metadata(count: int) -> None:
    """However many fields are wrong, and however long their names, the status is small and says how many are left out."""
    violations = [(f"field[{number}]" + "đ" * (number % 7) * 50, "is wrong" * 60) for number in range(count)]
    refusal = Refusal(
        grpc.StatusCode.INVALID_ARGUMENT, "BAD", "x" * 10_000, {"name": "y" * 10_000}, violations, ("T", "z" * 10_000)
    )
    status = status_of(refusal, "toys")
    assert status.ByteSize() <= STATUS_BYTES
    bad = error_details_pb2.BadRequest()
    assert status.details[1].Unpack(bad)
    shown = list(bad.field_violations)
    left = count - len(shown)
    if left:
        assert shown[-1].description == f"and {left + 1} more"
    assert shown[0].field.startswith("field[0]")
