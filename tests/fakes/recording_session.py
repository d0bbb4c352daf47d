"""A session that reaches no service: it writes down what the command asks SyncWorker for."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

from google.protobuf.message import Message
from nhanhsync.cli.session import Session
from nhanhsync.client import Client
from nhanhsync.sync.v1 import sync_worker_service_pb2

Result = TypeVar("Result")

CALLS = sync_worker_service_pb2.DESCRIPTOR.services_by_name["SyncWorker"].methods_by_name


@dataclass
class RecordingSyncWorker:
    """Answers every call with the empty answer of its own type, and remembers the requests by call."""

    asked: list[tuple[str, Message]] = field(default_factory=list)

    def __getattr__(self, call: str) -> Callable[[Message], Awaitable[Message]]:
        method = CALLS[call]

        async def answer(request: Message) -> Message:
            assert request.DESCRIPTOR is method.input_type
            self.asked.append((call, request))
            return cast(Message, getattr(sync_worker_service_pb2, method.output_type.name)())

        return answer


@dataclass(frozen=True)
class RecordingClient:
    """As much of the client as starting an operation needs."""

    sync: RecordingSyncWorker


class RecordingSession(Session):
    """Runs a command's work with a client that writes down."""

    worker = RecordingSyncWorker()

    def run(self, work: Callable[[Client], Awaitable[Result]]) -> Result:
        """Do the work without any service."""

        async def done() -> Result:
            return await work(cast(Any, RecordingClient(self.worker)))

        return asyncio.run(done())
