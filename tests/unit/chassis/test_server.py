"""Where a server may listen."""

import socket

import grpc
import pytest
from chassis.server import ListenError, check_listen, serving
from grpc_health.v1 import health_pb2


@pytest.mark.parametrize("listen", ["127.0.0.1:50051", "localhost:0", "[::1]:1", "127.8.8.8:65535"])
def test_loopback_needs_nothing(listen: str) -> None:
    """An address that only this machine reaches is fine as it is."""
    assert check_listen(listen, missing=["TLS", "tokens"]) is None


@pytest.mark.parametrize("listen", ["0.0.0.0:50051", "[::]:1", "192.168.1.5:1", "example.com:1"])
def test_other_addresses_have_to_be_allowed(listen: str) -> None:
    """Without TLS or tokens an address that others reach is refused, and the sentence says how to allow it."""
    fault = check_listen(listen, missing=["TLS", "tokens"])
    assert fault is not None
    assert "without TLS and without tokens" in fault
    assert "--insecure" in fault
    assert check_listen(listen) is None


@pytest.mark.parametrize("listen", ["", "50051", ":50051", "127.0.0.1", "127.0.0.1:http", "127.0.0.1:65536"])
def test_what_is_no_address_is_refused(listen: str) -> None:
    """The sentence shows what an address looks like."""
    fault = check_listen(listen)
    assert fault is not None
    assert "is not host:port" in fault


async def test_a_server_is_healthy_while_it_serves() -> None:
    """Health answers for the named service; after the stop nobody answers, and streams were ended first."""
    ended = []

    async def end_streams() -> None:
        ended.append(True)

    async with serving(
        "127.0.0.1:0", [], service_names=("some.Service",), interceptors=[], end_streams=end_streams
    ) as at:
        assert not at.endswith(":0")
        async with grpc.aio.insecure_channel(at) as channel:
            check = channel.unary_unary(
                "/grpc.health.v1.Health/Check",
                request_serializer=health_pb2.HealthCheckRequest.SerializeToString,
                response_deserializer=health_pb2.HealthCheckResponse.FromString,
            )
            answer = await check(health_pb2.HealthCheckRequest(service="some.Service"))
            assert answer.status == health_pb2.HealthCheckResponse.SERVING
        assert not ended
    assert ended == [True]
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", int(at.rpartition(":")[2]))) != 0


async def test_a_taken_port_is_refused() -> None:
    """Two servers never share a port."""
    async with serving("127.0.0.1:0", [], service_names=(), interceptors=[]) as at:
        with pytest.raises(ListenError, match=f"cannot listen on {at}: Address already in use"):
            async with serving(at, [], service_names=(), interceptors=[]):
                raise AssertionError("it listens")
