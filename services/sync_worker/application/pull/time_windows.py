"""A list cut into windows by the time of a row's last change, so that several cursors read it at once.

How large a window will be nobody says beforehand, so it is learnt. The list is begun as a whole; the times on its first
pages say where its rows lie. From their middle two sweeps go outwards, one back to the oldest row and one forth to `top`,
and cut windows off as cursors become free: longer ones where the last came out small, shorter ones where it came out large.
A window that turns out far too large is given up and cut in the same way. Windows never overlap and leave no gap.

Seconds are whole Unix seconds; both ends of a window belong to it.
"""

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

CURSORS = 4
"""So many windows are read at once."""

OLDEST = 1_388_534_400
"""2014-01-01, before Nhanh: the window that reaches back to here is open below, so that no row is too old for it."""

SHARE = 12
FEWEST_PAGES, MOST_PAGES = 40, 120
"""A window aims at this share of the pages that were read so far, within these: the end of a window costs a call or two."""

TOO_LARGE = 3
"""A window of more than so many times the pages that were aimed at is cut."""

PIECES = 32
"""The first windows of a cut are as long as this part of the time over which its rows are spread."""

GROWTH = 4
ANSWERED = 2
"""After so many pages it is known that a window is not a small one, and the next may be cut off."""


@dataclass(slots=True)
class Window:
    """What one cursor reads: rows last changed from `begin` to `end`; None is open. `cursor` None begins.

    `pages` are those with rows that were read; `times` is when those rows were last changed, as far as this attempt read them.
    """

    begin: int | None
    end: int | None
    cursor: str | None = None
    pages: int = 0
    times: list[int] = field(default_factory=list)
    over: bool = False

    def holds(self, time: int) -> bool:
        """Whether a second is one of its own."""
        return (self.begin is None or self.begin <= time) and (self.end is None or time <= self.end)

    @property
    def splittable(self) -> bool:
        """Whether it has more than one second."""
        return self.begin is None or self.end is None or self.begin < self.end


@dataclass(slots=True)
class Sweep:
    """Where the next window is cut off: at `edge`, `span` seconds long, upwards or downwards, up to `bound`.

    `bound` None is open below. `newest` is the window that was cut off last, as far as this attempt knows.
    """

    edge: int
    bound: int | None
    upwards: bool
    span: int
    newest: Window | None = None

    @property
    def ready(self) -> bool:
        """Whether enough is known of the last window to cut off another."""
        return self.newest is None or self.newest.over or self.newest.pages >= ANSWERED

    def cut_off(self) -> tuple[Window, bool]:
        """Cut off the next window, and say whether it is the last."""
        if self.upwards:
            if self.bound is None:
                raise ValueError("an upward sweep has a bound")
            end = min(self.edge + self.span - 1, self.bound)
            self.newest, self.edge = Window(self.edge, end), end + 1
            return self.newest, self.edge > self.bound
        begin = self.edge - self.span + 1
        if begin <= (OLDEST if self.bound is None else self.bound):
            self.newest = Window(self.bound, self.edge)
            return self.newest, True
        self.newest, self.edge = Window(begin, self.edge), begin - 1
        return self.newest, False


class WindowPlan:
    """Which windows there are, which are under way, and how far each has come.

    `top` is the last second that windows cover: what changed later is for the catch-up. `pages` are all that were read.
    """

    def __init__(self, top: int, windows: Iterable[Window], sweeps: Iterable[Sweep], pages: int) -> None:
        self.top = top
        self.windows = list(windows)
        self._sweeps = list(sweeps)
        self._pages = pages
        self._sweep_of: dict[int, Sweep] = {}

    @classmethod
    def of_all(cls, top: int) -> "WindowPlan":
        """Begin with everything in one window, to be cut."""
        return cls(top, [Window(None, None)], [], 0)

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> "WindowPlan":
        """Read what `as_json` wrote."""
        windows = [Window(**window) for window in document["windows"]]
        sweeps = [Sweep(**sweep) for sweep in document["sweeps"]]
        return cls(document["top"], windows, sweeps, document["pages"])

    def as_json(self) -> dict[str, Any]:
        """Write down all that another attempt needs."""
        return {
            "top": self.top,
            "windows": [
                {"begin": window.begin, "end": window.end, "cursor": window.cursor, "pages": window.pages}
                for window in self.windows
            ],
            "sweeps": [
                {"edge": sweep.edge, "bound": sweep.bound, "upwards": sweep.upwards, "span": sweep.span}
                for sweep in self._sweeps
            ],
            "pages": self._pages,
        }

    @property
    def done(self) -> bool:
        """Whether all windows have been read to their ends."""
        return not self.windows and not self._sweeps

    @property
    def middle(self) -> int:
        """Where the next sweep goes out from. Of what has just been cut it is a second in which a row was changed, if any was."""
        return self._sweeps[0].edge

    @property
    def aim(self) -> int:
        """How many pages a window should have."""
        return min(max(self._pages // SHARE, FEWEST_PAGES), MOST_PAGES)

    def under_way(self) -> list[Window]:
        """Give the windows to read at once; cut off new ones where a cursor is free."""
        while len(self.windows) < CURSORS:
            sweep = next((each for each in self._sweeps if each.ready), None)
            if sweep is None:
                break
            newest = sweep.newest
            if newest is not None and not newest.over and newest.pages > self.aim:
                sweep.span = max(sweep.span * self.aim // newest.pages, 1)
            window, last = sweep.cut_off()
            self.windows.append(window)
            self._sweep_of[id(window)] = sweep
            if last:
                self._sweeps.remove(sweep)
        return self.windows

    def take(self, window: Window, times: Iterable[int], following: str | None, *, empty: bool) -> None:
        """Take note of a page of a window: when the window's own rows were last changed, and the cursor behind it.

        `empty` is a page without a row of the window's own: it says nothing of how large the window is.
        """
        window.cursor = following
        if window.splittable:
            window.times.extend(times)
        if not empty:
            window.pages += 1
            self._pages += 1
        if following is None:
            self._end(window)
            sweep = self._sweep_of.pop(id(window), None)
            if sweep is not None and window.begin is not None and window.end is not None:
                factor = min(self.aim / max(window.pages, 1), GROWTH)
                sweep.span = max(int((window.end - window.begin + 1) * factor), 1)

    def is_too_large(self, window: Window) -> bool:
        """Whether a window that goes on is so much larger than meant that it should be cut."""
        return not window.over and window.pages > TOO_LARGE * self.aim and bool(window.times)

    def cut(self, window: Window) -> None:
        """Give a window up, and sweep over it instead, from the middle of its rows outwards.

        The rows that it has shown are read once more: a cursor belongs to its window.
        """
        self._end(window)
        self._sweep_of.pop(id(window), None)
        times = sorted(window.times)
        top = self.top if window.end is None else window.end
        below = bisect_right(times, top)
        times = times[:below] or [top]
        if window.begin is not None:
            times = [max(time, window.begin) for time in times]
        low, middle, high = (times[len(times) * tenths // 10] for tenths in (1, 5, 9))
        span = max((high - low) // PIECES, 1)
        self._sweeps.append(Sweep(middle, window.begin, False, span))
        if middle < top:
            self._sweeps.append(Sweep(middle + 1, top, True, span))

    def _end(self, window: Window) -> None:
        window.over = True
        self.windows.remove(window)
