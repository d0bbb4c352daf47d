"""Nhanh's rate limit, kept from our side, so that no call is sent that Nhanh would refuse.

Nhanh allows 150 requests in 30 seconds for each app, business and URL. It answers one more with a lock, and calls
that are made while the lock lasts lengthen it (developers.nhanh.group, "Rate limit"). A sliding window keeps to that; a
token bucket of the same size would let through nearly twice as many in its first window.
"""

import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from math import inf

from sync_worker.adapters.quotas.ledger import Ledger
from sync_worker.adapters.quotas.line import Decision, Line
from sync_worker.adapters.quotas.moments import Moment, micros
from sync_worker.adapters.quotas.rows import read_or_hold
from sync_worker.adapters.quotas.turns import Want
from sync_worker.adapters.quotas.windows import (
    Ended,
    Quota,
    WindowAnswer,
    WindowState,
    WindowVisit,
    visit_window,
)
from sync_worker.application.ports.clock import Clock
from sync_worker.domain.stores import NhanhAccount
from sync_worker.domain.traffic import Traffic

LEAVE_SECONDS = 5.0
"""A call that has leave must be sent within so long, or ask again: a lock may have been answered to somebody else."""

SETTLE_SECONDS = 0.05
"""So long it may take until the end of a call is told: a list's next call comes sooner, and takes the news along."""

FREE_SECONDS = 1.0
"""Without a quota, locks that others were answered are looked for so often."""


def unheard(_seconds: float) -> None:
    """Nobody counts the wait."""


@dataclass(slots=True, eq=False)
class Place:
    """A place in the window. Say `sent` right before the call; a place whose call never left does not count."""

    call_id: str
    granted: float
    was_sent: bool = False

    def sent(self) -> None:
        """Say that the call leaves now."""
        self.was_sent = True


@dataclass(slots=True)
class _News:
    """What is still to be told: calls that ended, and until when (monotonic) Nhanh's answers have locked the path."""

    ended: list[Ended] = field(default_factory=list)
    locked_until: float = -inf


class SlidingWindow:
    """The window of one app, business and path, shared by all workers. Times are seconds; see `quotas.windows` for the rule.

    `call_seconds` is the longest that a call takes.
    """

    def __init__(
        self, key: str, quota: Quota, ledger: Ledger, clock: Clock, *, process: str, call_seconds: float
    ) -> None:
        self._key = key
        self._quota = quota
        self._ledger = ledger
        self._clock = clock
        self._process = process
        self._longest_call = LEAVE_SECONDS + call_seconds
        self._line = Line(process, clock, self._visit, self._give_back)
        self._news = _News()
        self._locked_until = -inf
        self._free_until = -inf

    @property
    def seconds(self) -> float:
        """The length of the window."""
        return self._quota.seconds

    @property
    def locked_seconds(self) -> float:
        """How long a lock that this process knows of has still to run; 0 without one."""
        return max(0.0, self._locked_until - self._clock.monotonic())

    def narrow(self, quota: Quota) -> None:
        """Take the stricter quota of two, where two stores of one account name different ones; 0 calls: no quota."""
        mine = self._quota
        if quota.calls and (not mine.calls or quota.calls * mine.seconds < mine.calls * quota.seconds):
            self._quota = quota

    @contextlib.asynccontextmanager
    async def place(
        self,
        traffic: Traffic = Traffic.BULK,
        waited: Callable[[float], None] = unheard,
        patience: float = inf,
    ) -> AsyncIterator[Place]:
        """Wait for a place, and hold it while the call is under way; `waited` is told how long the wait took, in any case.

        Raises:
            CatalogUnavailable: Nobody can say whether there is a place.
            ShutError: A lock lasts longer than `patience`.
        """
        now = self._clock.monotonic()
        if now < self._free_until and self._line.empty and not self._quota.calls:
            waited(0.0)
            yield Place("", now)
            return
        want = await self._line.turn(traffic, _one_call, waited, patience)
        place = Place(want.call_id, self._clock.monotonic())
        try:
            yield place
        finally:
            self._end(want.call_id, sent=place.was_sent)

    def may_leave(self, place: Place) -> bool:
        """Whether the call of a place may be sent now: its leave may be too old, or a lock have been answered meanwhile."""
        return self._clock.monotonic() - place.granted <= LEAVE_SECONDS and self.locked_seconds == 0.0

    def lock(self, seconds: float) -> None:
        """Let no call of any worker through for so long, as Nhanh asked; a shorter lock never ends a longer one."""
        until = self._clock.monotonic() + seconds
        self._news.locked_until = max(self._news.locked_until, until)
        self._locked_until = max(self._locked_until, until)
        self._free_until = -inf
        self._line.tell()

    async def close(self) -> None:
        """Tell what there is to tell, if that is possible."""
        if self._news.ended:
            self._line.tell()
        await self._line.close()

    def _give_back(self, want: Want) -> None:
        self._end(want.call_id, sent=False)

    def _end(self, call_id: str, *, sent: bool) -> None:
        self._news.ended.append(Ended(call_id, sent))
        if self._line.empty:
            self._line.tell_within(SETTLE_SECONDS)
        else:
            self._line.tell()

    async def _visit(self, wants: tuple[Want, ...]) -> Decision:
        news, self._news = self._news, _News()
        began = self._clock.monotonic()
        lock = micros(max(0.0, news.locked_until - began)) if news.locked_until > -inf else None
        longest = micros(self._longest_call)
        visit = WindowVisit(self._process, self._quota, longest, tuple(news.ended), lock, wants)

        def decide(known: str, moment: Moment) -> tuple[str, WindowAnswer]:
            state = read_or_hold(self._key, known, WindowState.read, lambda: WindowState.held(visit, moment))
            answer = visit_window(state, visit, moment)
            return state.text(), answer

        try:
            answer = await self._ledger.visit(self._key, decide)
        except BaseException:  # told again later: who hears it twice takes it in once
            self._news.ended[:0] = news.ended
            self._news.locked_until = max(self._news.locked_until, news.locked_until)
            raise
        self._locked_until = max(began + answer.locked_seconds, self._news.locked_until)
        if answer.free and self._news.locked_until == -inf:
            self._free_until = began + FREE_SECONDS
        return Decision(answer.granted, answer.wait, answer.locked_seconds)


class SlidingWindows:
    """The windows that a process knows, each of one account and path."""

    def __init__(self, ledger: Ledger, clock: Clock, *, process: str, call_seconds: float) -> None:
        self._ledger = ledger
        self._clock = clock
        self._process = process
        self._call_seconds = call_seconds
        self._windows: dict[str, SlidingWindow] = {}

    def of(self, account: NhanhAccount, path: str) -> SlidingWindow:
        """Find the window that all calls of this account to this path share."""
        key = f"nhanh {account.base_url} app {account.app_id} business {account.business_id} {path}"
        quota = Quota(account.quota_calls, account.quota_window_seconds)
        window = self._windows.get(key)
        if window is None:
            window = SlidingWindow(
                key, quota, self._ledger, self._clock, process=self._process, call_seconds=self._call_seconds
            )
            self._windows[key] = window
        else:
            window.narrow(quota)
        return window

    async def close(self) -> None:
        """Tell what there is to tell of each."""
        for window in self._windows.values():
            await window.close()


def _one_call() -> float:
    return 1.0
