"""The world of one run: its time, its chance, its store with faults, and what everybody in it shares."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, TypeVar

from chassis.database import DatabaseUnavailableError
from job_tracker.application.ports.job_store import Created, Creation
from job_tracker.application.tracker import Tracker
from job_tracker.domain.errors import StoppingError, TrackerError
from job_tracker.domain.moves import Now

from tests.fakes.memory_job_store import MemoryJobStore
from tests.fakes.memory_tables import Tables
from tests.simulation.history import Entry, History, Invariant, Violation
from tests.simulation.judge import Judge
from tests.simulation.outside import OutsideStore
from tests.simulation.plan import Plan
from tests.simulation.virtual_loop import VirtualLoop

if TYPE_CHECKING:
    from tests.simulation.replica import Replica

BEGAN = 1_780_000_000_000_000
"""Unix microseconds."""

Answer = TypeVar("Answer")


class UnansweredError(Exception):
    """A call came to nothing, or its answer did not come: nobody can tell which."""


@dataclass
class Settled:
    """How far the run is: `calm` when nothing goes wrong any more, `over` when everybody may go home."""

    calm: bool = False
    over: bool = False


class JudgedStore(MemoryJobStore):
    """The store that all replicas share; every commit is judged."""

    def __init__(self, moment: Callable[[], Now], judge: Judge) -> None:
        super().__init__(moment)
        self.judge = judge

    def commit(self, draft: Tables) -> None:
        """Keep what a unit has made, and judge it."""
        before, self.tables = self.tables, draft
        self.judge.committed(before, draft, self.moment())

    async def create(self, creation: Creation, new_token: Callable[[], str]) -> Created:
        """Store a job, and judge that its request has made no other."""
        made = await super().create(creation, new_token)
        if made.created:
            self.judge.created(creation.request_id, made.job.job_id)
        return made


class World:
    """Everything that a run consists of."""

    def __init__(self, plan: Plan, random: Random, store_kind: type[JudgedStore] = JudgedStore) -> None:
        self.plan = plan
        self.random = random
        self.loop = VirtualLoop(random)
        self.history = History()
        self.judge = Judge(self.loop, self.violate, self.record, jumps=plan.clock_jumps)
        self.store = store_kind(self.now, self.judge)
        self.outside = OutsideStore()
        self.replicas: list[Replica] = []
        self.jobs: list[str] = []
        self.settled = Settled()
        self.violation: Violation | None = None
        self.offset = 0.0
        self.away = False
        self.faults: Counter[str] = Counter()
        self._made: dict[str, int] = {}

    def now(self) -> Now:
        """The moment by the store's clock, which all replicas share."""
        seconds = self.loop.time() + self.offset
        return Now(BEGAN + round(seconds * 1_000_000), seconds)

    def new(self, name: str) -> str:
        """Make the next name of a kind: job-1, job-2."""
        self._made[name] = self._made.get(name, 0) + 1
        return f"{name}-{self._made[name]:03}"

    def chance(self, probability: float) -> bool:
        """Draw whether something happens that happens only before the calm."""
        return not self.settled.calm and self.random.random() < probability

    def record(self, who: str, what: str) -> None:
        """Write a line of history."""
        self.history.entries.append(Entry(self.loop.steps, self.loop.time(), who, what))

    def strike(self, fault: str, who: str, what: str) -> None:
        """Count a fault, and write a line of it."""
        self.faults[fault] += 1
        self.record(who, what)

    def violate(self, violation: Violation) -> None:
        """Halt the run: something is as it must not be."""
        if self.violation is None:
            self.violation = violation
            self.record("JUDGE", str(violation))
            self.loop.halted = True

    def spawn(self, work: Callable[[], Awaitable[None]], name: str) -> "asyncio.Task[None]":
        """Begin a task whose faults end the run."""
        return self.loop.create_task(self._guarded(work, name), name=name)

    async def _guarded(self, work: Callable[[], Awaitable[None]], name: str) -> None:
        try:
            await work()
        except Violation as violation:
            self.violate(violation)  # whoever saw it has halted the run
        except Exception as fault:
            self.violate(Violation(Invariant.NO_FAULT, f"{name} raised {fault!r}"))

    async def turn(self) -> None:
        """Let others come between, and now and then take some time."""
        slow = self.random.random() < 0.1
        await asyncio.sleep(self.random.random() * self.plan.slowness if slow else 0)

    async def ask(self, replica: "Replica", call: Callable[[Tracker], Awaitable[Answer]]) -> Answer:
        """Call a replica over a network that may lose the answer.

        Raises:
            UnansweredError: As its text says; and TrackerError, where that is the answer.
        """
        await self.turn()
        life, tracker = replica.life, replica.tracker
        if not replica.alive:
            raise UnansweredError
        refusal: TrackerError | None = None
        try:
            answer = await call(tracker)
        except (DatabaseUnavailableError, StoppingError):
            raise UnansweredError from None
        except TrackerError as refused:
            refusal = refused
        await self.turn()
        if replica.life != life:
            raise UnansweredError
        if self.chance(self.plan.lost_answers):
            self.faults["answer lost"] += 1
            raise UnansweredError
        if refusal is not None:
            raise refusal
        return answer

    async def ask_until_answered(self, call: Callable[[Tracker], Awaitable[Answer]]) -> Answer:
        """Repeat a call, with any replica, until it is answered."""
        while True:
            with suppress(UnansweredError):
                return await self.ask(self.random.choice(self.replicas), call)
            await asyncio.sleep(0.05 + self.random.random())
