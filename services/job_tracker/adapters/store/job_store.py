"""`JobStore` on a database: each method hands a unit of work to the runner."""

from collections.abc import Callable, Sequence

import orjson
from chassis.database import Database
from sqlalchemy import Connection
from sqlalchemy.dialects.sqlite import insert

from job_tracker.adapters.store import creating, moving, reading, reaping
from job_tracker.adapters.store.positions import read_position
from job_tracker.adapters.store.tables import job_types
from job_tracker.application.ports.job_store import (
    Claimed,
    ClaimRequest,
    Created,
    Creation,
    Filter,
    JobKey,
    Moved,
    PlacedEvent,
    Seen,
    Stats,
)
from job_tracker.domain.job import ItemFailure, Job, JobType
from job_tracker.domain.moves import Change, Now


class SqlJobStore:
    """Keeps jobs in a database; see `JobStore` for what each method promises."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def create(self, creation: Creation, now: Now, new_token: Callable[[], str]) -> Created:
        """Store a job, or find the one that this request made before."""
        return await self._database.write(lambda c: creating.create(c, creation, now, new_token))

    async def change(self, job_id: str, decide: Callable[[Job], Change]) -> Change:
        """Let `decide` look at a job as it is, and store what it answers."""
        return await self._database.write(lambda c: moving.change_job(c, job_id, decide))

    async def claim(self, request: ClaimRequest, now: Now, new_token: Callable[[], str]) -> list[Claimed]:
        """Claim what may run."""
        return await self._database.write(lambda c: creating.claim(c, request, now, new_token))

    async def any_claimable(self, request: ClaimRequest, now: Now) -> bool:
        """Whether `claim` would find anything."""
        return await self._database.read(lambda c: creating.any_claimable(c, request, now))

    async def overdue(self, now: Now) -> list[str]:
        """Find held jobs whose lease or grace has run out."""
        return await self._database.read(lambda c: reaping.overdue(c, now))

    async def free_locks(self, now: Now) -> bool:
        """Free the locks that stood on for a revoked lease."""
        if not await self._database.read(lambda c: reaping.any_locks_to_free(c, now)):
            return False
        return await self._database.write(lambda c: reaping.free_locks(c, now))

    async def forget_requests(self, before: int) -> None:
        """Forget old claim requests."""
        await self._database.write(lambda c: reaping.forget_requests(c, before))

    async def give_leases_a_whole_ttl(self, steady: float, grace: float) -> None:
        """Set every steady time anew after a start."""
        await self._database.write(lambda c: reaping.give_leases_a_whole_ttl(c, steady, grace))

    async def get(self, job_id: str) -> Job:
        """Read a job."""
        return await self._database.read(lambda c: moving.read_job(c, job_id))

    async def see(self, job_id: str, after_revision: int) -> Seen:
        """Read a job with its events after a revision."""
        return await self._database.read(lambda c: reading.see(c, job_id, after_revision))

    async def list_jobs(self, wanted: Filter, *, newest_first: bool, after: JobKey | None, limit: int) -> list[Job]:
        """Read jobs in order of creation."""
        return await self._database.read(lambda c: reading.list_jobs(c, wanted, newest_first, after, limit))

    async def list_moving(self, wanted: Filter, since: int | None, after: JobKey | None, limit: int) -> list[Seen]:
        """Read jobs that are not final, and those with events from a position on."""
        return await self._database.read(lambda c: reading.list_moving(c, wanted, since, after, limit))

    async def position(self) -> int:
        """Find the position after everything that is committed."""
        return await self._database.read(read_position)

    async def moved(self, since: int) -> Moved:
        """Find the jobs with events from a position on."""
        return await self._database.read(lambda c: reading.moved(c, since))

    async def matching(self, job_ids: Sequence[str], wanted: Filter) -> list[Job]:
        """Read those of some jobs that a filter selects."""
        return await self._database.read(lambda c: reading.matching(c, job_ids, wanted))

    async def events(self, job_id: str, *, after: tuple[int, int] | None, limit: int) -> list[PlacedEvent]:
        """Read a job's events."""
        return await self._database.read(lambda c: reading.events(c, job_id, after, limit))

    async def failures(
        self, job_id: str, *, codes: tuple[str, ...], after: tuple[str, str] | None, limit: int
    ) -> list[ItemFailure]:
        """Read a job's item failures."""
        return await self._database.read(lambda c: reading.failures(c, job_id, codes, after, limit))

    async def cancelling_of(self, worker_id: str) -> list[Job]:
        """Read the jobs of a worker that somebody asked to cancel."""
        return await self._database.read(lambda c: reading.cancelling_of(c, worker_id))

    async def stats(self, store_ids: tuple[str, ...], created_from: int | None, created_before: int | None) -> Stats:
        """Count jobs."""
        return await self._database.read(lambda c: reading.stats(c, store_ids, created_from, created_before))

    async def register_types(self, types: Sequence[JobType]) -> list[JobType]:
        """Store types, and answer with all of them."""

        def unit(connection: Connection) -> list[JobType]:
            for one in types:
                values = {"display_name": one.display_name, "variants": orjson.dumps(one.variants).decode()}
                connection.execute(
                    insert(job_types)
                    .values(type=one.type, **values)
                    .on_conflict_do_update(index_elements=["type"], set_=values)
                )
            return reading.registered_types(connection)

        return await self._database.write(unit)

    async def types(self) -> list[JobType]:
        """Read the registered types."""
        return await self._database.read(reading.registered_types)
