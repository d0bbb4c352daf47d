"""`JobStore` on a database: each method hands a unit of work to the runner."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from chassis.database import Database
from sqlalchemy import Connection

from job_tracker.adapters.store import (
    claiming,
    creating,
    moving,
    reading,
    reaping,
    registering,
    retention,
    workers,
)
from job_tracker.adapters.store.moment import Moment
from job_tracker.adapters.store.positions import forget_foreign_positions, read_position
from job_tracker.application.ports.job_store import (
    Claimed,
    ClaimRequest,
    Created,
    Creation,
    Decide,
    Filter,
    Glimpse,
    JobKey,
    Moved,
    PlacedEvent,
    Seen,
    Stats,
)
from job_tracker.domain.errors import TrackerError
from job_tracker.domain.job import Asked, ItemFailure, Job, JobType, Worker
from job_tracker.domain.moves import Change, Now
from job_tracker.domain.states import State


class SqlJobStore:
    """Keeps jobs in a database; see `JobStore` for what each method promises.

    Its time is that of `moment.usual` for its kind of database, unless another is given.
    """

    def __init__(self, database: Database, now: Moment) -> None:
        self._database = database
        self._now = now

    async def now(self) -> Now:
        """Tell the present moment."""
        return await self._database.read(self._now)

    async def create(self, creation: Creation, new_token: Callable[[], str]) -> Created:
        """Store a job, or find the one that this request made before."""
        return await self._database.write(lambda c: creating.create(c, creation, self._now, new_token))

    async def change(self, job_id: str, decide: Decide) -> Change:
        """Let `decide` look at a job as it is, and store what it answers."""
        return await self._database.write(lambda c: moving.change_job(c, job_id, partial(self._decided, c, decide)))

    async def change_if_free(self, job_id: str, decide: Decide) -> Change | None:
        """Do as `change` does, unless there is no such job or somebody else is changing it."""
        return await self._database.write(lambda c: moving.change_if_free(c, job_id, partial(self._decided, c, decide)))

    async def change_many(self, decisions: Sequence[tuple[str, Decide]]) -> list[Change | TrackerError]:
        """Do as `change` does with each of some jobs, in one transaction."""

        def unit(connection: Connection) -> list[Change | TrackerError]:
            bound = [(job_id, partial(self._decided, connection, decide)) for job_id, decide in decisions]
            return moving.change_jobs(connection, bound)

        return await self._database.write(unit)

    async def delete(self, job_id: str) -> Job:
        """Remove a job that has ended."""
        return await self._database.write(lambda c: moving.delete_job(c, job_id))

    async def remove_ended(self, keep: Mapping[State, float], limit: int) -> dict[State, int]:
        """Remove jobs that ended long ago."""
        return await self._database.write(lambda c: retention.remove_ended(c, keep, limit, self._now(c)))

    async def claim(self, request: ClaimRequest, new_token: Callable[[], str]) -> list[Claimed]:
        """Claim what may run."""
        return await self._database.write(lambda c: claiming.claim(c, request, self._now, new_token))

    async def any_claimable(self, request: ClaimRequest) -> bool:
        """Whether `claim` would find anything."""
        return await self._database.read(lambda c: claiming.any_claimable(c, request, self._now(c)))

    async def begin_watching_leases(self, grace: float, unwatched: float) -> None:
        """Begin leases anew where nobody looked after them, or where the clock that they were measured with has ended."""
        await self._database.write(forget_foreign_positions)
        if self._database.dialect == "postgresql":
            await self.watch_leases(grace, unwatched)
        else:
            await self._database.write(lambda c: reaping.give_leases_a_whole_ttl(c, self._now(c), grace))

    async def watch_leases(self, grace: float, unwatched: float) -> bool:
        """Note that leases are looked after."""
        if not await self._database.read(lambda c: reaping.must_note(c, self._now(c))):
            return False
        return await self._database.write(lambda c: reaping.watch_leases(c, self._now, grace, unwatched))

    async def overdue(self) -> list[str]:
        """Find held jobs whose lease or grace has run out."""
        return await self._database.read(lambda c: reaping.overdue(c, self._now(c)))

    async def free_locks(self) -> bool:
        """Free the locks that stood on for a revoked lease."""
        if not await self._database.read(lambda c: reaping.any_locks_to_free(c, self._now(c))):
            return False
        return await self._database.write(lambda c: reaping.free_locks(c, self._now(c)))

    async def take_places(self) -> bool:
        """Give jobs whose time has come their place."""
        if not await self._database.read(lambda c: creating.any_places_to_take(c, self._now(c))):
            return False
        return await self._database.write(lambda c: creating.take_places(c, self._now(c)))

    async def forget(self, *, claims_after: float, creations_after: float, workers_after: float) -> None:
        """Forget what nobody asks for any more."""
        await self._database.write(
            lambda c: reaping.forget(c, self._now(c), claims_after, creations_after, workers_after)
        )

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

    async def count_selected(self, wanted: Filter, after: JobKey | None) -> int:
        """Count the jobs that a filter selects, after a place."""
        return await self._database.read(lambda c: reading.count_selected(c, wanted, after))

    async def retried(self, job_ids: Sequence[str]) -> set[str]:
        """Find those of some jobs that another job repeats."""
        return await self._database.read(lambda c: reading.retried(c, job_ids))

    async def events(self, job_id: str, *, after: tuple[int, int] | None, limit: int) -> list[PlacedEvent]:
        """Read a job's events."""
        return await self._database.read(lambda c: reading.events(c, job_id, after, limit))

    async def failures(
        self, job_id: str, *, codes: tuple[str, ...], after: tuple[str, str] | None, limit: int
    ) -> list[ItemFailure]:
        """Read a job's item failures."""
        return await self._database.read(lambda c: reading.failures(c, job_id, codes, after, limit))

    async def asked_of(self, worker_ids: Sequence[str]) -> list[tuple[Job, str]]:
        """Read the jobs that workers hold and of which something is asked."""
        return await self._database.read(lambda c: reading.asked_of(c, worker_ids))

    async def glimpse(self, job_ids: Sequence[str]) -> list[Glimpse]:
        """Look at those of some jobs that there are."""
        return await self._database.read(lambda c: reading.glimpse(c, job_ids))

    async def glimpse_moving(self, ended_within: float) -> list[Glimpse]:
        """Look at all jobs that are not final, and at those that ended within the last seconds."""

        def unit(connection: Connection) -> list[Glimpse]:
            return reading.glimpse_moving(connection, self._now(connection).wall - round(ended_within * 1_000_000))

        return await self._database.read(unit)

    async def stats(self, store_ids: tuple[str, ...], created_from: int | None, created_before: int | None) -> Stats:
        """Count jobs."""
        return await self._database.read(lambda c: reading.stats(c, store_ids, created_from, created_before))

    async def register_types(self, registered: Sequence[JobType]) -> list[JobType]:
        """Store types, and answer with these."""
        return await self._database.write(lambda c: registering.register_types(c, registered))

    async def types(self) -> list[JobType]:
        """Read the registered types."""
        return await self._database.read(registering.registered_types)

    async def pause_type(
        self, job_type: str, paused_by: str, reason: str, asked: Asked
    ) -> tuple[JobType, list[Change]]:
        """Keep a type's jobs from being claimed."""
        return await self._database.write(
            lambda c: registering.pause_type(c, job_type, paused_by, reason, asked, self._now(c))
        )

    async def resume_type(self, job_type: str) -> tuple[JobType, list[Change]]:
        """Let a type's jobs be claimed."""
        return await self._database.write(lambda c: registering.resume_type(c, job_type))

    async def note_worker(
        self, worker_id: str, *, types: tuple[str, ...] | None, listening: bool, limited_to: str = ""
    ) -> None:
        """Note that a worker was heard of."""
        await self._database.write(
            lambda c: workers.note_worker(c, worker_id, types, listening, limited_to, self._now(c))
        )

    async def workers(self, after: str, limit: int, listens_for: float) -> list[Worker]:
        """Read workers by name."""
        return await self._database.read(lambda c: workers.list_workers(c, after, limit, listens_for, self._now(c)))

    def _decided(self, connection: Connection, decide: Decide, job: Job) -> Change:
        """Decide on the moment at which the job's row is held, not on that at which the call came."""
        return decide(job, self._now(connection))
