"""Finds what other replicas have changed by looking: often where nobody tells, now and then where somebody should have.

It reads only for those who subscribe in this process, and delivers what differs from its last look. What it has not seen
before counts as changed: a subscriber may have read it in another state. A lease that was taken back is not found so; its
worker hears of it in the answer to its next report.
"""

import asyncio
import contextlib

import structlog
from chassis.database import DatabaseUnavailableError

from job_tracker.application.changes import ALL_JOBS, PENDING, Changes, job_of, of_job, of_worker, worker_of
from job_tracker.application.ports.clock import Clock
from job_tracker.application.ports.job_store import Glimpse, JobStore
from job_tracker.application.tracker import Directive, told_of

ALONE_SECONDS = 0.5
"""Between two looks while nobody tells."""
TOLD_SECONDS = 10.0
"""While others tell: a replica may die between its commit and its word."""

OVERLAP_SECONDS = 10.0
"""More than a job's end takes from its moment to its commit."""

log = structlog.get_logger()


class Poller:
    """Looks for the subscribers of one process."""

    def __init__(self, store: JobStore, changes: Changes, clock: Clock) -> None:
        self._store = store
        self._changes = changes
        self._clock = clock
        self._every = ALONE_SECONDS
        self._now = asyncio.Event()
        self._looked = clock.now().steady
        self._jobs: dict[str, Glimpse | None] = {}
        self._directives: dict[tuple[str, str], Directive] = {}

    def look_soon(self, *, told: bool | None = None) -> None:
        """Look at once, and from now on as often as is needed where others tell, or do not (None: as before)."""
        if told is not None:
            self._every = TOLD_SECONDS if told else ALONE_SECONDS
        self._now.set()

    async def look_forever(self) -> None:
        """Look until cancelled. A fault is logged, and the next look makes it good."""
        while True:
            self._now.clear()
            try:
                await self.look()
            except DatabaseUnavailableError as error:
                log.warning("could not look for changes", reason=str(error))
            except Exception:  # it must outlive what one look meets
                log.exception("looking for changes failed")
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._every):
                    await self._now.wait()

    async def look(self) -> None:
        """Look once, and deliver what has changed since the last look.

        Raises:
            DatabaseUnavailableError: Nothing was seen; the next look goes back as far as this one would have.
        """
        began = self._clock.now().steady
        topics = self._changes.topics()
        await self._look_at_jobs(
            watched=[job_id for topic in topics if (job_id := job_of(topic)) is not None],
            back=began - self._looked if ALL_JOBS in topics else None,
        )
        await self._look_at_directives([worker for topic in topics if (worker := worker_of(topic)) is not None])
        if PENDING in topics:
            self._changes.deliver(PENDING, "", None)
        self._looked = began

    async def _look_at_jobs(self, watched: list[str], back: float | None) -> None:
        seen: dict[str, Glimpse | None] = {}
        if back is not None:
            moving = await self._store.glimpse_moving(back + OVERLAP_SECONDS)
            seen |= {glimpse.job_id: glimpse for glimpse in moving}
        rest = [job_id for job_id in watched if job_id not in seen]
        if rest:
            seen |= dict.fromkeys(rest)  # a job that is not there was deleted: that is to be seen, too
            seen |= {glimpse.job_id: glimpse for glimpse in await self._store.glimpse(rest)}
        before, self._jobs = self._jobs, seen
        for job_id, glimpse in seen.items():
            last = before.get(job_id)
            if job_id in before and glimpse == last:
                continue
            urgent = glimpse is None or last is None or glimpse.standing != last.standing
            for topic in (of_job(job_id), ALL_JOBS):
                self._changes.deliver(topic, job_id, None, urgent=urgent)

    async def _look_at_directives(self, workers: list[str]) -> None:
        asked = await self._store.asked_of(workers) if workers else []
        before, self._directives = self._directives, {}
        for job, type_reason in asked:
            told = told_of(job, type_reason)
            self._directives[job.worker_id, told.key] = told.directive
            if before.get((job.worker_id, told.key)) is not told.directive:
                self._changes.deliver(of_worker(job.worker_id), told.key, told)
