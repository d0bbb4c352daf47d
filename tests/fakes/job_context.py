"""A job context that keeps what was reported, for operations under test."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from sync_worker.application.ports.job import Fence
from sync_worker.domain.failures import ItemFailure, WorkStopped
from sync_worker.domain.progress import Progress
from sync_worker.domain.stores import Store

from tests.fakes.open_gate import OpenGate


@dataclass
class RecordingJobContext:
    """One attempt of a job whose reports can be looked at. `stop_after` reports, `check` raises `stop`."""

    store: Store
    job_id: str = "00000000-0000-7000-8000-000000000001"
    attempt: int = 1
    fence: Fence = field(default_factory=lambda: Fence(1, ()))
    gate: OpenGate = field(default_factory=OpenGate)
    reports: list[Progress] = field(default_factory=list)
    failures: list[ItemFailure] = field(default_factory=list)
    stop: WorkStopped | None = None
    stop_after: int = 0
    _reported: asyncio.Event = field(default_factory=asyncio.Event)

    async def until_reported(self, times: int) -> None:
        """Wait until so many reports have been made."""
        while len(self.reports) < times:
            self._reported.clear()
            await self._reported.wait()

    def check(self) -> None:
        """Raise `stop` once enough has been reported."""
        if self.stop is not None and len(self.reports) >= self.stop_after:
            raise self.stop

    async def report(self, progress: Progress, failures: Sequence[ItemFailure] = ()) -> None:
        """Keep the report."""
        self.reports.append(progress)
        self.failures.extend(failures)
        self._reported.set()
