"""What goes wrong, and when."""

import asyncio
from collections.abc import Awaitable, Callable

from tests.simulation.worker import Worker
from tests.simulation.world import World


class Fate:
    """Strikes now and then until the calm, and leaves everything whole."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._workers: list[Worker] = []

    def new_worker(self) -> None:
        """Begin the life of a worker, under a name that nobody had."""
        worker = Worker(self._world)
        self._workers.append(worker)
        worker.begin()

    async def strike_until_calm(self) -> None:
        """Draw what goes wrong, one thing after the other, and several at a time."""
        world, plan = self._world, self._world.plan
        strikes: list[Callable[[], Awaitable[None]]] = []
        strikes += [self._take_store_away] * plan.outages
        strikes += [self._kill_replica] * plan.replica_deaths
        strikes += [self._kill_worker] * plan.worker_deaths
        strikes += [self._freeze_worker] * plan.freezes
        strikes += [self._set_clock] * plan.clock_jumps
        under_way = []
        while not world.settled.calm:
            await asyncio.sleep(world.random.expovariate(1.0 / plan.fault_every))
            if strikes and not world.settled.calm:
                under_way.append(world.spawn(world.random.choice(strikes), "strike"))
        for one in under_way:
            await one
        if world.offset:
            world.record("fate", "sets the store's clock right")
            world.offset = 0.0

    async def _take_store_away(self) -> None:
        world = self._world
        if world.away:
            return
        world.away = True
        world.strike("store away", "fate", "takes the store away")
        await asyncio.sleep(world.random.uniform(0.2, 9.0))
        world.away = False
        world.record("fate", "gives the store back")

    async def _kill_replica(self) -> None:
        world = self._world
        alive = [replica for replica in world.replicas if replica.alive]
        if alive:
            replica = world.random.choice(alive)
            await replica.die()
            await asyncio.sleep(world.random.uniform(0.2, 12.0))
            replica.begin()

    async def _kill_worker(self) -> None:
        worker = self._workers.pop(int(self._world.random.random() * len(self._workers)))
        worker.die()
        self.new_worker()

    async def _freeze_worker(self) -> None:
        worker = self._world.random.choice(self._workers)
        worker.freeze(self._world.random.uniform(0.3, 3.0) * self._world.plan.ttl)

    async def _set_clock(self) -> None:
        seconds = self._world.random.choice((-60.0, -3.0, 3.0, 60.0))
        self._world.strike("clock set", "fate", f"sets the store's clock by {seconds:g} seconds")
        self._world.offset += seconds
