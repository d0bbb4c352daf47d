"""Random walks over the real store never reach what must not be."""

import asyncio
import math
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import pytest
from chassis.database import open_database
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from job_tracker.__main__ import MIGRATIONS
from job_tracker.adapters.store.job_store import SqlJobStore
from job_tracker.adapters.store.moment import of_clock
from job_tracker.adapters.store.tables import job_events, job_locks
from job_tracker.application import cancel_job, claim_jobs, create_job, reap, work_on_job
from job_tracker.application.changes import Changes
from job_tracker.application.ports.job_store import Claimed, ClaimRequest, ConflictPolicy, Filter
from job_tracker.application.tracker import Tracker
from job_tracker.application.workers import Workers
from job_tracker.domain.errors import (
    ConflictingJobError,
    IllegalTransitionError,
    LeaseLostError,
    ProgressInvalidError,
    TotalNotReachedError,
)
from job_tracker.domain.job import Job
from job_tracker.domain.locks import Lock, compatible
from job_tracker.domain.moves import Report
from job_tracker.domain.progress import Progress
from job_tracker.domain.states import FINAL, HELD, MOVES, State
from sqlalchemy import select

from tests.fakes.tracker_world import CountedTokens, TrackerClock

LEGAL = {(source, target) for (source, _), targets in MOVES.items() for target in targets}

locks = st.lists(st.builds(Lock, st.sampled_from("ab"), st.booleans()), max_size=2, unique_by=lambda lock: lock.key)
index = st.integers(0, 7)
small = st.integers(0, 3)


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
    """Creators, workers that may be lost or late, operators who cancel, and time."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.loop = asyncio.new_event_loop()
        self.clock = TrackerClock()
        url = f"sqlite:///{Path(self.folder.name) / 'jobs.db'}"
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

    def run(self, work: Any) -> Any:
        """Run a coroutine to its end."""
        return self.loop.run_until_complete(work)

    def teardown(self) -> None:
        """Close the database."""
        self.run(self.database.close())
        self.loop.close()
        self.folder.cleanup()

    @initialize(first=st.lists(st.tuples(locks, st.integers(1, 3)), min_size=2, max_size=4))
    def begin(self, first: list[tuple[list[Lock], int]]) -> None:
        """Begin with some jobs under way."""
        for wanted, attempts in first:
            self.create(wanted, True, 0, attempts)
        self.claim(2, "w1")

    @rule(wanted=locks, queue=st.booleans(), priority=st.integers(-1, 1), attempts=st.integers(1, 3))
    def create(self, wanted: list[Lock], queue: bool, priority: int, attempts: int) -> None:
        """Create a job; it is refused only for a job that stands on an incompatible lock."""
        new = create_job.NewJob(
            request_id="",
            content_hash="",
            type="T",
            priority=priority,
            locks=tuple(wanted),
            policy=ConflictPolicy.QUEUE if queue else ConflictPolicy.FAIL,
            max_attempts=attempts,
        )
        try:
            self.jobs.append(self.run(create_job.create_job(self.tracker, new)).job.job_id)
        except ConflictingJobError as refused:
            conflict = refused
        else:
            return
        assert not queue
        assert conflict.lock_key in {lock.key for lock in wanted}

    @rule(most=st.integers(1, 3), worker=st.sampled_from(["w1", "w2"]))
    def claim(self, most: int, worker: str) -> None:
        """Claim what may run; each claim's fence is higher than any before."""
        self.claims += 1
        request = ClaimRequest(f"claim-{self.claims}", worker, ("T",), most, 30.0)
        for claimed in self.run(claim_jobs.claim_jobs(self.tracker, request, 0.0)):
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

    def fail(self, holding: Holding, retryable: bool) -> None:
        """Fail: CANCELLED after a cancel, PENDING while it may help and attempts are left, else FAILED."""
        error = ("BROKEN", "it broke", retryable)
        before = self.before[holding.claimed.job.job_id]
        if self.under(holding, work_on_job.fail_job, f"fail-{retryable}", Report(), error, None):
            after = self.run(self.tracker.store.get(before.job_id))
            assert after.attempts_used == before.attempts_used + 1
            left = after.attempts_used < before.max_attempts
            expected = State.PENDING if retryable and left else State.FAILED
            assert after.state == (State.CANCELLED if before.cancel_requested else expected)

    @precondition(lambda self: self.jobs)
    @rule(which=index, held=st.sampled_from([True, True, False]))
    def cancel(self, which: int, held: bool) -> None:
        """Cancel some job, or one that a worker believes to hold."""
        job_id = self.jobs[-1 - which % len(self.jobs)]
        if held and self.holdings:
            job_id = self.holding(which).claimed.job.job_id
        try:
            state = self.run(cancel_job.cancel_job(self.tracker, job_id, "why", "operator")).state
        except IllegalTransitionError:
            state = self.run(self.tracker.store.get(job_id)).state
            assert state in FINAL - {State.CANCELLED}
        else:
            assert state in (State.CANCELLED, State.CANCELLING)

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

    def holding(self, which: int) -> Holding:
        """A lease, the latest most often."""
        return self.holdings[-1 - which % len(self.holdings)]

    def under(self, holding: Holding, call: Any, *said: Any) -> bool:
        """Make a worker's call; the lease that the job has is the only one that may move it."""
        job_id, token = holding.claimed.job.job_id, holding.claimed.lease.token
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
        jobs = self.run(self.tracker.store.list_jobs(Filter(), newest_first=False, after=None, limit=10_000))
        for job in jobs:
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
            if not job.final:
                assert {(job.job_id, lock.key) for lock in job.locks} <= standing


class TestWalk(Walk.TestCase):  # type: ignore[name-defined, misc]
    """The walk, as a test."""

    settings = settings(
        max_examples=15,
        stateful_step_count=30,
        deadline=None,
        derandomize=True,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
    )


def random_locks(random: Random) -> list[Lock]:
    """None, one or both of two names, each shared or exclusive."""
    return [Lock(key, random.random() < 0.5) for key in "ab" if random.random() < 0.5]


def random_step(walk: Walk, random: Random) -> None:
    """Take one step of a walk, with the odds of a busy shop: most of what happens is work."""
    step = random.choices(["create", "claim", "work", "cancel", "time"], [3, 3, 7, 1, 2])[0]
    if step == "create":
        walk.create(random_locks(random), random.random() < 0.7, random.randint(-1, 1), random.randint(1, 3))
    elif step == "claim":
        walk.claim(random.randint(1, 3), random.choice(["w1", "w2"]))
    elif step == "work" and walk.holdings:
        action = random.choice(["report", "report", "complete", "complete", "fail", "fail", "release"])
        counts = (random.randint(0, 3), random.choice([0, 0, 3]), random.randint(0, 3))
        total = random.choice([None, None, random.randint(0, 30)])
        which = random.randint(0, 7)
        if action == "complete" and random.random() < 0.5:
            walk.work(which, "report", (1, 1, 0), None, False)
            walk.nothing_is_as_it_must_not_be()
        walk.work(which, action, counts, total, random.random() < 0.7)
    elif step == "cancel" and walk.jobs:
        walk.cancel(random.randint(0, 7), random.random() < 0.7)
    elif step == "time":
        walk.time_passes(random.choice([1, 10, 21, 31]))


@pytest.mark.parametrize("seed", range(3))
def test_long_walks_of_a_busy_shop(seed: int) -> None:
    """Long walks, where leases are lost and taken again, keep the same rules as short ones, and meet every kind of end."""
    walk, random = Walk(), Random(seed)
    try:
        for _ in range(250):
            random_step(walk, random)
            walk.nothing_is_as_it_must_not_be()
        assert {job.state for job in walk.before.values()} >= FINAL
        assert max(job.attempt for job in walk.before.values()) > 2
    finally:
        walk.teardown()
