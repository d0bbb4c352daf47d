"""Watchers: one of a single job, and one of all jobs. Both resume, with any replica, where they were cut off."""

import asyncio
from contextlib import aclosing, suppress

from chassis.database import DatabaseUnavailableError
from job_tracker.application.ports.job_store import Filter, Seen
from job_tracker.application.watch_job import watch_job
from job_tracker.application.watch_jobs import JobSeen, watch_jobs
from job_tracker.domain.errors import JobNotFoundError, StoppingError
from job_tracker.domain.job import Event

from tests.simulation.history import Invariant, Violation
from tests.simulation.replica import Replica
from tests.simulation.world import UnansweredError, World

CUT_OFF = 0.03
"""So often a stream breaks at a message."""


class JobWatcher:
    """Watches one job to its end."""

    def __init__(self, world: World, job_id: str) -> None:
        self._world = world
        self.job_id = job_id
        self._events: list[Event] = []
        self._revision = 0
        self.ended = False
        self._deleted = False

    async def watch(self) -> None:
        """Watch until the final state was seen, or the job is gone."""
        world = self._world
        while not self.ended:
            replica = world.random.choice(world.replicas)
            if replica.alive:
                try:
                    await self._stream(replica)
                except (UnansweredError, StoppingError, DatabaseUnavailableError):
                    pass
                except JobNotFoundError:
                    self.ended = self._deleted = True
            await asyncio.sleep(0.1 + world.random.random())

    async def _stream(self, replica: Replica) -> None:
        world, life = self._world, replica.life
        interval = world.random.choice((0.0, 1.0))
        async with aclosing(watch_job(replica.tracker, self.job_id, self._revision, interval)) as stream:
            async for seen in stream:
                await world.turn()
                if replica.life != life or world.chance(CUT_OFF):
                    world.faults["stream cut off"] += 1
                    raise UnansweredError
                if seen is not None:
                    self._take(seen)
        if not self.ended:
            raise Violation(Invariant.WATCHED, f"the stream of {self.job_id} ended before its job")

    def _take(self, seen: Seen) -> None:
        self._events += seen.events
        self._revision = seen.job.revision
        self.ended = seen.job.final

    def judge(self) -> None:
        """Hold what was seen against what happened.

        Raises:
            Violation: An event was missed, or came twice, or the end was not heard of.
        """
        if not self.ended:
            raise Violation(Invariant.ENDS, f"a watcher of {self.job_id} heard of no end, at revision {self._revision}")
        happened = [row.event for row in self._world.judge.events[self.job_id]]
        if self._deleted:
            happened = happened[: len(self._events)]
        if self._events != happened:
            raise Violation(Invariant.WATCHED, f"of {self.job_id} a watcher saw {_named(self._events)}")


class JobsWatcher:
    """Watches all jobs from before the first was created."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._position: int | None = None
        self._seen: dict[str, set[tuple[int, str]]] = {}
        self.begun = asyncio.Event()

    async def watch(self) -> None:
        """Watch for ever."""
        world = self._world
        while True:
            replica = world.random.choice(world.replicas)
            with suppress(UnansweredError, StoppingError, DatabaseUnavailableError):
                if replica.alive:
                    await self._stream(replica)
            await asyncio.sleep(0.1 + world.random.random())

    async def _stream(self, replica: Replica) -> None:
        world, life = self._world, replica.life
        interval = world.random.choice((0.0, 1.0))
        world.record("watcher", f"of all begins from {self._position}")
        async with aclosing(watch_jobs(replica.tracker, Filter(), self._position, interval)) as stream:
            async for seen in stream:
                await world.turn()
                if replica.life != life or (self.begun.is_set() and world.chance(CUT_OFF)):
                    world.faults["stream cut off"] += 1
                    raise UnansweredError
                self._take(seen)

    def _take(self, seen: JobSeen) -> None:
        self._position = seen.position
        job = seen.job
        what = "all is told" if job is None else f"{job.job_id} r{job.revision} {_named(list(seen.events))}"
        self._world.record("watcher", f"of all hears {what}, goes on from {seen.position}")
        if seen.snapshot_complete:
            self.begun.set()
        if seen.job is not None:
            known = self._seen.setdefault(seen.job.job_id, set())
            known |= {(event.revision, event.kind) for event in seen.events}

    def judge(self) -> None:
        """Hold what was seen against what happened; a job that was removed may have been so before its turn.

        Raises:
            Violation: An event was missed.
        """
        for job_id, rows in self._world.judge.events.items():
            missed = {(row.event.revision, row.event.kind.value) for row in rows} - self._seen.get(job_id, set())
            if missed and job_id not in self._world.judge.removed:
                raise Violation(Invariant.WATCHED, f"of {job_id} a watcher of all missed {sorted(missed)}")


def _named(events: list[Event]) -> str:
    return " ".join(f"{event.revision}:{event.kind}" for event in events)
