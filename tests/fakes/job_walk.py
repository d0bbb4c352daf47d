"""A random walk over the real store, with what must hold after every step."""

import asyncio
import math
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from chassis.database import open_database
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from job_tracker.__main__ import MIGRATIONS
from job_tracker.adapters.store.job_store import SqlJobStore
from job_tracker.adapters.store.moment import of_clock
from job_tracker.adapters.store.tables import job_events, job_locks
from job_tracker.application import (
    cancel_job,
    claim_jobs,
    create_job,
    delete_job,
    pause_job,
    pause_type,
    reap,
    work_on_job,
)
from job_tracker.application.changes import Changes
from job_tracker.application.ports.job_store import Claimed, ClaimRequest, ConflictPolicy, Filter
from job_tracker.application.tracker import Tracker
from job_tracker.application.workers import Workers
from job_tracker.domain.errors import (
    ConflictingJobError,
    IllegalTransitionError,
    JobNotFoundError,
    LeaseLostError,
    ProgressInvalidError,
    TotalNotReachedError,
    TrackerError,
)
from job_tracker.domain.job import Asked, Job, JobType
from job_tracker.domain.locks import Lock, compatible
from job_tracker.domain.moves import Report
from job_tracker.domain.progress import Progress
from job_tracker.domain.states import FINAL, HELD, MOVES, PAUSABLE, State
from sqlalchemy import select

from tests.fakes.postgres import fresh_database
from tests.fakes.tracker_world import CountedTokens, TrackerClock

FAIL, QUEUE, USE_EXISTING, REPLACE = ConflictPolicy
LEGAL = {(source, target) for (source, _), targets in MOVES.items() for target in targets}

locks = st.lists(st.builds(Lock, st.sampled_from("ab"), st.booleans()), max_size=2, unique_by=lambda lock: lock.key)
index = st.integers(0, 7)
small = st.integers(0, 3)
kinds = st.sampled_from(["T", "T", "U"])


@dataclass
class Holding:
    """What a worker believes to hold, and what it said last."""

    claimed: Claimed
    sequence: int = 0
    progress: Progress = field(default_factory=Progress)


async def report_progress(tracker: Tracker, job_id: str, token: str, sequence: int, report: Report) -> Any:
    """Report as the other calls of a worker are made."""
    return await work_on_job.update_progress(tracker, work_on_job.JobReport(job_id, token, sequence, report))


class Walk(RuleBasedStateMachine):
    """Creators, workers that may be lost or late, operators who cancel, pause and delete, and time."""

    kind = "sqlite"

    def __init__(self) -> None:
        super().__init__()
        self.made = ExitStack()
        folder = Path(self.made.enter_context(tempfile.TemporaryDirectory()))
        url = self.made.enter_context(fresh_database(self.kind, folder, MIGRATIONS))
        self.loop = asyncio.new_event_loop()
        self.clock = TrackerClock()
        self.database = self.run(open_database(url, migrations=MIGRATIONS))
        made = CountedTokens()
        store = SqlJobStore(self.database, of_clock(self.clock))
        self.tracker = Tracker(
            store=store,
            workers=Workers(store, self.clock, 15.0),
            changes=Changes(),
            clock=self.clock,
            new_id=lambda: f"job-{made():>09}",
            new_token=CountedTokens(),
            uniform=lambda low, high: (low + high) / 2,
            cancel_grace=20.0,
            unwatched=math.inf,
        )
        self.holdings: list[Holding] = []
        self.jobs: list[str] = []
        self.fences = [0]
        self.before: dict[str, Job] = {}
        self.claims = 0
        self.deleted: set[str] = set()
        self.paused_types: set[str] = set()
        self.run(store.register_types([JobType("T", "T"), JobType("U", "U")]))

    def run(self, work: Any) -> Any:
        """Run a coroutine to its end."""
        return self.loop.run_until_complete(work)

    def teardown(self) -> None:
        """Close the database."""
        self.run(self.database.close())
        self.loop.close()
        self.made.close()

    @initialize(first=st.lists(st.tuples(locks, st.integers(1, 3)), min_size=2, max_size=4))
    def begin(self, first: list[tuple[list[Lock], int]]) -> None:
        """Begin with some jobs under way."""
        for wanted, attempts in first:
            self.create(wanted, QUEUE, 0, attempts, "T", None)
        self.claim(2, "w1")

    @rule(
        wanted=locks,
        policy=st.sampled_from([FAIL, QUEUE, QUEUE, USE_EXISTING, REPLACE]),
        priority=st.integers(-1, 1),
        attempts=st.integers(1, 3),
        kind=kinds,
        later=st.sampled_from([None, None, None, 5]),
    )
    def create(
        self,
        wanted: list[Lock],
        policy: ConflictPolicy,
        priority: int,
        attempts: int,
        kind: str,
        later: int | None,
    ) -> None:
        """Create a job; what becomes of it, and of those in its way, is what its policy says of these."""
        new = create_job.NewJob(
            request_id="",
            content_hash="",
            type=kind,
            priority=priority,
            locks=tuple(wanted),
            policy=QUEUE if later else policy,
            max_attempts=attempts,
            not_before=None if later is None else self.clock.now_micros() + later * 1_000_000,
        )
        before = self.all_jobs()
        standing = [] if later else [before[job_id] for job_id in self.in_the_way(wanted)]
        try:
            made = self.run(create_job.create_job(self.tracker, new))
        except ConflictingJobError as refused:
            conflict = refused
        else:
            assert not self.refuses(new, standing)
            self.created(new, made, before, standing)
            return
        assert self.refuses(new, standing)
        assert conflict.job_id in {job.job_id for job in standing}
        assert conflict.lock_key in {lock.key for lock in wanted}
        assert self.all_jobs() == before

    def created(
        self, new: create_job.NewJob, made: create_job.CreateOutcome, before: dict[str, Job], standing: list[Job]
    ) -> None:
        """Look at what a creation did to others: nothing, but for those whose place it takes."""
        after = self.all_jobs()
        if not made.created:
            assert (new.policy, [made.job]) == (USE_EXISTING, standing)
            assert after == before
            return
        self.jobs.append(made.job.job_id)
        assert (made.job.ticket == 0) == (new.not_before is not None)
        cancelled = {job.job_id for job in standing if not job.final} if new.policy is REPLACE else set()
        for job_id, job in before.items():
            assert after[job_id] == job or job_id in cancelled
        assert {after[job_id].state for job_id in cancelled} <= {State.CANCELLED, State.CANCELLING}

    def refuses(self, new: create_job.NewJob, standing: list[Job]) -> bool:
        """Whether a job must be refused for those in its way."""
        if new.policy is REPLACE:
            return any(not job.final and job.type != new.type for job in standing)
        if new.policy is USE_EXISTING and len(standing) == 1:
            return standing[0].final or standing[0].type != new.type
        return bool(standing) and new.policy is not QUEUE

    def in_the_way(self, wanted: list[Lock]) -> list[str]:
        """Those who stand on locks that are not compatible with the wanted ones."""
        rows = self.run(self.database.read(lambda c: c.execute(select(job_locks).order_by(job_locks.c.ticket)).all()))
        found = [
            row.job_id
            for row in rows
            if not all(compatible(Lock(row.lock_key, row.exclusive), lock) for lock in wanted)
        ]
        return list(dict.fromkeys(found))

    def all_jobs(self) -> dict[str, Job]:
        """Every job as it is."""
        jobs = self.run(self.tracker.store.list_jobs(Filter(), newest_first=False, after=None, limit=10_000))
        return {job.job_id: job for job in jobs}

    @rule(most=st.integers(1, 3), worker=st.sampled_from(["w1", "w2"]))
    def claim(self, most: int, worker: str) -> None:
        """Claim what may run: nothing that is paused or not due; each claim's fence is higher than any before."""
        self.claims += 1
        request = ClaimRequest(f"claim-{self.claims}", worker, ("T", "U"), most, 30.0)
        before = self.all_jobs()
        for claimed in self.run(claim_jobs.claim_jobs(self.tracker, request, 0.0)):
            old = before[claimed.job.job_id]
            assert old.state is State.PENDING
            assert not old.paused
            assert old.type not in self.paused_types
            assert old.ticket > 0
            assert old.not_before is None or old.not_before <= self.clock.now_micros()
            assert claimed.lease.fence > self.fences[-1]
            self.fences.append(claimed.lease.fence)
            self.holdings.append(Holding(claimed))

    @precondition(lambda self: self.holdings)
    @rule(
        which=index,
        action=st.sampled_from(["report", "report", "complete", "fail", "fail", "release"]),
        counts=st.tuples(small, small, small),
        total=st.none() | st.integers(0, 30),
        retryable=st.booleans(),
    )
    def work(self, which: int, action: str, counts: tuple[int, int, int], total: int | None, retryable: bool) -> None:
        """Say something under some lease, held or long lost, honestly or not."""
        holding = self.holding(which)
        match action:
            case "report":
                self.report(holding, counts, total)
            case "complete":
                self.under(holding, work_on_job.complete_job, "done", Report(), {}, "")
            case "fail":
                self.fail(holding, retryable)
            case _:
                self.under(holding, work_on_job.release_job, "release", Report(), "")

    def report(self, holding: Holding, more: tuple[int, int, int], total: int | None) -> None:
        """Report counts that rise, and a total that may contradict them."""
        old = holding.progress
        counts = (old.successful + more[0], old.failed + more[1], old.skipped + more[2])
        progress = Progress(total, sum(counts), *counts)
        holding.sequence += 1
        if self.under(holding, report_progress, holding.sequence, Report(progress)):
            holding.progress = progress

    @precondition(lambda self: self.holdings)
    @rule(which=st.lists(index, min_size=1, max_size=4), counts=st.tuples(small, small, small))
    def batch(self, which: list[int], counts: tuple[int, int, int]) -> None:
        """Report on several jobs at once; each is taken, or refused alone, as it would be by itself."""
        holdings = {one.claimed.job.job_id: one for one in map(self.holding, which)}
        before = self.all_jobs()
        said = []
        for job_id, holding in holdings.items():
            old = holding.progress
            more = (old.successful + counts[0], old.failed + counts[1], old.skipped + counts[2])
            holding.sequence += 1
            progress = Progress(None, sum(more), *more)
            said.append(work_on_job.JobReport(job_id, holding.claimed.lease.token, holding.sequence, Report(progress)))
        outcomes = self.run(work_on_job.update_many(self.tracker, said))
        after = self.all_jobs()
        for one, outcome in zip(said, outcomes, strict=True):
            job = before.get(one.job_id)
            if job is None:
                assert isinstance(outcome, JobNotFoundError)
            elif job.lease is None or job.lease.token != one.token:
                assert isinstance(outcome, LeaseLostError)
                assert after[one.job_id] == job
            else:
                assert not isinstance(outcome, TrackerError)
                assert after[one.job_id].progress == one.report.progress
                assert one.report.progress is not None
                holdings[one.job_id].progress = one.report.progress

    def fail(self, holding: Holding, retryable: bool) -> None:
        """Fail: CANCELLED after a cancel, PENDING while it may help and attempts are left, else FAILED."""
        error = ("BROKEN", "it broke", retryable)
        before = self.before.get(holding.claimed.job.job_id)
        if self.under(holding, work_on_job.fail_job, f"fail-{retryable}", Report(), error, None) and before:
            after = self.run(self.tracker.store.get(before.job_id))
            assert after.attempts_used == before.attempts_used + 1
            left = after.attempts_used < before.max_attempts
            expected = State.PENDING if retryable and left else State.FAILED
            assert after.state == (State.CANCELLED if before.cancel_requested else expected)

    @precondition(lambda self: self.jobs)
    @rule(which=index, held=st.sampled_from([True, True, False]))
    def cancel(self, which: int, held: bool) -> None:
        """Cancel some job, or one that a worker believes to hold."""
        job_id = self.some_job(which, held)
        if job_id in self.deleted:
            return
        try:
            state = self.run(cancel_job.cancel_job(self.tracker, job_id, "why", "operator")).state
        except IllegalTransitionError:
            state = self.run(self.tracker.store.get(job_id)).state
            assert state in FINAL - {State.CANCELLED}
        else:
            assert state in (State.CANCELLED, State.CANCELLING)

    def some_job(self, which: int, held: bool) -> str:
        """Some job, or one that a worker believes to hold."""
        if held and self.holdings:
            return self.holding(which).claimed.job.job_id
        return self.jobs[-1 - which % len(self.jobs)]

    @precondition(lambda self: self.jobs)
    @rule(which=index, held=st.booleans(), resume=st.booleans())
    def pause(self, which: int, held: bool, resume: bool) -> None:
        """Pause some job, or let it go on: only what waits or runs, and nothing else of it changes."""
        job_id = self.some_job(which, held)
        if job_id in self.deleted:
            return
        before = self.run(self.tracker.store.get(job_id))
        call = (
            pause_job.resume_job(self.tracker, job_id, "operator")
            if resume
            else pause_job.pause_job(self.tracker, job_id, "why", "operator")
        )
        try:
            after = self.run(call)
        except IllegalTransitionError:
            assert before.state not in PAUSABLE
            assert self.run(self.tracker.store.get(job_id)) == before
        else:
            assert before.state in PAUSABLE
            assert after.paused is not resume
            kept = ("state", "lease", "ticket", "attempt", "attempts_used", "not_before", "progress", "asked")
            assert [getattr(after, name) for name in kept] == [getattr(before, name) for name in kept]

    @rule(kind=kinds, resume=st.booleans(), release=st.booleans())
    def pause_kind(self, kind: str, resume: bool, release: bool) -> None:
        """Pause a type, or let it go on; who holds one of its jobs is asked, or asked no more."""
        if resume:
            self.run(pause_type.resume_type(self.tracker, kind))
            self.paused_types.discard(kind)
        else:
            held = [job for job in self.all_jobs().values() if job.type == kind and job.state in HELD]
            call = pause_type.pause_type(self.tracker, kind, "why", "operator", release_running=release)
            assert self.run(call)[1] == len(held)
            self.paused_types.add(kind)

    @precondition(lambda self: self.jobs)
    @rule(which=index)
    def delete(self, which: int) -> None:
        """Delete some job: only what has ended, and no more holds a lock."""
        job_id = self.some_job(which, held=False)
        before = self.run(self.tracker.store.get(job_id))
        rows = self.run(self.database.read(lambda c: c.execute(select(job_locks)).all()))
        gone = before.final and job_id not in {row.job_id for row in rows}
        try:
            self.run(delete_job.delete_job(self.tracker, job_id))
        except IllegalTransitionError:
            assert not gone
            assert self.run(self.tracker.store.get(job_id)) == before
        else:
            assert gone
            self.jobs.remove(job_id)
            self.deleted.add(job_id)

    @rule(seconds=st.sampled_from([1, 10, 21, 31]))
    def time_passes(self, seconds: int) -> None:
        """Let leases, graces and back-offs run out; the locks of a revoked lease stand until it would have run out."""
        self.clock.advance(seconds)
        now = self.clock.monotonic()
        revoked = {
            job.job_id: job.lease.deadline
            for job in self.before.values()
            if job.lease is not None
            and job.cancel_deadline is not None
            and job.cancel_deadline <= now < job.lease.deadline
        }
        self.run(reap.reap(self.tracker))
        rows = self.run(self.database.read(lambda c: c.execute(select(job_locks)).all()))
        for job_id, deadline in revoked.items():
            standing = {row.lock_key: row.free_at_steady for row in rows if row.job_id == job_id}
            assert standing == {lock.key: deadline for lock in self.before[job_id].locks}
        assert all(row.free_at_steady is None or row.free_at_steady > now for row in rows)
        for job in self.all_jobs().values():
            if job.state is State.PENDING and job.not_before is not None and job.not_before <= self.clock.now_micros():
                assert job.ticket > 0

    def holding(self, which: int) -> Holding:
        """A lease, the latest most often."""
        return self.holdings[-1 - which % len(self.holdings)]

    def under(self, holding: Holding, call: Any, *said: Any) -> bool:
        """Make a worker's call; the lease that the job has is the only one that may move it."""
        job_id, token = holding.claimed.job.job_id, holding.claimed.lease.token
        if job_id in self.deleted:
            with pytest.raises(JobNotFoundError):
                self.run(call(self.tracker, job_id, token, *said))
            return False
        before = self.run(self.tracker.store.get(job_id))
        held = before.lease is not None and before.lease.token == token
        try:
            self.run(call(self.tracker, job_id, token, *said))
        except (LeaseLostError, IllegalTransitionError):
            assert not held
            refused = True
        except (ProgressInvalidError, TotalNotReachedError):
            assert held
            refused = True
        else:
            refused = False
        if refused or not held:
            assert self.run(self.tracker.store.get(job_id)) == before
        return held and not refused

    @invariant()
    def nothing_is_as_it_must_not_be(self) -> None:
        """States move along the table, held jobs hold one lease, locks exclude, counts add up, final is final."""
        jobs = list(self.all_jobs().values())
        assert {job.job_id for job in jobs} == set(self.jobs)
        for job in jobs:
            assert not (job.final and job.paused)
            asked = job.state is State.RUNNING and job.type in self.paused_types
            assert (job.asked is not Asked.NOTHING) == asked
            old = self.before.get(job.job_id)
            assert (job.state in HELD) == (job.lease is not None)
            assert (job.state in FINAL) == (job.end_time is not None)
            progress = job.progress
            assert progress.processed == progress.successful + progress.failed + progress.skipped
            assert job.attempts_used <= min(job.attempt, job.max_attempts)
            if old is not None:
                assert job.revision >= old.revision
                assert job.attempt >= old.attempt
                assert old == job or old.state not in FINAL
        held = [job for job in jobs if job.state in HELD]
        tokens = [job.lease.token for job in held if job.lease is not None]
        assert len(tokens) == len(set(tokens))
        for position, one in enumerate(held):
            for other in held[position + 1 :]:
                assert all(compatible(mine, theirs) for mine in one.locks for theirs in other.locks)
        self.before = {job.job_id: job for job in jobs}
        self.every_event_is_a_legal_move()
        self.locks_belong_to_jobs_that_live_or_may_still_be_written_by()

    def every_event_is_a_legal_move(self) -> None:
        """The history of each job is a path in the table from its creation to where it is."""
        rows = self.run(
            self.database.read(
                lambda c: c.execute(
                    select(job_events).order_by(job_events.c.job_id, job_events.c.revision, job_events.c.ordinal)
                ).all()
            )
        )
        last: dict[str, State] = {}
        for row in rows:
            source = None if row.from_state is None else State(row.from_state)
            target = State(row.to_state)
            assert last.get(row.job_id) == source
            assert source == target or (source, target) in LEGAL
            last[row.job_id] = target
        assert last == {job_id: job.state for job_id, job in self.before.items()}

    def locks_belong_to_jobs_that_live_or_may_still_be_written_by(self) -> None:
        """A lock's row goes with its job, or at the time that its revoked lease would have run out."""
        rows = self.run(self.database.read(lambda c: c.execute(select(job_locks)).all()))
        for row in rows:
            assert (self.before[row.job_id].state in FINAL) == (row.free_at_steady is not None)
        standing = {(row.job_id, row.lock_key) for row in rows}
        for job in self.before.values():
            if not job.ticket:
                assert job.job_id not in {row.job_id for row in rows}
            elif not job.final:
                assert {(job.job_id, lock.key) for lock in job.locks} <= standing
