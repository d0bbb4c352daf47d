"""Decides who may call within a sliding window: so many calls in any stretch of so many seconds.

A call counts from when it is let through until a whole window after its *answer*: when the vendor counted it is not known,
but surely not later than that. So no two counted calls are ever closer at the vendor than they are here. A call whose answer
nobody has told, since its process died, counts as if it had been answered at the last moment at which it could be.

After a lock one call goes first, alone: if the lock has been lengthened meanwhile, no second call lengthens it more.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Self

import orjson

from sync_worker.adapters.quotas.moments import SECOND, Moment, micros, pass_time
from sync_worker.adapters.quotas.rows import Rows
from sync_worker.adapters.quotas.turns import Turns, Want

PROBE_SECONDS = 0.25
"""While one call goes first, the others ask so often whether it has been answered."""


@dataclass(frozen=True, slots=True)
class Quota:
    """So many calls in so many seconds; 0 calls: no quota of ours, only the vendor's locks."""

    calls: int
    seconds: float

    @property
    def micros(self) -> int:
        """The length of the window."""
        return micros(self.seconds)


@dataclass(frozen=True, slots=True)
class Ended:
    """A call that is over. One that was never sent does not count."""

    call_id: str
    sent: bool


@dataclass(slots=True)
class WindowState:
    """What all workers know of a window. Times are Unix microseconds.

    `answered` has for each answered call the time until which it counts, `under_way` for each other. The lock is over when
    `locked_until` has passed and the `probe`, a call that went when the lock was the one of `probe_lock`, was answered.
    """

    seen: int = 0
    answered: list[int] = field(default_factory=list)
    under_way: dict[str, int] = field(default_factory=dict)
    locked_until: int | None = None
    probe: str = ""
    probe_until: int = 0
    probe_lock: int = 0
    turns: Turns = field(default_factory=Turns)

    @classmethod
    def read(cls, text: str) -> "WindowState":
        """Read what `text` wrote; nothing is known of a window that nobody has used.

        Raises:
            ValueError: Something else wrote it.
        """
        return _rows.read(text) if text else cls()

    @classmethod
    def held(cls, visit: "WindowVisit", moment: Moment) -> Self:
        """Take a window of which nothing can be read to be full just now, and locked.

        Calls under way may still be answered, and count for a whole window from then on; then one call goes first, alone.
        """
        return cls(seen=moment.micros, locked_until=moment.micros + visit.longest_call + visit.quota.micros)

    def text(self) -> str:
        """Write it down."""
        return orjson.dumps(self).decode()

    def shift(self, micros: int) -> None:
        """Move every time by so much, but for `seen`."""
        self.answered = [until + micros for until in self.answered]
        self.under_way = {call: until + micros for call, until in self.under_way.items()}
        self.locked_until = None if self.locked_until is None else self.locked_until + micros
        self.probe_until += micros
        self.probe_lock += micros
        self.turns.shift(micros)


_rows: Rows[WindowState] = Rows(WindowState)


@dataclass(frozen=True, slots=True)
class WindowVisit:
    """What a process tells and asks: calls that ended, how long a lock that was answered lasts, and calls that wait.

    A call that is let through is over at the latest `longest_call` later. All in microseconds.
    """

    process: str
    quota: Quota
    longest_call: int
    ended: Sequence[Ended] = ()
    lock: int | None = None
    wants: Sequence[Want] = ()


@dataclass(frozen=True, slots=True)
class WindowAnswer:
    """Who may go, in how many seconds the next may ask again, and how long a lock still lasts.

    `free`: nothing stands in the way of any call.
    """

    granted: tuple[Want, ...]
    wait: float | None
    locked_seconds: float
    free: bool


def visit_window(state: WindowState, visit: WindowVisit, moment: Moment) -> WindowAnswer:
    """Take in what a process tells, and decide on its calls."""
    pass_time(state, moment)
    now = state.seen
    state.answered = sorted(until for until in state.answered if until > now)
    state.under_way = {call: until for call, until in state.under_way.items() if until > now}
    if visit.lock is not None:
        state.locked_until = max(state.locked_until or 0, now + visit.lock)
    for ended in visit.ended:
        _end(state, ended, now + visit.quota.micros)
    if state.probe and state.probe_until <= now:
        state.probe = ""
    room = _room(state, visit.quota, now)
    probing = state.locked_until is not None
    served = state.turns.serve(visit.process, visit.wants, min(room, 1.0) if probing else room, now)
    probe = served.granted[0].call_id if probing and served.granted else ""
    if probe and state.locked_until is not None:
        state.probe, state.probe_until, state.probe_lock = probe, now + visit.longest_call, state.locked_until
    if visit.quota.calls or probe:
        until = now + visit.longest_call + visit.quota.micros
        state.under_way.update((want.call_id, until) for want in served.granted)
    locked = 0 if state.locked_until is None else max(0, state.locked_until - now)
    return WindowAnswer(
        served.granted,
        None if served.lacking is None else _wait(state, visit.quota, served.lacking, now),
        locked / SECOND,
        free=not visit.quota.calls and state.locked_until is None,
    )


def _end(state: WindowState, ended: Ended, counts_until: int) -> None:
    known = state.under_way.pop(ended.call_id, None) is not None
    if known and ended.sent:
        state.answered.append(counts_until)
    if state.probe == ended.call_id:
        state.probe = ""
        if ended.sent and state.locked_until == state.probe_lock:
            state.locked_until = None


def _room(state: WindowState, quota: Quota, now: int) -> float:
    if state.probe or (state.locked_until is not None and state.locked_until > now):
        return 0.0
    return quota.calls - len(state.answered) - len(state.under_way) if quota.calls else math.inf


def _wait(state: WindowState, quota: Quota, lacking: float, now: int) -> float:
    """Say in how many seconds there is room, as far as is known: a call under way may be answered now."""
    if state.locked_until is not None:
        return (state.locked_until - now) / SECOND if state.locked_until > now else PROBE_SECONDS
    freed_at = sorted([*state.answered, *(min(until, now + quota.micros) for until in state.under_way.values())])
    enough = min(math.ceil(lacking), len(freed_at))
    return (freed_at[enough - 1] - now) / SECOND if enough else quota.seconds
