"""Nhanh's rate limit, kept from our side, so that no call is sent that Nhanh would refuse.

Nhanh allows 150 requests in 30 seconds for each app, business and URL. It answers one more with a lock, and calls
that are made while the lock lasts lengthen it (developers.nhanh.group, "Rate limit"). A sliding window keeps to that; a
token bucket of the same size would let through nearly twice as many in its first window.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

from sync_worker.application.ports.clock import Clock
from sync_worker.domain.stores import NhanhAccount

SHORTEST_REST_SECONDS = 0.001
"""Keeps a rest from being too short for the clock to move at all."""


def _unheard(_seconds: float) -> None:
    """Nobody counts the wait."""


@dataclass(slots=True)
class Place:
    """A place in the window. Say `sent` right before the call; a place whose call never left does not count."""

    was_sent: bool = False

    def sent(self) -> None:
        """Say that the call leaves now."""
        self.was_sent = True


class SlidingWindow:
    """The window of one app, business and path, shared by all jobs of the process. Times are seconds.

    A call counts from when it is let through until a whole window after its *answer*: when Nhanh counted it is not
    known, but surely not later than that. So no two counted calls are ever closer at Nhanh than they are here.

    After a lock one call goes first, alone: if the lock has been lengthened meanwhile, no second call lengthens it more.
    """

    def __init__(self, calls: int, seconds: float, clock: Clock) -> None:
        self._calls = calls
        self.seconds = seconds
        self._clock = clock
        self._answered: deque[float] = deque()
        self._under_way = 0
        self._locked_until: float | None = None
        self._probing = False
        self._turn = asyncio.Lock()  # hands out turns first come, first served
        self._changed = asyncio.Event()

    @property
    def locked_seconds(self) -> float:
        """How long a lock that Nhanh spoke of has still to run; 0 without one."""
        return 0.0 if self._locked_until is None else max(0.0, self._locked_until - self._clock.monotonic())

    def narrow(self, calls: int, seconds: float) -> None:
        """Take the stricter quota of two, where two stores of one account name different ones; 0 calls: no quota."""
        if calls and (not self._calls or calls * self.seconds < self._calls * seconds):
            self._calls, self.seconds = calls, seconds

    @contextlib.asynccontextmanager
    async def place(self, waited: Callable[[float], None] = _unheard) -> AsyncIterator[Place]:
        """Wait, first come first served, for a place, and hold it while the call is under way.

        `waited` is told how long the wait took, also when it was cut short.
        """
        began = self._clock.monotonic()
        try:
            async with self._turn:
                while not self._has_room():
                    await self._rest()
                self._under_way += 1
                probe = self._locked_until is not None
                self._probing = self._probing or probe
        finally:
            waited(self._clock.monotonic() - began)
        place = Place()
        locked_until = self._locked_until
        try:
            yield place
        finally:
            self._leave(place, probe=probe, locked_until=locked_until)

    def lock(self, seconds: float) -> None:
        """Let no call through for so long, as Nhanh asked; a shorter lock never ends a longer one."""
        until = self._clock.monotonic() + seconds
        self._locked_until = until if self._locked_until is None else max(self._locked_until, until)

    def _leave(self, place: Place, *, probe: bool, locked_until: float | None) -> None:
        self._under_way -= 1
        if place.was_sent:
            self._answered.append(self._clock.monotonic())
        if probe:
            self._probing = False
            if place.was_sent and self._locked_until == locked_until:
                self._locked_until = None
        self._changed.set()

    def _has_room(self) -> bool:
        now = self._clock.monotonic()
        while self._answered and self._answered[0] + self.seconds <= now:
            self._answered.popleft()
        if self._probing or self.locked_seconds > 0.0:
            return False
        return not self._calls or self._under_way + len(self._answered) < self._calls

    async def _rest(self) -> None:
        """Wait until the lock ends or the oldest answer leaves the window, or until a call under way has ended."""
        self._changed.clear()
        hours = [self._answered[0] + self.seconds] if self._answered else []
        if self.locked_seconds > 0.0 and self._locked_until is not None:
            hours = [self._locked_until]
        waits: list[asyncio.Future[Any]] = [asyncio.ensure_future(self._changed.wait())]
        if hours:
            rest = max(hours[0] - self._clock.monotonic(), SHORTEST_REST_SECONDS)
            waits.append(asyncio.ensure_future(self._clock.sleep(rest)))
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
            await asyncio.gather(*waits, return_exceptions=True)


class SlidingWindows:
    """The windows of a process, each of one account and path."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._windows: dict[tuple[str, int, int, str], SlidingWindow] = {}

    def of(self, account: NhanhAccount, path: str) -> SlidingWindow:
        """Find the window that all calls of this account to this path share."""
        key = (account.base_url, account.app_id, account.business_id, path)
        window = self._windows.get(key)
        if window is None:
            window = SlidingWindow(account.quota_calls, account.quota_window_seconds, self._clock)
            self._windows[key] = window
        else:
            window.narrow(account.quota_calls, account.quota_window_seconds)
        return window
