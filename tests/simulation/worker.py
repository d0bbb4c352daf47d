"""A worker: claims, reports, writes outside, obeys, fences itself; and dies, freezes, or does not let go."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

from chassis.database import DatabaseUnavailableError
from job_tracker.application.claim_jobs import claim_jobs
from job_tracker.application.create_job import CreateOutcome, create_job
from job_tracker.application.ports.job_store import Claimed, ClaimRequest
from job_tracker.application.tracker import Directive, Tracker
from job_tracker.application.watch_directives import watch_directives
from job_tracker.application.work_on_job import (
    JobReport,
    UpdateOutcome,
    complete_job,
    fail_job,
    release_job,
    update_many,
    update_progress,
)
from job_tracker.domain.errors import (
    IllegalTransitionError,
    JobNotFoundError,
    LeaseLostError,
    StoppingError,
    TrackerError,
)
from job_tracker.domain.job import ItemFailure, Job, Origin
from job_tracker.domain.moves import Report
from job_tracker.domain.progress import Progress

from tests.simulation.creation import new_job
from tests.simulation.judge import Belief
from tests.simulation.outside import StaleFenceError
from tests.simulation.world import UnansweredError, World

MARGIN = 0.2
"""Of a lease: so much before its end a worker does nothing more that others could see."""
OUTSIDE_SECONDS = 0.1
"""An outside write takes no longer."""
WAITS = 2.0

Answer = TypeVar("Answer")


@dataclass
class Holding:
    """A job that a worker works on, and what it knows of it."""

    belief: Belief
    ttl: float
    checkpoint: bytes
    sequence: int = 0
    progress: Progress = field(default_factory=Progress)
    told: Directive = Directive.CONTINUE


class Worker:
    """One life of a worker process. Its steady clock goes on while it is frozen."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.name = world.new("worker")
        self._frozen_until = 0.0
        self._stubborn = world.plan.stubborn and world.random.random() < 0.5
        self._holdings: dict[str, Holding] = {}
        self._tasks: list[asyncio.Task[None]] = []

    def begin(self) -> None:
        """Come to life."""
        self._world.record(self.name, "begins, and does not let go when it is asked to" if self._stubborn else "begins")
        for work, name in ((self._live, "work"), (self._listen, "directives")):
            self._tasks.append(self._world.spawn(work, f"{name} of {self.name}"))

    def die(self) -> None:
        """Go in the middle of whatever it does; nobody is told."""
        self._world.strike("worker died", self.name, "dies")
        for holding in self._holdings.values():
            holding.belief.let_go = True
        for task in self._tasks:
            task.cancel()

    def freeze(self, seconds: float) -> None:
        """Do nothing for a while, and notice nothing."""
        self._world.strike("worker froze", self.name, f"freezes for {seconds:.1f} seconds")
        self._frozen_until = self._world.loop.time() + seconds

    async def _thaw(self) -> bool:
        """Wait until it is not frozen; whether it was."""
        was_frozen = False
        while self._world.loop.time() < self._frozen_until:
            was_frozen = True
            await asyncio.sleep(self._frozen_until - self._world.loop.time())
        return was_frozen

    async def _pause(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
        await self._thaw()

    async def _ask(self, call: Callable[[Tracker], Awaitable[Answer]]) -> Answer:
        """Call any replica, and repeat it until it is answered."""
        while True:
            try:
                answer = await self._world.ask(self._world.random.choice(self._world.replicas), call)
            except UnansweredError:
                await self._pause(0.05 + self._world.random.random() * 0.5)
                continue
            except TrackerError:
                await self._thaw()
                raise
            await self._thaw()
            return answer

    async def _live(self) -> None:
        world = self._world
        while not world.settled.over:
            began = world.loop.time()
            claimed = await self._create_and_claim() if world.chance(0.1) else await self._claim()
            for one in claimed:
                holding = self._take(one, began)
                self._tasks.append(world.spawn(partial(self._work, holding), f"{one.job.job_id} of {self.name}"))
            while len(self._holdings) >= 2:
                await self._pause(0.5)
                await self._renew_together()
            await self._pause(world.random.random())

    def _request(self) -> ClaimRequest:
        random = self._world.random
        request_id, most = self._world.new("claim"), random.randint(1, 2)
        return ClaimRequest(request_id, self.name, ("T", "U"), most, self._world.plan.ttl, "same")

    async def _claim(self) -> Sequence[Claimed]:
        request, wait = self._request(), self._world.random.choice((0.0, WAITS))
        return await self._ask(lambda tracker: claim_jobs(tracker, request, wait))

    async def _create_and_claim(self) -> Sequence[Claimed]:
        new = new_job(self._world, claim=self._request())
        try:
            made: CreateOutcome = await self._ask(lambda tracker: create_job(tracker, new))
        except TrackerError:
            return ()
        if made.created:
            self._world.jobs.append(made.job.job_id)
        return () if made.claimed is None else (made.claimed,)

    def _take(self, claimed: Claimed, began: float) -> Holding:
        job, lease = claimed.job, claimed.lease
        holding = Holding(
            Belief(self.name, job.job_id, lease.token, lease.fence, job.locks), lease.ttl, claimed.checkpoint
        )
        self._holdings[lease.token] = holding
        self._world.record(self.name, f"has {job.job_id} at attempt {job.attempt} under fence {lease.fence}")
        self._believe(holding, began)
        return holding

    def _believe(self, holding: Holding, sent: float) -> None:
        """Count the lease from when its renewal was sent."""
        self._world.judge.believes(holding.belief, sent + holding.ttl * (1.0 - MARGIN))

    def _may_go_on(self, holding: Holding, seconds: float = 0.0) -> bool:
        return self._world.loop.time() + seconds < holding.belief.until

    async def _work(self, holding: Holding) -> None:
        try:
            await self._attempt(holding)
        except (LeaseLostError, JobNotFoundError, StaleFenceError) as lost:
            self._world.record(self.name, f"gives up {holding.belief.job_id}: {type(lost).__name__}")
        finally:
            holding.belief.let_go = True
            self._holdings.pop(holding.belief.token, None)

    async def _attempt(self, holding: Holding) -> None:
        world, random = self._world, self._world.random
        keys = [lock.key for lock in holding.belief.locks if lock.exclusive]
        items = random.randint(0, 4)
        ends = random.choices(("complete", "fail", "break", "release", "forget"), (14, 3, 1, 1, 1))[0]
        if world.settled.calm:
            ends = "complete"
        for key in keys:
            await self._write(holding, key, opening=True)
        for number in range(1, items + 1):
            await self._pause(random.random() * holding.ttl * 0.5)
            if keys:
                await self._write(holding, random.choice(keys))
            await self._report(holding, number, items)
            if holding.told in (Directive.CANCEL, Directive.PAUSE) and not (self._stubborn and not world.settled.calm):
                ends = "release" if random.random() < 0.8 else "complete"
                break
            if holding.told is Directive.LEASE_LOST:
                return
        if ends == "forget":  # it goes on with other things, and never says so
            return
        await self._end(holding, ends, items)

    async def _write(self, holding: Holding, key: str, *, opening: bool = False) -> None:
        """Write outside, unless the lease may be over before it is done: then renew it first."""
        world, fence = self._world, holding.belief.fence
        while not self._may_go_on(holding, OUTSIDE_SECONDS):
            await self._update(holding, Report())
        if world.plan.freezes and world.chance(0.02):
            self.freeze(world.random.uniform(0.5, 2.0) * holding.ttl)
        was_frozen = await self._thaw()
        (world.outside.open if opening else world.outside.write)(key, fence)
        world.judge.wrote_outside(key, fence, was_frozen=was_frozen)

    async def _report(self, holding: Holding, number: int, items: int) -> None:
        random, old = self._world.random, holding.progress
        failed = old.failed + (random.random() < 0.2)
        progress = Progress(items, number, number - failed, failed, 0, message=f"Mục {number}")
        failures: tuple[ItemFailure, ...] = ()
        if failed > old.failed:
            failures = (ItemFailure(f"item-{number}", "PUSH", Origin.SHOPIFY, "BAD", "", False, 1),)
        checkpoint = str(number).encode() if random.random() < 0.3 else None
        holding.progress = progress
        await self._update(holding, Report(progress, checkpoint, failures))

    def _next(self, holding: Holding, report: Report) -> JobReport:
        holding.sequence += 1
        return JobReport(holding.belief.job_id, holding.belief.token, holding.sequence, report)

    async def _update(self, holding: Holding, report: Report) -> None:
        said = self._next(holding, report)
        sent, began = self._world.loop.time(), self._world.loop.steps
        answer = await self._ask(lambda tracker: update_progress(tracker, said))
        self._answered(holding, answer, sent, began)

    async def _renew_together(self) -> None:
        """Say of all jobs at once that they are still worked on."""
        holdings = list(self._holdings.values())
        said = [self._next(holding, Report()) for holding in holdings]
        sent, began = self._world.loop.time(), self._world.loop.steps
        answers = await self._ask(lambda tracker: update_many(tracker, said))
        for holding, answer in zip(holdings, answers, strict=True):
            if isinstance(answer, TrackerError):
                holding.told = Directive.LEASE_LOST
            elif not holding.belief.let_go:
                self._answered(holding, answer, sent, began)

    def _answered(self, holding: Holding, answer: UpdateOutcome, sent: float, began: int) -> None:
        self._world.judge.accepted(holding.belief, began, final=False)
        holding.told = answer.directive
        self._believe(holding, sent)

    async def _end(self, holding: Holding, how: str, items: int) -> None:
        belief, world, began = holding.belief, self._world, self._world.loop.steps
        belief.let_go = True
        said = (belief.job_id, belief.token, how)
        world.record(self.name, f"says {how} of {belief.job_id}")
        progress, job = holding.progress, None
        if how == "complete":
            report = Report(Progress(progress.processed, *_counts(progress)))
            job = await self._final(lambda tracker: complete_job(tracker, *said, report, {"items": items}, ""))
        elif how == "release":
            job = await self._final(lambda tracker: release_job(tracker, *said, Report(), "let go"))
        else:
            error = ("BROKEN", "it broke", how == "fail")
            job = await self._final(lambda tracker: fail_job(tracker, *said, Report(), error, None))
        if job is None:
            return
        world.judge.accepted(belief, began, final=True)
        if how == "complete":
            world.judge.ended_well(job.job_id, world.store.tables.jobs.get(job.job_id))

    async def _final(self, call: Callable[[Tracker], Awaitable[Job]]) -> Job | None:
        """Say the last of a job; None if it was no longer this worker's to say."""
        try:
            return await self._ask(call)
        except (LeaseLostError, IllegalTransitionError, JobNotFoundError):
            return None

    async def _listen(self) -> None:
        """Hear directives, from one replica after the other."""
        world = self._world
        while not world.settled.over:
            replica = world.random.choice(world.replicas)
            with suppress(UnansweredError, StoppingError, DatabaseUnavailableError):
                async with aclosing(watch_directives(replica.tracker, self.name)) as stream:
                    life = replica.life
                    async for told in stream:
                        await self._thaw()
                        if replica.life != life:
                            raise UnansweredError
                        for holding in self._holdings.values() if told is not None else ():
                            if (holding.belief.job_id, holding.belief.fence) == (told.job_id, told.fence):
                                holding.told = told.directive
            await self._pause(0.5 + world.random.random())


def _counts(progress: Progress) -> tuple[int, int, int, int]:
    return progress.processed, progress.successful, progress.failed, progress.skipped
