"""Calls to JobTracker through the doors of its replicas, repeated until they are answered."""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import grpc
from nhanhsync.client.refusals import Refused, refused
from nhanhsync.jobs.v1.job_tracker_service_pb2_grpc import JobTrackerStub

CALL_SECONDS = 2.0
UNANSWERED = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED)
CANCELLED_BY_PEER = grpc.StatusCode.CANCELLED
OPTIONS = (
    ("grpc.lb_policy_name", "round_robin"),
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 500),
    ("grpc.enable_retries", 0),  # who repeats a call here, and when, is what is being tried
    ("grpc.http2.bdp_probe", 0),
)


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer, and the monotonic seconds at which the call was first sent, last sent, and answered."""

    response: Any
    first_sent: float
    last_sent: float
    at: float


class Caller:
    """One participant's channels: one for each kind of call, each naming every replica's door for that kind."""

    def __init__(self, targets: Mapping[str, str]) -> None:
        self._targets = targets
        self._channels: dict[str, grpc.aio.Channel] = {}
        self.unanswered: Counter[str] = Counter()

    def stub(self, kind: str) -> Any:
        """Give the method of a kind of call."""
        if kind not in self._channels:
            self._channels[kind] = grpc.aio.insecure_channel(self._targets[kind], options=OPTIONS)
        return getattr(JobTrackerStub(self._channels[kind]), kind)

    async def call(self, kind: str, request: Any, patience: float = CALL_SECONDS) -> Answered:
        """Make a call until it is answered: every call that is made here is safe to repeat.

        Raises:
            Refused: JobTracker said no.
        """
        method, first = self.stub(kind), time.monotonic()
        while True:
            sent = time.monotonic()
            try:
                response = await method(request, timeout=patience, wait_for_ready=True)
            except grpc.aio.AioRpcError as error:
                if not broken(error):
                    raise refused(error) from error
                self.unanswered[kind] += 1
                await asyncio.sleep(random.uniform(0.05, 0.3))
                continue
            return Answered(response, first, sent, time.monotonic())

    async def close(self) -> None:
        """Close every channel."""
        for channel in self._channels.values():
            await channel.close()


def broken(error: grpc.aio.AioRpcError) -> bool:
    """Whether nobody answered, so that nobody knows whether the call was done. A refusal is an answer, and has a reason."""
    if error.code() in UNANSWERED:
        return True
    return (
        error.code() in (grpc.StatusCode.CANCELLED, grpc.StatusCode.UNKNOWN, grpc.StatusCode.INTERNAL)
        and not refused(error).reason
    )


__all__ = ["Answered", "Caller", "Refused", "broken"]
