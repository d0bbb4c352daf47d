"""The place that a match or a push has reached, kept in the catalog."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from sync_worker.application.ports.job import Fence, JsonValue


@dataclass(frozen=True, slots=True)
class JobRun:
    """What an earlier attempt left: its cursor, its counts, and its result once only CompleteJob was left to do."""

    cursor: str | None
    state: Mapping[str, JsonValue]
    result: Mapping[str, JsonValue] | None


class JobRuns(Protocol):
    """Keeps the place of jobs that are not pulls."""

    async def load(self, job_id: str) -> JobRun | None:
        """Read what an earlier attempt left, None at the first."""
        ...

    async def finish(
        self, job_id: str, fence: Fence, state: Mapping[str, JsonValue], result: Mapping[str, JsonValue]
    ) -> None:
        """Store the final state and result: from now on only CompleteJob is left.

        Raises:
            LeaseLost: A later attempt has begun.
        """
        ...
