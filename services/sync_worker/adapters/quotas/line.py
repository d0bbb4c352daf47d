"""The callers of one process that wait at a limit, and their visits to what all processes know of it.

One visit is made at a time, and takes along all who wait and all that is to be told: so a limit costs a transaction a call at
the very most, whatever the number of callers.
"""

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any

import structlog
from chassis.database import DatabaseUnavailableError

from sync_worker.adapters.quotas.turns import Want
from sync_worker.application.ports.clock import Clock
from sync_worker.domain.failures import CatalogUnavailable
from sync_worker.domain.traffic import Traffic

LONGEST_REST_SECONDS = 1.0
"""Who waits asks again after so long at the latest: places are given back, and processes that wait must show that they live."""

SHORTEST_REST_SECONDS = 0.001
"""Keeps a rest from being too short for the clock to move at all."""

TELL_AGAIN_SECONDS = 1.0
"""What could not be told is told again so much later."""

CLOSING_SECONDS = 2.0
"""At the end a visit is waited for so long; what it would have told then runs out by itself."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Decision:
    """Which calls may go; in how many seconds the first of the others may ask again, None when nobody waits.

    A limit that is `shut` for so many seconds turns away whoever does not wait that long.
    """

    granted: Iterable[Want]
    wait: float | None
    shut: float = 0.0


class ShutError(Exception):
    """The limit is shut for longer than the caller waits."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"shut for another {seconds:.0f} s")
        self.seconds = seconds


@dataclass(slots=True, eq=False)
class Waiter:
    """A caller. Its cost may change while it waits."""

    call_id: str
    traffic: Traffic
    cost: Callable[[], float]
    patience: float
    began: float
    turn: "asyncio.Future[Want]"


class Line:
    """Where callers wait. `visit` asks for all of them, and tells what there is to tell.

    A turn that comes when its caller has gone is given to `unwanted`.
    """

    def __init__(
        self,
        process: str,
        clock: Clock,
        visit: Callable[[tuple[Want, ...]], Awaitable[Decision]],
        unwanted: Callable[[Want], None],
    ) -> None:
        self._process = process
        self._clock = clock
        self._visit = visit
        self._to_tell = False
        self._unwanted = unwanted
        self._waiters: list[Waiter] = []
        self._numbers = itertools.count(1)
        self._changed = asyncio.Event()
        self._visiting: asyncio.Task[None] | None = None
        self._later: asyncio.TimerHandle | None = None

    @property
    def empty(self) -> bool:
        """Whether nobody waits."""
        return not self._waiters

    async def turn(
        self,
        traffic: Traffic,
        cost: Callable[[], float],
        waited: Callable[[float], None],
        patience: float = float("inf"),
    ) -> Want:
        """Wait for a turn; `waited` is told how long it took, also when the wait was cut short.

        Raises:
            CatalogUnavailable: Nobody can say that the call may go.
            ShutError: The limit is shut for longer than `patience`.
        """
        clock = self._clock
        call_id = f"{self._process}/{next(self._numbers)}"
        turn: asyncio.Future[Want] = asyncio.get_running_loop().create_future()
        waiter = Waiter(call_id, traffic, cost, patience, clock.monotonic(), turn)
        first = not any(each.traffic is traffic for each in self._waiters)
        self._waiters.append(waiter)
        if first:
            self._wake()
        try:
            return await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled() and turn.exception() is None:
                self._unwanted(turn.result())
            raise
        finally:
            if waiter in self._waiters:
                self._waiters.remove(waiter)
                self.tell()  # or others would leave room for it until its process is taken to be dead
            waited(clock.monotonic() - waiter.began)

    def tell(self) -> None:
        """Make a visit as soon as may be, whether or not anybody waits."""
        self._to_tell = True
        self._wake()

    def tell_within(self, seconds: float) -> None:
        """Make a visit within so many seconds of real time: for what should be told, and is in nobody's way."""
        loop = asyncio.get_running_loop()
        due = loop.time() + seconds
        if self._later is not None:
            if not self._later.cancelled() and loop.time() < self._later.when() <= due:
                return
            self._later.cancel()
        self._later = loop.call_at(due, self.tell)

    async def close(self) -> None:
        """Finish the visit under way, and make no other; nobody waits any more."""
        if self._visiting is not None:
            await asyncio.wait((self._visiting,), timeout=CLOSING_SECONDS)
            self._visiting.cancel()
            await asyncio.wait((self._visiting,))
        if self._later is not None:
            self._later.cancel()

    def _wake(self) -> None:
        self._changed.set()
        if self._visiting is None or self._visiting.done():
            self._visiting = asyncio.get_running_loop().create_task(self._visit_until_done())

    async def _visit_until_done(self) -> None:
        while self._waiters or self._to_tell:
            self._changed.clear()
            told, self._to_tell = self._to_tell, False
            now = self._clock.monotonic()
            asked = list(self._waiters)
            try:
                wants = tuple(Want(each.call_id, each.traffic, each.cost(), now - each.began) for each in asked)
                decision = await self._visit(wants)
            except DatabaseUnavailableError as error:
                log.warning("the limits that workers share cannot be reached", error=str(error))
                self._turn_away(CatalogUnavailable(f"nobody can say whether a call is within its limit: {error}"))
                if told:
                    self.tell_within(TELL_AGAIN_SECONDS)
                return
            except Exception as error:  # a fault of ours is for those who wait, and not for nobody
                self._turn_away(error)
                if not asked:
                    log.exception("what should be told of a limit cannot be told")
                return
            self._call(decision)
            if self._waiters and all(each in asked for each in self._waiters):
                await self._rest(decision.wait or LONGEST_REST_SECONDS)

    def _call(self, decision: Decision) -> None:
        """Call those whose turn it is, and turn away who does not wait so long."""
        waiting = {each.call_id: each for each in self._waiters if not each.turn.done()}
        for want in decision.granted:
            waiter = waiting.pop(want.call_id, None)
            if waiter is None:
                self._unwanted(want)
            else:
                waiter.turn.set_result(want)
        for waiter in waiting.values():
            if decision.shut > waiter.patience:
                waiter.turn.set_exception(ShutError(decision.shut))
        self._waiters = [each for each in self._waiters if not each.turn.done()]

    def _turn_away(self, error: Exception) -> None:
        for waiter in self._waiters:
            if not waiter.turn.done():
                waiter.turn.set_exception(error)
        self._waiters.clear()

    async def _rest(self, seconds: float) -> None:
        """Wait so long, or until something has changed."""
        rest = min(max(seconds, SHORTEST_REST_SECONDS), LONGEST_REST_SECONDS)
        waits: tuple[asyncio.Future[Any], ...] = (
            asyncio.ensure_future(self._clock.sleep(rest)),
            asyncio.ensure_future(self._changed.wait()),
        )
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
            await asyncio.gather(*waits, return_exceptions=True)
