"""Metrics of the calls that a service answers, for Prometheus to scrape."""

from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client import CollectorRegistry, Counter, Histogram, start_http_server

from chassis.server import ListenError


class CallMetrics:
    """Counts and times calls by method and status code, in a registry of its own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._calls = Counter(
            "grpc_server_handled_total", "Calls answered.", ("method", "code"), registry=self.registry
        )
        self._seconds = Histogram(
            "grpc_server_handling_seconds", "How long unary calls took.", ("method",), registry=self.registry
        )

    def answered(self, method: str, code: str, seconds: float | None) -> None:
        """Count an answered call; `seconds` is None for a stream, whose length says nothing."""
        self._calls.labels(method, code).inc()
        if seconds is not None:
            self._seconds.labels(method).observe(seconds)

    @contextmanager
    def exposed(self, listen: str) -> Iterator[str]:
        """Serve the metrics over HTTP at `host:port` for as long as the context lasts; gives the address.

        Raises:
            ListenError: The port is busy or not ours to take.
        """
        host, _, port = listen.rpartition(":")
        try:
            server, thread = start_http_server(int(port), addr=host.strip("[]"), registry=self.registry)
        except OSError as error:
            raise ListenError(f"cannot serve metrics on {listen}: {error.strerror or error}") from error
        try:
            yield f"{host}:{server.server_port}"
        finally:
            server.shutdown()
            server.server_close()
            thread.join()
