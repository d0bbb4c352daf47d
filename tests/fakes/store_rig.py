"""A `JobStore` of any kind under a clock of the test's, with short words for what tests do to it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from chassis.database import open_database
from job_tracker.__main__ import MIGRATIONS
from job_tracker.adapters.store.job_store import SqlJobStore
from job_tracker.adapters.store.moment import of_clock
from job_tracker.application.ports.job_store import (
    Claimed,
    ClaimRequest,
    ConflictPolicy,
    Created,
    Creation,
    Decide,
    JobStore,
)
from job_tracker.domain import moves
from job_tracker.domain.job import Job, prettified
from job_tracker.domain.locks import Lock
from job_tracker.domain.moves import Change, Now, Report

from tests.fakes import postgres
from tests.fakes.memory_job_store import MemoryJobStore
from tests.fakes.tracker_world import CountedTokens, TrackerClock

STORES = ("memory", *postgres.KINDS)

GRACE = 20.0
TTL = 30.0


@dataclass
class StoreRig:
    """A store, its clock, and counters for what must be told apart."""

    kind: str
    store: JobStore
    clock: TrackerClock = field(default_factory=TrackerClock)
    tokens: CountedTokens = field(default_factory=CountedTokens)
    made: int = 0
    claims: int = 0

    def now(self) -> Now:
        """The present moment."""
        return self.clock.now()

    async def create(
        self,
        *locks: Lock,
        policy: ConflictPolicy = ConflictPolicy.FAIL,
        request: str = "",
        content: str = "c",
        claim: ClaimRequest | None = None,
        **job: Any,
    ) -> Created:
        """Create a job: job-1, job-2 and so on, of type T unless another is given."""
        self.made += 1
        named = {"type": "T", "variant": "", "store_id": "", "params": {}, "labels": {}, "priority": 0} | job
        named = {"max_attempts": 3, "retry_of_job_id": "", "parent_job_id": "", "created_by": "somebody"} | named
        named = {"display_name": prettified(named["type"])} | named
        wanted = Job(f"job-{self.made}", locks=tuple(locks), create_time=0, update_time=0, **named)
        return await self.store.create(Creation(wanted, policy, request, content, claim, GRACE), self.tokens)

    def request(self, *types: str, most: int = 1, worker: str = "w1", **more: Any) -> ClaimRequest:
        """Ask for work under a new request id."""
        self.claims += 1
        named = {"request_id": f"claim-{self.claims}", "ttl": TTL} | more
        return ClaimRequest(worker_id=worker, types=types or ("T",), max_jobs=most, **named)

    async def claim(self, *types: str, most: int = 1, worker: str = "w1", **more: Any) -> list[Claimed]:
        """Claim jobs."""
        return await self.store.claim(self.request(*types, most=most, worker=worker, **more), self.tokens)

    async def claimed(self, *types: str, **more: Any) -> list[str]:
        """Claim jobs; their ids."""
        return [one.job.job_id for one in await self.claim(*types, **more)]

    async def running(self, *locks: Lock, worker: str = "w1", **job: Any) -> Claimed:
        """Create a job and claim it."""
        claim = self.request(job.get("type", "T"), worker=worker)
        made = (await self.create(*locks, claim=claim, **job)).job
        assert made.lease is not None
        return Claimed(made, made.lease, b"")

    async def report(self, held: Claimed, sequence: int = 1, **said: Any) -> Change:
        """Report on a job."""
        return await self.change(
            held.job.job_id, lambda job, now: moves.update(job, held.lease.token, sequence, Report(**said), now)
        )

    async def complete(self, held: Claimed, **said: Any) -> Change:
        """Complete a job."""
        return await self.change(
            held.job.job_id,
            lambda job, now: moves.complete(job, held.lease.token, "done", Report(**said), {"n": 1}, "done", now),
        )

    async def cancel(self, job_id: str) -> Change:
        """Cancel a job."""
        return await self.change(job_id, lambda job, now: moves.cancel(job, "why", "operator", GRACE, now))

    async def end_grace(self, job_id: str) -> Change:
        """End a job whose worker does not let go."""
        return await self.change(job_id, moves.end_grace)

    async def change(self, job_id: str, decide: Decide) -> Change:
        """Change a job."""
        return await self.store.change(job_id, decide)

    async def kinds(self, job_id: str) -> list[str]:
        """Read the kinds of a job's events."""
        return [one.event.kind.value for one in await self.store.events(job_id, after=None, limit=100)]


@asynccontextmanager
async def store_rig(kind: str, folder: Path) -> AsyncIterator[StoreRig]:
    """An empty store of one of `STORES`."""
    clock = TrackerClock()
    if kind == "memory":
        yield StoreRig(kind, MemoryJobStore(clock.now), clock)
        return
    with postgres.fresh_database(kind, folder, MIGRATIONS) as url:
        database = await open_database(url, migrations=MIGRATIONS)
        try:
            yield StoreRig(kind, SqlJobStore(database, of_clock(clock)), clock)
        finally:
            await database.close()
