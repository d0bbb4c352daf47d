"""What failed in earlier jobs, in memory."""

from dataclasses import dataclass, field

from sync_worker.application.ports.failure_records import FailurePage
from sync_worker.application.refusals import TrackerRefusal, TrackerUnavailable

from tests.fakes.job_tracker import refusal


@dataclass
class FailureRecordsInMemory:
    """`FailureRecords` in pages of `page_size`. `unstored` more are counted for each job than are on record.

    The first `away` calls go unanswered; `refuse` is what every call is refused with.
    """

    keys: dict[str, list[str]]
    page_size: int = 500
    unstored: int = 0
    away: int = 0
    refuse: TrackerRefusal | None = None
    asked: list[tuple[str, str]] = field(default_factory=list)

    async def failure_page(self, job_id: str, page: str) -> FailurePage:
        """Read a page, in the order of keys as JobTracker gives them."""
        self.asked.append((job_id, page))
        if self.away:
            self.away -= 1
            raise TrackerUnavailable
        if self.refuse is not None:
            raise self.refuse
        if job_id not in self.keys:
            raise refusal("JOB_NOT_FOUND", f"there is no job {job_id}")
        keys = sorted(self.keys[job_id])
        start = int(page or 0)
        end = start + self.page_size
        found = tuple(keys[start:end])
        return FailurePage(found, str(end) if end < len(keys) else "", len(keys) + self.unstored)
