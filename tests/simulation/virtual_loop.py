"""An event loop whose time is virtual and whose order is drawn from a seed.

Whatever is ready may run next: which, is drawn. When nothing is ready, time leaps to the next timer. Nothing ever blocks, and the
same seed gives the same run.
"""

import asyncio
import heapq
import itertools
from asyncio import events
from collections.abc import Callable, Coroutine
from contextvars import Context
from random import Random
from typing import Any


class NothingLeftError(Exception):
    """Nobody can go on, and no time is waited for."""


class VirtualLoop(asyncio.AbstractEventLoop):
    """Runs one coroutine, and all tasks that it begins, to its end. `steps` counts callbacks that were run."""

    def __init__(self, random: Random) -> None:
        self._draw = random.random
        self._time = 0.0
        self._ready: list[asyncio.Handle] = []
        self._timers: list[tuple[float, int, asyncio.TimerHandle]] = []
        self._order = itertools.count()
        self._running = False
        self.halted = False
        self.steps = 0

    def run(self, work: Coroutine[Any, Any, None]) -> None:
        """Run a coroutine to its end, or until `halted` is set; then end what else still runs.

        Raises:
            NothingLeftError: It waits for what never comes; and whatever it raises.
        """
        events._set_running_loop(self)  # the documented way in for those who write a loop
        self._running = True
        try:
            main = self.create_task(work)
            while not main.done() and not self.halted:
                self._step()
            if main.done():
                main.result()
        finally:
            self._end_all()
            self._running = False
            events._set_running_loop(None)

    def _step(self) -> None:
        ready = self._ready
        if not ready:
            self._let_time_pass()
        chosen = int(self._draw() * len(ready))
        ready[chosen], ready[-1] = ready[-1], ready[chosen]
        handle = ready.pop()
        if not handle.cancelled():
            self.steps += 1
            handle._run()

    def _let_time_pass(self) -> None:
        timers = self._timers
        while timers and timers[0][2].cancelled():
            heapq.heappop(timers)
        if not timers:
            raise NothingLeftError
        self._time = max(self._time, timers[0][0])
        while timers and timers[0][0] <= self._time:
            self._ready.append(heapq.heappop(timers)[2])

    def _end_all(self) -> None:
        """Cancel what still runs, and let it come to its end; nothing of this is part of the run."""
        while left := [task for task in asyncio.all_tasks(self) if not task.done()]:
            for task in left:
                task.cancel()
            while self._ready:
                handle = self._ready.pop(0)
                if not handle.cancelled():
                    handle._run()

    def time(self) -> float:
        """Seconds since the run began."""
        return self._time

    def call_soon(self, callback: Callable[..., object], *args: Any, context: Context | None = None) -> asyncio.Handle:
        """Make a callback ready: it runs when it is drawn."""
        handle = asyncio.Handle(callback, args, self, context)
        self._ready.append(handle)
        return handle

    def call_at(
        self, when: float, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> asyncio.TimerHandle:
        """Make a callback ready at a time."""
        timer = asyncio.TimerHandle(when, callback, args, self, context)
        heapq.heappush(self._timers, (when, next(self._order), timer))
        return timer

    def call_later(
        self, delay: float, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> asyncio.TimerHandle:
        """Make a callback ready after some seconds."""
        return self.call_at(self._time + delay, callback, *args, context=context)

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        """Do nothing: a cancelled timer is passed over."""

    def create_future(self) -> "asyncio.Future[Any]":
        """Make a future of this loop."""
        return asyncio.Future(loop=self)

    def create_task(
        self, coro: Coroutine[Any, Any, Any], *, name: str | None = None, context: Context | None = None
    ) -> "asyncio.Task[Any]":
        """Begin a task: its first step is made ready."""
        return asyncio.Task(coro, loop=self, name=name, context=context)

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        """Raise what a callback raised; tasks keep their faults for whoever waits for them."""
        if self._running and "handle" in context:
            raise context["exception"]

    def get_debug(self) -> bool:
        """Never: asyncio's own checks take longer than the run."""
        return False

    def is_running(self) -> bool:
        """Whether it runs."""
        return self._running

    def is_closed(self) -> bool:
        """Never: there is nothing to close."""
        return False
