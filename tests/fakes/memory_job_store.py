"""A `JobStore` in memory, for simulations: it passes the same suite as the one on databases.

Every method does its work in one piece, without waiting: it is a transaction as a serialisable database would run it. A unit
writes into a copy, so one that raises leaves nothing behind.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

import orjson
from job_tracker.adapters.store.claiming import ANSWER_BYTES, SET_BACK_MICROS
from job_tracker.application.ports.job_store import (
    Claimed,
    ClaimRequest,
    Created,
    Creation,
    Decide,
)
from job_tracker.domain import moves
from job_tracker.domain.errors import (
    IllegalTransitionError,
    InvalidFieldsError,
    JobTypeNotRegisteredError,
    TrackerError,
)
from job_tracker.domain.job import Asked, Job, JobType, Lease, TypePause
from job_tracker.domain.moves import Change, Now
from job_tracker.domain.registry import check_growth
from job_tracker.domain.states import HELD, State

from tests.fakes import memory_creating, memory_moving
from tests.fakes.memory_reading import MemoryReads
from tests.fakes.memory_tables import ClaimRow, Tables, WorkerRow, seconds_ago

ROUND_SECONDS = 1.0
"""So often it is noted that leases are looked after."""

Result = TypeVar("Result")


class MemoryJobStore(MemoryReads):
    """Keeps jobs in dictionaries; see `JobStore` for what each method promises. `moment` is its clock."""

    def write(self, unit: Callable[[Tables], Result]) -> Result:
        """Run a unit on a copy, and keep the copy if the unit comes to its end."""
        draft = self.tables.copy()
        result = unit(draft)
        self.commit(draft)
        return result

    def commit(self, draft: Tables) -> None:
        """Keep what a unit has made."""
        self.tables = draft

    def store_change(self, tables: Tables, change: Change) -> Change:
        """Store what was decided."""
        return memory_moving.store_change(tables, change)

    def is_free(self, tables: Tables, job: Job) -> bool:
        """Whether no earlier incompatible place stands: the one rule of create, queue and claim."""
        return not any(True for lock in job.locks for _ in tables.in_the_way(lock, job.ticket))

    async def create(self, creation: Creation, new_token: Callable[[], str]) -> Created:
        """Store a job, or find the one that this request made before."""

        def unit(tables: Tables) -> Created:
            now = self.moment()
            made = memory_creating.made_before(tables, creation)
            if made is not None:
                return made
            made = memory_creating.create(tables, creation, now, self.store_change)
            job = made.job
            free = job.ticket and job.type not in tables.pauses and self.is_free(tables, job)
            if made.created and creation.claim is not None and free:
                job = self._claim_one(tables, job, creation.claim, now, new_token())
                made = replace(made, job=job, claimed=True)
            self.remember(tables, creation, job, now)
            return made

        return self.write(unit)

    def remember(self, tables: Tables, creation: Creation, job: Job, now: Now) -> None:
        """Keep what was created under a request id."""
        memory_creating.remember(tables, creation, job, now)

    async def change(self, job_id: str, decide: Decide) -> Change:
        """Let `decide` look at a job as it is, and store what it answers."""
        return self.write(lambda tables: self._change(tables, job_id, decide))

    async def change_if_free(self, job_id: str, decide: Decide) -> Change | None:
        """Do as `change` does, unless there is no such job; in memory nobody is ever in the way."""
        if job_id not in self.tables.jobs:
            return None
        return await self.change(job_id, decide)

    async def change_many(self, decisions: Sequence[tuple[str, Decide]]) -> list[Change | TrackerError]:
        """Do as `change` does with each of some jobs, in one transaction."""

        def unit(tables: Tables) -> list[Change | TrackerError]:
            outcomes: dict[int, Change | TrackerError] = {}
            for index, (job_id, decide) in sorted(enumerate(decisions), key=lambda one: one[1][0]):
                try:
                    outcomes[index] = self._change(tables, job_id, decide)
                except TrackerError as refusal:
                    outcomes[index] = refusal
            return [outcomes[index] for index in range(len(decisions))]

        return self.write(unit)

    async def delete(self, job_id: str) -> Job:
        """Remove a job that has ended."""

        def unit(tables: Tables) -> Job:
            job = tables.job(job_id)
            if not job.final:
                raise IllegalTransitionError(job_id, job.state, "DeleteJob")
            if tables.standing_rows(job):
                raise IllegalTransitionError(job_id, job.state, "DeleteJob")
            tables.forget_job(job)
            return job

        return self.write(unit)

    async def remove_ended(self, keep: Mapping[State, float], limit: int) -> dict[State, int]:
        """Remove jobs that ended long ago; one whose locks still stand stays."""

        def unit(tables: Tables) -> dict[State, int]:
            ago = {state: seconds_ago(self.moment(), seconds) for state, seconds in keep.items()}
            old = [
                (job.end_time, job)
                for job in tables.jobs.values()
                if job.end_time is not None and job.state in ago and job.end_time < ago[job.state]
            ]
            old = [one for one in old if not tables.standing_rows(one[1])]
            chosen = [job for _, job in sorted(old, key=lambda one: one[0])[:limit]]
            for job in chosen:
                tables.forget_job(job)
            return dict(Counter(job.state for job in chosen))

        return self.write(unit)

    async def claim(self, request: ClaimRequest, new_token: Callable[[], str]) -> list[Claimed]:
        """Claim what may run."""
        known = self.tables.claims.get(request.request_id)
        if known is not None:
            if known.content_hash != request.content_hash:
                raise InvalidFieldsError([("request_id", "was used before for another claim")])
            return self._still_held(known)

        def unit(tables: Tables) -> list[Claimed]:
            now, size = self.moment(), 0
            claimed: list[Claimed] = []
            for job in self._claimable(tables, request, now)[: request.max_jobs]:
                checkpoint = tables.checkpoints.get(job.job_id, b"")
                size += len(orjson.dumps(job.params)) + len(checkpoint)
                if claimed and size > ANSWER_BYTES:
                    break
                taken = self._claim_one(tables, job, request, now, new_token())
                assert taken.lease is not None
                claimed.append(Claimed(taken, taken.lease, checkpoint))
            if claimed:
                row = ClaimRow(
                    request.content_hash, tuple((one.job.job_id, one.lease.token) for one in claimed), now.wall
                )
                tables.claims[request.request_id] = row
            return claimed

        return self.write(unit)

    async def any_claimable(self, request: ClaimRequest) -> bool:
        """Whether `claim` would find anything."""
        return request.request_id in self.tables.claims or bool(self._claimable(self.tables, request, self.moment()))

    async def begin_watching_leases(self, grace: float, unwatched: float) -> None:
        """Begin leases anew where nobody looked after them: the clock of this store goes on as long as the store does."""
        await self.watch_leases(grace, unwatched)

    async def watch_leases(self, grace: float, unwatched: float) -> bool:
        """Note that leases are looked after, and begin them anew where nobody did; a quiet time is no absence."""
        now = self.moment()
        noted = self.tables.counters.get("looked_after")
        since = None if noted is None else now.steady - noted / 1_000
        anything = any(job.state in HELD for job in self.tables.jobs.values()) or any(
            row.free_at is not None for rows in self.tables.locks.values() for row in rows
        )
        if (since is None and not anything) or (since is not None and 0 <= since < ROUND_SECONDS):
            return False
        anew = anything and since is not None and not -ROUND_SECONDS <= since <= unwatched

        def unit(tables: Tables) -> None:
            if anew:
                memory_moving.begin_leases_anew(tables, now, grace)
            if anything:
                tables.counters["looked_after"] = round(now.steady * 1_000)
            else:
                del tables.counters["looked_after"]

        self.write(unit)
        return anew

    async def free_locks(self) -> bool:
        """Free the locks that stood on for a revoked lease."""
        steady = self.moment().steady
        freed = {
            key: tuple(row for row in rows if row.free_at is None or row.free_at > steady)
            for key, rows in self.tables.locks.items()
            if any(row.free_at is not None and row.free_at <= steady for row in rows)
        }
        if freed:
            self.write(lambda tables: tables.keep_locks(freed))
        return bool(freed)

    async def take_places(self) -> bool:
        """Give jobs whose time has come their place."""
        wall = self.moment().wall
        due = [
            (job.not_before, job.job_id)
            for job in self.tables.jobs.values()
            if job.state is State.PENDING and not job.ticket and job.not_before is not None and job.not_before <= wall
        ]

        def unit(tables: Tables) -> None:
            for _, job_id in sorted(due)[:100]:
                placed = replace(tables.jobs[job_id], ticket=tables.raise_counter("ticket"))
                tables.jobs[job_id] = placed
                tables.stand_in_line(placed)

        if due:
            self.write(unit)
        return bool(due)

    async def forget(self, *, claims_after: float, creations_after: float, workers_after: float) -> None:
        """Forget what nobody asks for any more."""
        now, holding = self.moment(), {job.worker_id for job in self.tables.jobs.values() if job.state in HELD}
        claims, creations = seconds_ago(now, claims_after), seconds_ago(now, creations_after)
        silent = seconds_ago(now, workers_after)

        def unit(tables: Tables) -> None:
            tables.claims = {name: row for name, row in tables.claims.items() if row.time >= claims}
            tables.creations = {
                name: row
                for name, row in tables.creations.items()
                if row.time >= creations or row.job_id in tables.jobs
            }
            tables.workers = {
                name: row for name, row in tables.workers.items() if row.last_seen >= silent or name in holding
            }

        self.write(unit)

    async def note_worker(
        self, worker_id: str, *, types: tuple[str, ...] | None, listening: bool, limited_to: str = ""
    ) -> None:
        """Note that a worker was heard of."""
        wall = self.moment().wall

        def unit(tables: Tables) -> None:
            row = tables.workers.get(worker_id, WorkerRow((), wall, wall, noted_by=limited_to))
            if limited_to not in ("", row.noted_by):
                return
            row = replace(row, last_seen=wall, noted_by=limited_to, types=row.types if types is None else types)
            tables.workers[worker_id] = replace(row, listening=wall) if listening else row

        self.write(unit)

    async def register_types(self, types: Sequence[JobType]) -> list[JobType]:
        """Store types, and answer with these by name. A pause stays."""
        check_growth(await self.types(), types)
        known = {one.type: replace(one, pause=None) for one in types}
        self.write(lambda tables: tables.types.update(known))
        return [self._type(name) for name in sorted(known)]

    async def types(self) -> list[JobType]:
        """Read the registered types by name."""
        return [self._type(name) for name in sorted(self.tables.types)]

    async def pause_type(
        self, job_type: str, paused_by: str, reason: str, asked: Asked
    ) -> tuple[JobType, list[Change]]:
        """Keep a type's jobs from being claimed, and ask something of those who hold one; the first pause stands."""
        self._type(job_type)
        pause = TypePause(paused_by, reason, self.moment().wall)

        def unit(tables: Tables) -> list[Change]:
            tables.pauses.setdefault(job_type, pause)
            return self._ask(tables, job_type, asked)

        changes = self.write(unit)
        return self._type(job_type), changes

    async def resume_type(self, job_type: str) -> tuple[JobType, list[Change]]:
        """Let a type's jobs be claimed, and ask nothing more of those who hold one."""
        self._type(job_type)

        def unit(tables: Tables) -> list[Change]:
            tables.pauses.pop(job_type, None)
            return self._ask(tables, job_type, Asked.NOTHING)

        changes = self.write(unit)
        return self._type(job_type), changes

    def _ask(self, tables: Tables, job_type: str, asked: Asked) -> list[Change]:
        held = [job for _, job in sorted(tables.jobs.items()) if job.type == job_type and job.state in HELD]
        return [self._change(tables, job.job_id, lambda job, _now: moves.ask(job, asked)) for job in held]

    def _change(self, tables: Tables, job_id: str, decide: Decide) -> Change:
        change = decide(tables.job(job_id), self.moment())
        return self.store_change(tables, change) if change.changed else change

    def _claimable(self, tables: Tables, request: ClaimRequest, now: Now) -> list[Job]:
        found = [
            job
            for job in tables.jobs.values()
            if job.state is State.PENDING
            and job.type in request.types
            and (not request.stores or job.store_id in request.stores)
            and job.ticket
            and not job.paused
            and (job.not_before is None or job.not_before <= now.wall or job.update_time > now.wall + SET_BACK_MICROS)
            and job.type not in tables.pauses
            and self.is_free(tables, job)
        ]
        return sorted(found, key=lambda job: (-job.priority, job.ticket))

    def _claim_one(self, tables: Tables, job: Job, request: ClaimRequest, now: Now, token: str) -> Job:
        fence = tables.raise_counter("fence", now.wall // 1_000)
        tables.counters.setdefault("looked_after", round(now.steady * 1_000))
        lease = Lease(token, fence, request.ttl, now.steady + request.ttl, now.steady)
        return self.store_change(tables, moves.claim(job, lease, request.worker_id, now)).job

    def _still_held(self, known: ClaimRow) -> list[Claimed]:
        held = []
        for job_id, token in known.claims:
            job = self.tables.jobs.get(job_id)
            if job is not None and job.lease is not None and job.lease.token == token:
                held.append(Claimed(job, job.lease, self.tables.checkpoints.get(job_id, b"")))
        return held

    def _type(self, name: str) -> JobType:
        if name not in self.tables.types:
            raise JobTypeNotRegisteredError(name)
        return replace(self.tables.types[name], pause=self.tables.pauses.get(name))
