"""One run: a world is drawn from a seed, lives, calms down, and is judged."""

import asyncio
import logging
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from random import Random

import structlog
from job_tracker.application.pause_job import resume_job
from job_tracker.application.pause_type import resume_type
from job_tracker.domain.errors import TrackerError
from job_tracker.domain.job import JobType

from tests.simulation.client import Client
from tests.simulation.fate import Fate
from tests.simulation.history import History, Invariant, Violation
from tests.simulation.plan import Plan, draw
from tests.simulation.replica import Replica
from tests.simulation.virtual_loop import NothingLeftError
from tests.simulation.watcher import JobsWatcher, JobWatcher
from tests.simulation.world import JudgedStore, World

LONGEST = 300.0
"""Seconds of virtual time after the calm; every wait that a rule knows is far shorter."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a run."""

    seed: int
    plan: Plan
    history: History
    steps: int
    seconds: float
    events: Counter[str]
    faults: Counter[str]
    violation: Violation | None


def run(seed: int, store_kind: type[JudgedStore] = JudgedStore) -> Outcome:
    """Run the scenario of a seed. The same seed gives the same history."""
    random = Random(seed)
    world = World(draw(random), random, store_kind)
    try:
        with quiet():
            world.loop.run(_Scenario(world).play())
    except Violation as violation:
        world.violate(violation)
    except NothingLeftError:
        world.violate(Violation(Invariant.ENDS, "nothing is left to happen"))
    loop = world.loop
    events = Counter(row.event.kind.value for rows in world.judge.events.values() for row in rows)
    events += Counter(rows[-1].event.to_state.value for rows in world.judge.events.values())
    return Outcome(seed, world.plan, world.history, loop.steps, loop.time(), events, world.faults, world.violation)


@contextmanager
def quiet() -> Iterator[None]:
    """Write no log: the history tells more."""
    before = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    try:
        yield
    finally:
        structlog.configure(**before)


class _Scenario:
    """The course of a run."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._watchers: list[JobWatcher] = []

    async def play(self) -> None:
        """Live, calm down, be judged."""
        world, plan = self._world, self._world.plan
        world.replicas += [Replica(world, f"replica-{number}") for number in range(1, plan.replicas + 1)]
        for replica in world.replicas:
            replica.begin()
        await world.ask_until_answered(
            lambda tracker: tracker.store.register_types([JobType("T", "Tee"), JobType("U", "You")])
        )
        everything = JobsWatcher(world)
        world.spawn(everything.watch, "watcher of all")
        await everything.begun.wait()
        fate = Fate(world)
        for _ in range(plan.workers):
            fate.new_worker()
        clients = [Client(world, self._watchers) for _ in range(plan.clients)]
        living = [world.spawn(client.live, client.name) for client in clients]
        strikes = world.spawn(fate.strike_until_calm, "fate")
        for task in living:
            await task
        world.settled.calm = True
        world.record("fate", "calms down")
        await strikes
        await self._settle()
        await asyncio.sleep(min(3 * plan.heartbeat, LONGEST))  # whoever looks again only with a heartbeat does so
        for watcher in self._watchers:
            watcher.judge()
        everything.judge()
        world.settled.over = True

    async def _settle(self) -> None:
        """Resume what is paused, and wait until every job has ended and everybody who watches one has heard of it.

        Raises:
            Violation: That takes too long.
        """
        world = self._world
        until = world.loop.time() + LONGEST
        while True:
            await self._resume()
            tables = world.store.tables
            stuck = [job for job in tables.jobs.values() if not job.final]
            waiting = [watcher.job_id for watcher in self._watchers if not watcher.ended]
            if not stuck and not waiting and not tables.locks:
                return
            if world.loop.time() > until:
                named = " ".join(f"{job.job_id}:{job.state}" for job in stuck)
                what = f"jobs [{named}], watched [{' '.join(waiting)}], keys [{' '.join(tables.locks)}]"
                raise Violation(Invariant.ENDS, f"after {LONGEST:g} calm seconds there are {what}")
            await asyncio.sleep(2.0)

    async def _resume(self) -> None:
        world = self._world
        for job in list(world.store.tables.jobs.values()):
            if job.paused and not job.final:
                try:
                    await world.ask_until_answered(lambda tracker, one=job.job_id: resume_job(tracker, one, "operator"))
                except TrackerError:
                    continue  # it is being cancelled, or has ended meanwhile
        if "U" in world.store.tables.pauses:
            await world.ask_until_answered(lambda tracker: resume_type(tracker, "U"))
