"""Looks at every commit, and at what workers believe, and says at once when something is as it must not be."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from job_tracker.adapters.store.claiming import SET_BACK_MICROS
from job_tracker.domain.job import EventKind, Job
from job_tracker.domain.locks import Lock, compatible
from job_tracker.domain.moves import Now
from job_tracker.domain.states import HELD, MOVES, State

from tests.fakes.memory_tables import EventRow, Tables
from tests.simulation.history import Invariant, Violation

LEGAL = {(source, target) for (source, _), targets in MOVES.items() for target in targets}


@dataclass(slots=True)
class Belief:
    """What a worker holds to be so: it has a job, and its locks, until a moment of its own steady clock."""

    worker_id: str
    job_id: str
    token: str
    fence: int
    locks: tuple[Lock, ...]
    until: float = 0.0
    let_go: bool = False


@dataclass(slots=True)
class EndedLease:
    """When a lease ended, and whether its worker ended it."""

    step: int
    by_worker: bool


class Steps(Protocol):
    """Tells how far a run is."""

    steps: int

    def time(self) -> float:
        """Seconds since the run began."""
        ...


@dataclass
class Judge:
    """The invariants. Where the store's clock jumps, what workers believe of time is no fact any more: `jumps`."""

    loop: Steps
    report: Callable[[Violation], None]
    record: Callable[[str, str], None]
    jumps: bool = False
    ended: dict[str, EndedLease] = field(default_factory=dict)
    events: dict[str, list[EventRow]] = field(default_factory=dict)
    removed: set[str] = field(default_factory=set)
    beliefs: list[Belief] = field(default_factory=list)
    key_fences: dict[str, int] = field(default_factory=dict)
    made: dict[str, str] = field(default_factory=dict)
    highest_fence: int = 0

    def committed(self, before: Tables, after: Tables, now: Now) -> None:
        """Judge a commit by what it changed.

        Raises:
            Violation: Something is as it must not be.
        """
        if before.jobs is after.jobs:
            return
        claimed = []
        for job_id, job in after.jobs.items():
            old = before.jobs.get(job_id)
            if old is not job:
                self._judge(old, job, before, after, now)
                if job.lease is not None and (old is None or old.lease is None or old.lease.token != job.lease.token):
                    claimed.append((job.lease.fence, job, old))
        for fence, job, old in sorted(claimed, key=lambda one: one[0]):
            self._judge_claim(old, job, fence, before, after, now)
        for job_id, old in before.jobs.items():
            if job_id not in after.jobs:
                self._hold(Invariant.DELETED, old.final and not before.standing_rows(old), f"{job_id} in {old.state}")
                self.removed.add(job_id)

    def _judge(self, old: Job | None, job: Job, before: Tables, after: Tables, now: Now) -> None:
        told = after.events.get(job.job_id, ())[len(before.events.get(job.job_id, ())) :]
        self.events.setdefault(job.job_id, []).extend(told)
        for row in told:
            event = row.event
            self.record("store", f"{job.job_id} {event.kind} {event.to_state} r{event.revision} by {event.actor}")
        self._judge_events(old, job, told)
        counts = job.progress
        added = counts.successful + counts.failed + counts.skipped
        fits = counts.processed == added and (counts.total is None or counts.processed <= counts.total)
        self._hold(Invariant.COUNTS, fits, f"{job.job_id}: {counts}")
        self._hold(Invariant.ONE_LEASE, (job.state in HELD) == (job.lease is not None), f"{job.job_id} is {job.state}")
        old_lease = None if old is None else old.lease
        if old is not None:
            self._judge_step(old, job, told, now)
        if old_lease is not None and (job.lease is None or job.lease.token != old_lease.token):
            by_worker = job.ended_lease is not None and job.ended_lease.token == old_lease.token
            self.ended[old_lease.token] = EndedLease(self.loop.steps, by_worker)

    def _judge_events(self, old: Job | None, job: Job, told: tuple[EventRow, ...]) -> None:
        state: State | None = None if old is None else old.state
        for row in told:
            event = row.event
            moved = (state, event.to_state)
            legal = event.from_state is state and (state is event.to_state or moved in LEGAL)
            self._hold(Invariant.LEGAL_MOVES, legal, f"{job.job_id}: {event.kind} from {event.from_state}, was {state}")
            state = event.to_state
        self._hold(Invariant.LEGAL_MOVES, state is job.state, f"{job.job_id} is {job.state}, and told to be {state}")

    def _judge_step(self, old: Job, job: Job, told: tuple[EventRow, ...], now: Now) -> None:
        self._hold(Invariant.FINAL_IS_FINAL, not old.final, f"{job.job_id} was {old.state}, is {job.state}")
        rises = job.revision >= old.revision + bool(told) and job.attempt >= old.attempt
        self._hold(
            Invariant.ONLY_RISES, rises, f"{job.job_id}: {old.revision}/{old.attempt} {job.revision}/{job.attempt}"
        )
        kinds = {row.event.kind for row in told}
        lost = EventKind.LEASE_LOST in kinds
        used = EventKind.ATTEMPT_FAILED in kinds or (lost and old.state is State.RUNNING)
        right = job.attempts_used == old.attempts_used + used and job.attempts_used <= job.max_attempts
        self._hold(
            Invariant.ATTEMPTS, right, f"{job.job_id}: {old.attempts_used}, then {job.attempts_used}: {sorted(kinds)}"
        )
        if lost and old.lease is not None:
            late = old.lease.deadline <= now.steady
            self._hold(Invariant.LEASE_TIME, late, f"{job.job_id} at {now.steady}, deadline {old.lease.deadline}")

    def _judge_claim(self, old: Job | None, job: Job, fence: int, before: Tables, after: Tables, now: Now) -> None:
        self._hold(Invariant.ONLY_RISES, fence > self.highest_fence, f"fence {fence} after {self.highest_fence}")
        self.highest_fence = fence
        if old is not None:
            due = old.not_before is None or old.not_before <= now.wall or old.update_time > now.wall + SET_BACK_MICROS
            waits = old.paused or job.type in before.pauses or not due
            self._hold(Invariant.CLAIMABLE, not waits, job.job_id)
        for other in after.jobs.values():
            if other is job or other.final or not other.ticket or not _exclude(job.locks, other.locks):
                continue
            self._hold(Invariant.LOCKS, other.state not in HELD, f"{job.job_id} and {other.job_id}")
            self._hold(Invariant.TICKETS, other.ticket > job.ticket, f"{job.job_id} before {other.job_id}")
        for lock in job.locks:
            if lock.exclusive:
                self.key_fences[lock.key] = fence

    def created(self, request_id: str, job_id: str) -> None:
        """Judge that a request has created a job."""
        first = self.made.setdefault(request_id, job_id)
        self._hold(Invariant.ONE_JOB, not request_id or first == job_id, f"{request_id} made {first} and {job_id}")

    def accepted(self, belief: Belief, began: int, *, final: bool) -> None:
        """Judge that a call under a lease, begun at a step, was answered as if the lease were good."""
        ended = self.ended.get(belief.token)
        stale = ended is not None and ended.step < began and not (final and ended.by_worker)
        self._hold(Invariant.ONE_LEASE, not stale, f"{belief.worker_id} with {belief.token} of {belief.job_id}")

    def believes(self, belief: Belief, until: float) -> None:
        """Judge that a worker may go on until a moment."""
        belief.until = max(belief.until, until)
        now = self.loop.time()
        self.beliefs = [one for one in self.beliefs if one.until > now and not one.let_go and one is not belief]
        if not self.jumps and belief.until > now:
            for other in self.beliefs:
                apart = other.job_id != belief.job_id and not _exclude(belief.locks, other.locks)
                names = f"{belief.worker_id} of {belief.job_id}, {other.worker_id} of {other.job_id}"
                self._hold(Invariant.ONE_HOLDER, apart, names)
        self.beliefs.append(belief)

    def wrote_outside(self, key: str, fence: int, *, was_frozen: bool) -> None:
        """Judge an outside write that was accepted. A worker that froze on the way may come before its successor does."""
        if not was_frozen and not self.jumps:
            highest = self.key_fences.get(key, 0)
            self._hold(Invariant.OUTSIDE, fence >= highest, f"{key} under {fence}, {highest} was given")

    def ended_well(self, job_id: str, job: Job | None) -> None:
        """Judge that a worker was told that its job has ended."""
        self._hold(Invariant.ANSWERED_IS_STORED, job is None or job.final, f"{job_id} was answered as ended")

    def _hold(self, invariant: Invariant, fact: object, what: str) -> None:
        if not fact:
            violation = Violation(invariant, what)
            self.report(violation)
            raise violation


def _exclude(mine: tuple[Lock, ...], theirs: tuple[Lock, ...]) -> bool:
    return any(not compatible(one, other) for one in mine for other in theirs)
