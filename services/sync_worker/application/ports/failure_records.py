"""What JobTracker has on record of items that failed."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class FailurePage:
    """A page of a job's item failures, by their items' keys; an item has one for each stage that failed.

    `next_page` is empty at the end. `total` counts all that the job has reported, those that were not stored included.
    """

    item_keys: tuple[str, ...]
    next_page: str
    total: int


class FailureRecords(Protocol):
    """Tells what failed in jobs, of this worker or of others."""

    async def failure_page(self, job_id: str, page: str) -> FailurePage:
        """Read a page, the first for "".

        Raises:
            TrackerRefusal: JobTracker said no: there is no such job, or not any more.
            TrackerUnavailable: No answer came.
        """
        ...
