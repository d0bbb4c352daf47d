"""Bugs planted on purpose: each breaks one rule of the true code in one place. A simulation that misses one is worth little."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from random import Random
from typing import Any
from unittest.mock import patch

from job_tracker.adapters.wakeups.poller import Poller
from job_tracker.application import watch_job
from job_tracker.application.ports.job_store import ConflictPolicy, Creation
from job_tracker.application.tracker import Tracker
from job_tracker.domain import moves
from job_tracker.domain.job import Job, Lease
from job_tracker.domain.locks import compatible
from job_tracker.domain.moves import Change, LockFate, Now

from tests.fakes.memory_tables import Tables
from tests.simulation import plan, scenario
from tests.simulation.history import Invariant
from tests.simulation.plan import Plan
from tests.simulation.world import JudgedStore

FAR_TOO_EARLY = 0.6
"""Of a lease."""


@dataclass(frozen=True)
class Planted:
    """A bug, what it breaks, and how many seeds may pass before it must be found."""

    name: str
    breaks: frozenset[Invariant]
    store_kind: type[JudgedStore] = JudgedStore
    patches: tuple[tuple[object, str, Any], ...] = ()
    seeds: int = 60

    @contextmanager
    def planted(self) -> Iterator[None]:
        """Break the rule for as long as the context lasts."""
        with ExitStack() as stack:
            for target, name, broken in self.patches:
                stack.enter_context(patch.object(target, name, broken))
            yield


def held_by_anybody(job: Job, token: str) -> Lease:
    """Take any token for that of the lease."""
    if job.lease is None:
        raise moves.LeaseLostError(job.job_id, job.attempt)
    return job.lease


true_expire = moves.expire


def expired_early(job: Job, uniform: Callable[[float, float], float], now: Now) -> Change:
    """Take a lease back long before its deadline."""
    early = 0.0 if job.lease is None else job.lease.ttl * FAR_TOO_EARLY
    return true_expire(job, uniform, Now(now.wall, now.steady + early))


class LooksAtAllStore(JudgedStore):
    """Takes every held job for overdue, as a deadline that is compared the wrong way round does."""

    async def overdue(self) -> list[str]:
        """Find held jobs."""
        return sorted(job.job_id for job in self.tables.jobs.values() if job.lease is not None)


class NoTicketsStore(JudgedStore):
    """Looks at who holds a key, and not at who came first."""

    def is_free(self, tables: Tables, job: Job) -> bool:
        """Whether nobody holds an incompatible lock."""
        return not any(
            not compatible(mine, theirs)
            for other in tables.jobs.values()
            if other.lease is not None and other is not job
            for mine in job.locks
            for theirs in other.locks
        )


class ForgetfulEventsStore(JudgedStore):
    """Stores a lost lease, and tells nobody."""

    def store_change(self, tables: Tables, change: Change) -> Change:
        """Store what was decided, without the event of a lost lease."""
        told = tuple(event for event in change.events if event.kind != "LEASE_LOST")
        return super().store_change(tables, replace(change, events=told))


true_release = moves.release


def release_that_uses_up(job: Job, *said: Any) -> Change:
    """Count a job that was given back as one that failed."""
    change = true_release(job, *said)
    if not change.changed:
        return change
    return replace(change, job=replace(change.job, attempts_used=change.job.attempts_used + 1))


class ImpatientReplaceStore(JudgedStore):
    """Frees the locks of a job that is to be replaced when it is asked to end, not when it has."""

    def store_change(self, tables: Tables, change: Change) -> Change:
        """Store what was decided, and free too early."""
        stored = super().store_change(tables, change)
        if stored.job.state_message.startswith("replaced by"):
            tables.free_locks_of(stored.job)
        return stored


class ForgetfulRequestsStore(JudgedStore):
    """Remembers a request only where its job waits for nobody."""

    def remember(self, tables: Tables, creation: Creation, job: Job, now: Now) -> None:
        """Keep what was created under a request id, in some cases."""
        if creation.policy is not ConflictPolicy.QUEUE:
            super().remember(tables, creation, job, now)


true_end_grace = moves.end_grace


def grace_that_frees(job: Job, now: Now) -> Change:
    """Free the locks of a job whose worker did not let go at once, while it may still write."""
    change = true_end_grace(job, now)
    return replace(change, locks=LockFate.GO) if change.changed else change


class ClockFencesStore(JudgedStore):
    """Takes fences from the clock alone."""

    def commit(self, draft: Tables) -> None:
        """Keep what a unit has made, and forget how high fences were."""
        super().commit(draft)
        self.tables.counters.pop("fence", None)


class LyingStore(JudgedStore):
    """Answers that a job is complete, and does not keep it."""

    async def change(self, job_id: str, decide: Callable[[Job, Now], Change]) -> Change:
        """Store what was decided, and take a completion back."""
        before = self.tables
        change = await super().change(job_id, decide)
        if change.job.final and change.changed and change.job.result is not None:
            self.tables = before
        return change


async def looks_at_nothing(_poller: Poller) -> None:
    """Never look."""


def drawn_without_heartbeat(random: Random) -> Plan:
    """Draw a plan whose heartbeat is so long that nobody looks again because of it."""
    return replace(plan.draw(random), heartbeat=1e6)


async def seen_without_what_waited(tracker: Tracker, job_id: str, after: int) -> Any:
    """Read a job, and lose the first event after a resume."""
    seen = await tracker.store.see(job_id, after)
    return replace(seen, events=seen.events[1:] if after else seen.events)


PLANTED = (
    Planted(
        "a stale token is accepted", frozenset({Invariant.ONE_LEASE}), patches=((moves, "_held", held_by_anybody),)
    ),
    Planted(
        "the reaper comes too early",
        frozenset({Invariant.LEASE_TIME}),
        LooksAtAllStore,
        ((moves, "expire", expired_early),),
    ),
    Planted("tickets are ignored", frozenset({Invariant.TICKETS}), NoTicketsStore),
    Planted("an event is not written with its change", frozenset({Invariant.LEGAL_MOVES}), ForgetfulEventsStore),
    Planted(
        "wake-ups are lost and nobody looks",
        frozenset({Invariant.ENDS}),
        patches=((Poller, "look", looks_at_nothing), (scenario, "draw", drawn_without_heartbeat)),
    ),
    Planted(
        "a release uses up an attempt",
        frozenset({Invariant.ATTEMPTS}),
        patches=((moves, "release", release_that_uses_up),),
    ),
    Planted(
        "a replacement starts before the old lease is gone",
        frozenset({Invariant.LOCKS, Invariant.TICKETS}),
        ImpatientReplaceStore,
    ),
    Planted("a request is forgotten", frozenset({Invariant.ONE_JOB}), ForgetfulRequestsStore),
    Planted(
        "locks go at the end of the grace, not of the lease",
        frozenset({Invariant.ONE_HOLDER}),
        patches=((moves, "end_grace", grace_that_frees),),
        seeds=200,
    ),
    Planted("fences follow the clock alone", frozenset({Invariant.ONLY_RISES}), ClockFencesStore),
    Planted(
        "a completion is answered and not stored",
        frozenset({Invariant.ANSWERED_IS_STORED}),
        LyingStore,
    ),
    Planted(
        "a watcher that resumes loses an event",
        frozenset({Invariant.WATCHED}),
        patches=((watch_job, "see_job", seen_without_what_waited),),
    ),
)
