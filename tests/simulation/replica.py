"""A JobTracker among others: its use cases on the shared store, its own changes, its reaper and its poller."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from functools import partial
from typing import Any, cast

from chassis.database import DatabaseUnavailableError
from job_tracker.adapters.wakeups.poller import Poller
from job_tracker.application.changes import Changes, Subscription
from job_tracker.application.ports.job_store import JobStore
from job_tracker.application.reap import reap
from job_tracker.application.retain import remove_old
from job_tracker.application.tracker import Tracker
from job_tracker.application.workers import Workers
from job_tracker.domain.moves import Now
from job_tracker.domain.states import FINAL

from tests.simulation.world import BEGAN, World

READS = {
    "any_claimable",
    "overdue",
    "workers",
    "now",
    "retried",
    "get",
    "see",
    "list_jobs",
    "list_moving",
    "position",
    "moved",
    "matching",
    "events",
    "failures",
    "asked_of",
    "glimpse",
    "glimpse_moving",
    "stats",
    "count_selected",
    "types",
}
POLLS_EVERY = 2.0
RETAINS_EVERY = 5.0
KEEPS = 6.0


class InOrder:
    """A set that is gone through in the order in which it was filled: that of memory addresses is not the seed's."""

    def __init__(self) -> None:
        self._all: dict[Subscription[object], None] = {}

    def add(self, one: Subscription[object]) -> None:
        """Take in."""
        self._all[one] = None

    def discard(self, one: Subscription[object]) -> None:
        """Leave out."""
        self._all.pop(one, None)

    def __iter__(self) -> Iterator[Subscription[object]]:
        return iter(list(self._all))

    def __len__(self) -> int:
        return len(self._all)


class OrderedChanges(Changes):
    """Changes that wake their subscribers in the same order in every run of a seed."""

    def __init__(self) -> None:
        super().__init__()
        self._topics = cast("dict[str, set[Subscription[object]]]", defaultdict(InOrder))


class ReachableStore:
    """The shared store as one life of a replica reaches it: over a network, which is slow, breaks, or loses an answer."""

    def __init__(self, world: World, replica: "Replica") -> None:
        self._world = world
        self._replica = replica
        self._life = replica.life

    def __getattr__(self, name: str) -> Callable[..., Awaitable[Any]]:
        method, world, writes = getattr(self._world.store, name), self._world, name not in READS

        async def reach(*said: Any, **named: Any) -> Any:
            await world.turn()
            self._must_be_there()
            answer = await method(*said, **named)
            await world.turn()
            self._must_be_there()
            if writes and world.chance(world.plan.lost_commits):
                world.strike("commit's answer lost", self._replica.name, f"hears nothing of what became of {name}")
                raise DatabaseUnavailableError("the answer of a commit was lost")
            return answer

        setattr(self, name, reach)
        return reach

    def _must_be_there(self) -> None:
        if self._world.away or self._replica.life != self._life:
            raise DatabaseUnavailableError("out of reach")


class Wire:
    """Carries wake-ups to the other replicas; late, and not all of them."""

    def __init__(self, world: World, replica: "Replica") -> None:
        self._world = world
        self._replica = replica

    def hear(self, topic: str, key: str, value: object, *, urgent: bool) -> None:
        """Take a publication along."""
        world = self._world
        for other in world.replicas:
            if other is self._replica:
                continue
            if world.chance(world.plan.lost_wakeups):
                world.faults["wake-up lost"] += 1
            else:
                delay = world.random.random() * world.plan.slowness

                def deliver(to: "Replica" = other) -> None:
                    to.tracker.changes.deliver(topic, key, value, urgent=urgent)

                world.loop.call_later(delay, deliver)


class Replica:
    """One JobTracker, which may die and come back; `life` counts."""

    def __init__(self, world: World, name: str) -> None:
        self._world = world
        self.name = name
        self.life = 0
        self.alive = False
        self._skew = world.random.uniform(-1.0, 1.0)
        self._tasks: list[asyncio.Task[None]] = []
        self.tracker = self._tracker()

    def now(self) -> Now:
        """The moment by this replica's clocks; its wall clock is a little off."""
        time = self._world.loop.time()
        return Now(BEGAN + round((time + self._skew) * 1_000_000), time)

    def begin(self) -> None:
        """Come to life, with empty hands."""
        self.alive = True
        self.tracker = self._tracker()
        changes, world = self.tracker.changes, self._world
        changes.relay_through(Wire(world, self))
        poller = Poller(self.tracker.store, changes, self)
        loops: list[tuple[str, Callable[[], Awaitable[object]], float]] = [
            ("reaper", lambda: reap(self.tracker), world.random.uniform(0.25, 1.5)),
            ("poller", poller.look, POLLS_EVERY),
        ]
        if world.plan.removal:
            loops.append(("retention", self._retain, RETAINS_EVERY))
        for name, work, every in loops:
            self._tasks.append(world.spawn(partial(self._forever, work, every), f"{name} of {self.name}"))
        world.record(self.name, "begins")

    async def die(self) -> None:
        """Go, with all that was kept in the process; whoever waits here is told that it stops."""
        self._world.strike("replica died", self.name, "dies")
        self.alive = False
        self.life += 1
        for task in self._tasks:
            task.cancel()
        self._tasks.clear()
        await self.tracker.changes.stop()

    def _tracker(self) -> Tracker:
        world, plan = self._world, self._world.plan
        store = cast(JobStore, ReachableStore(world, self))
        return Tracker(
            store=store,
            workers=Workers(store, self, plan.heartbeat),
            changes=OrderedChanges(),
            clock=self,
            new_id=lambda: world.new("job"),
            new_token=lambda: world.new("token"),
            uniform=world.random.uniform,
            cancel_grace=plan.cancel_grace,
            heartbeat=plan.heartbeat,
            look_again=plan.look_again,
        )

    async def _forever(self, work: Callable[[], Awaitable[object]], every: float) -> None:
        while True:
            with suppress(DatabaseUnavailableError):
                await work()
            await asyncio.sleep(every)

    async def _retain(self) -> None:
        def count(_state: object, _jobs: int) -> None:
            """Nobody reads the counts here."""

        await remove_old(self.tracker.store, dict.fromkeys(sorted(FINAL), KEEPS), count)
