"""What `MemoryJobStore` reads: lists by keyset, streams, counts."""

from collections import Counter
from collections.abc import Callable, Sequence

from job_tracker.application.ports.job_store import Filter, Glimpse, JobKey, Moved, PlacedEvent, Seen, Stats
from job_tracker.domain.job import Asked, ItemFailure, Job, Worker
from job_tracker.domain.moves import Now
from job_tracker.domain.states import HELD, State

from tests.fakes.memory_tables import Tables, seconds_ago, selects


class MemoryReads:
    """The reads of a `JobStore` over dictionaries; `moment` is its clock."""

    def __init__(self, moment: Callable[[], Now]) -> None:
        self.moment = moment
        self.tables = Tables()

    async def now(self) -> Now:
        """Tell the present moment."""
        return self.moment()

    async def overdue(self) -> list[str]:
        """Find held jobs whose lease or grace has run out."""
        steady = self.moment().steady

        def late(job: Job) -> bool:
            grace = job.cancel_deadline if job.state is State.CANCELLING else None
            return (job.lease is not None and job.lease.deadline <= steady) or (grace is not None and grace <= steady)

        return sorted(job.job_id for job in self.tables.jobs.values() if job.state in HELD and late(job))

    async def workers(self, after: str, limit: int, listens_for: float) -> list[Worker]:
        """Read workers by name, with what they hold."""
        since = self.moment().wall - listens_for * 1_000_000
        names = sorted(name for name in self.tables.workers if name > after)[:limit]
        held = sorted(job.job_id for job in self.tables.jobs.values() if job.state in HELD)
        return [
            Worker(
                name,
                row.types,
                row.first_seen,
                row.last_seen,
                row.listening is not None and row.listening > since,
                tuple(job_id for job_id in held if self.tables.jobs[job_id].worker_id == name),
            )
            for name in names
            for row in [self.tables.workers[name]]
        ]

    async def retried(self, job_ids: Sequence[str]) -> set[str]:
        """Find those of some jobs that another job repeats."""
        return {job.retry_of_job_id for job in self.tables.jobs.values() if job.retry_of_job_id} & set(job_ids)

    async def get(self, job_id: str) -> Job:
        """Read a job."""
        return self.tables.job(job_id)

    async def see(self, job_id: str, after_revision: int) -> Seen:
        """Read a job with its events after a revision."""
        job = self.tables.job(job_id)
        rows = self.tables.events.get(job_id, ())
        return Seen(job, tuple(row.event for row in rows if row.event.revision > after_revision))

    async def list_jobs(self, wanted: Filter, *, newest_first: bool, after: JobKey | None, limit: int) -> list[Job]:
        """Read jobs in order of creation."""
        found = self._in_order(wanted)
        if newest_first:
            found.reverse()
        if after is not None:
            place = (after.create_time, after.job_id)
            found = [job for job in found if (_place(job) < place if newest_first else _place(job) > place)]
        return found[:limit]

    async def list_moving(self, wanted: Filter, since: int | None, after: JobKey | None, limit: int) -> list[Seen]:
        """Read jobs that are not final, and those with events from a position on, each with those events."""
        place = None if after is None else (after.create_time, after.job_id)
        found = []
        for job in self._in_order(wanted):
            rows = self.tables.events.get(job.job_id, ())
            events = () if since is None else tuple(row.event for row in rows if row.position >= since)
            if (events or not job.final) and (place is None or _place(job) > place):
                found.append(Seen(job, events))
        return found[:limit]

    async def position(self) -> int:
        """Find the position after everything that is committed."""
        return self.tables.counters.get("position", 0) + 1

    async def moved(self, since: int) -> Moved:
        """Find the jobs with events from a position on."""
        last = {job_id: rows[-1] for job_id, rows in self.tables.events.items()}
        revisions = {job_id: row.event.revision for job_id, row in last.items() if row.position >= since}
        return Moved(await self.position(), revisions)

    async def matching(self, job_ids: Sequence[str], wanted: Filter) -> list[Job]:
        """Read those of some jobs that a filter selects."""
        named = set(job_ids)
        return [job for job in self._in_order(wanted) if job.job_id in named]

    async def count_selected(self, wanted: Filter, after: JobKey | None) -> int:
        """Count the jobs that a filter selects, after a place."""
        place = (0, "") if after is None else (after.create_time, after.job_id)
        return sum(_place(job) > place for job in self._in_order(wanted))

    async def events(self, job_id: str, *, after: tuple[int, int] | None, limit: int) -> list[PlacedEvent]:
        """Read a job's events, oldest first."""
        self.tables.job(job_id)
        placed = [PlacedEvent(row.ordinal, row.event) for row in self.tables.events.get(job_id, ())]
        return [one for one in placed if after is None or (one.event.revision, one.ordinal) > after][:limit]

    async def failures(
        self, job_id: str, *, codes: tuple[str, ...], after: tuple[str, str] | None, limit: int
    ) -> list[ItemFailure]:
        """Read a job's item failures by item key and stage."""
        self.tables.job(job_id)
        stored = sorted(self.tables.failures.get(job_id, {}).items())
        return [one for place, one in stored if (not codes or one.code in codes) and (after is None or place > after)][
            :limit
        ]

    async def asked_of(self, worker_ids: Sequence[str]) -> list[tuple[Job, str]]:
        """Read the jobs that workers hold and of which something is asked, each with why its type is paused."""
        pauses = self.tables.pauses
        return [
            (job, pauses[job.type].reason if job.type in pauses else "")
            for _, job in sorted(self.tables.jobs.items())
            if job.state in HELD
            and job.worker_id in worker_ids
            and (job.state is State.CANCELLING or job.paused or job.asked is not Asked.NOTHING)
        ]

    async def glimpse(self, job_ids: Sequence[str]) -> list[Glimpse]:
        """Look at those of some jobs that there are."""
        return [_glimpse(self.tables.jobs[job_id]) for job_id in job_ids if job_id in self.tables.jobs]

    async def glimpse_moving(self, ended_within: float) -> list[Glimpse]:
        """Look at all jobs that are not final, and at those that ended within the last seconds."""
        since = seconds_ago(self.moment(), ended_within)
        return [_glimpse(job) for job in self.tables.jobs.values() if job.end_time is None or job.end_time >= since]

    async def stats(self, store_ids: tuple[str, ...], created_from: int | None, created_before: int | None) -> Stats:
        """Count jobs."""
        window = Filter(store_ids=store_ids, created_from=created_from, created_before=created_before)
        counts = Counter((job.type, job.variant, job.state) for job in self._in_order(window))
        all_times = self._in_order(Filter(store_ids=store_ids))
        pending = [job.create_time for job in all_times if job.state is State.PENDING]
        running = sum(job.state in HELD for job in all_times)
        return Stats(dict(counts), running, len(pending), min(pending, default=None))

    def _in_order(self, wanted: Filter) -> list[Job]:
        return sorted((job for job in self.tables.jobs.values() if selects(wanted, job)), key=_place)


def _place(job: Job) -> tuple[int, str]:
    return (job.create_time, job.job_id)


def _glimpse(job: Job) -> Glimpse:
    return Glimpse(job.job_id, job.revision, f"{job.state} {job.attempt} {job.paused} {job.asked}")
