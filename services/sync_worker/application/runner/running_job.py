"""The job that an operation sees."""

from collections.abc import Sequence
from dataclasses import dataclass

from sync_worker.application.ports.call_gate import CallGate
from sync_worker.application.ports.job import Fence
from sync_worker.application.runner.reporter import Reporter
from sync_worker.application.runner.stopping import Stopping
from sync_worker.domain.failures import ItemFailure
from sync_worker.domain.progress import Progress
from sync_worker.domain.stores import Store


@dataclass
class RunningJob:
    """`JobContext` of one attempt."""

    job_id: str
    attempt: int
    store: Store
    fence: Fence
    gate: CallGate
    reporter: Reporter
    stopping: Stopping

    def check(self) -> None:
        """Stop here if the job should stop; see `JobContext`."""
        self.stopping.safe_place()

    async def report(self, progress: Progress, failures: Sequence[ItemFailure] = ()) -> None:
        """Say where the job stands; see `JobContext`."""
        await self.reporter.report(progress, failures)
