"""What a report leads to beside its answer, on a real store."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from chassis.database import DatabaseUnavailableError
from job_tracker.adapters.store.job_store import SqlJobStore
from job_tracker.adapters.store.moment import of_clock
from job_tracker.application.changes import Changes, of_job
from job_tracker.application.create_job import NewJob, create_job
from job_tracker.application.ports.job_store import ClaimRequest
from job_tracker.application.tracker import Tracker
from job_tracker.application.work_on_job import JobReport, update_many, update_progress
from job_tracker.application.workers import Workers
from job_tracker.domain.moves import Report
from job_tracker.domain.progress import Progress

from tests.fakes.tracker_world import CountedTokens, TrackerClock, tracker_database


class UnnotedWorkers(SqlJobStore):
    """A store that is away whenever a worker is to be noted."""

    async def note_worker(
        self, worker_id: str, *, types: tuple[str, ...] | None, listening: bool, limited_to: str = ""
    ) -> None:
        """Refuse."""
        raise DatabaseUnavailableError("away")


@pytest.fixture
async def tracker(tmp_path: Path) -> AsyncIterator[Tracker]:
    """The world of the use cases, where no worker can be noted."""
    async with tracker_database(tmp_path) as database:
        clock = TrackerClock()
        store = UnnotedWorkers(database, of_clock(clock))
        yield Tracker(
            store=store,
            workers=Workers(store, clock, 15.0),
            changes=Changes(),
            clock=clock,
            new_id=lambda: "job",
            new_token=CountedTokens(),
            uniform=lambda low, _high: low,
        )


@pytest.mark.parametrize("batched", [False, True])
async def test_what_is_stored_is_told_even_when_the_worker_cannot_be_noted(tracker: Tracker, batched: bool) -> None:
    """Watchers hear of a report that is stored, whatever fails after it."""
    made = await create_job(tracker, NewJob("", "", "T", claim=ClaimRequest("", "w", (), 1, 30.0)))
    assert made.claimed is not None
    said = JobReport("job", made.claimed.lease.token, 1, Report(Progress(processed=1, successful=1)))
    with tracker.changes.subscribe(of_job("job")) as subscription:
        with pytest.raises(DatabaseUnavailableError):
            await (update_many(tracker, [said]) if batched else update_progress(tracker, said))
        assert (await tracker.store.get("job")).progress.processed == 1
        assert list(subscription.take()) == ["job"]
