"""Jobs whose process dies in the middle of a pull."""

from dataclasses import dataclass

from sync_worker.application.ports.job import OperationResult
from sync_worker.domain.failures import OperationFailure

from tests.fakes.bulk_world import BulkWorld
from tests.fakes.job_context import RecordingJobContext


class Killed(BaseException):
    """The process is gone: nothing is caught, and nothing is said."""


@dataclass
class MortalJob(RecordingJobContext):
    """A job whose process dies when it has reported so often."""

    dies_after: int | None = None

    def check(self) -> None:
        """Die, if it is time to: a step has been read and is not stored yet."""
        if self.dies_after is not None and len(self.reports) >= self.dies_after:
            raise Killed


async def attempt(world: BulkWorld, job: MortalJob) -> OperationResult | None:
    """Run an attempt; None where it died, or failed in a way that the next may mend."""
    try:
        return await world.pull(job)
    except Killed:
        return None
    except OperationFailure as failure:
        if not failure.retryable:
            raise
        return None
