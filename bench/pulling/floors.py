"""The least time that a vendor's rules leave for a list: pure arithmetic, with nobody's work in it."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import ceil, floor, log


@dataclass(frozen=True, slots=True)
class Window:
    """At most `calls` in any `seconds`, as Nhanh counts for each app, business and path."""

    calls: int
    seconds: float

    @property
    def per_second(self) -> float:
        """Calls a second in the long run."""
        return self.calls / self.seconds

    def floor_seconds(self, calls: int, latency: float, in_flight: int = 1) -> float:
        """Tell how long so many calls take at least, from the first being sent until the last is answered.

        Each takes `latency` seconds, and `in_flight` of them may be under way at once: with one cursor it is one, since
        each page names the next.
        """
        sent: deque[float] = deque(maxlen=max(self.calls, in_flight))
        now = 0.0
        for _ in range(calls):
            if len(sent) >= in_flight:
                now = max(now, sent[-in_flight] + latency)
            if len(sent) >= self.calls:
                now = max(now, sent[-self.calls] + self.seconds)
            sent.append(now)
        return now + latency


@dataclass(frozen=True, slots=True)
class Bucket:
    """A bucket of points that fills again, as Shopify keeps for each app and shop; full at first."""

    size: float
    per_second: float

    def floor_seconds(self, calls: int, points: float, latency: float) -> float:
        """Tell how long so many calls of so many points take at least, one after another."""
        now, held = 0.0, self.size
        for _ in range(calls):
            wait = max(0.0, points - held) / self.per_second
            held = min(self.size, held + wait * self.per_second) - points
            held = min(self.size, held + latency * self.per_second)
            now += wait + latency
        return now

    def points_within(self, seconds: float) -> float:
        """Tell how many points can be spent within so long, by whomever: a full bucket and what comes back."""
        return self.size + self.per_second * seconds


NHANH = Window(calls=150, seconds=30.0)
"""Nhanh's documented limit."""

NHANH_SAFE = Window(calls=145, seconds=30.0)
"""What is used of it: a margin for calls that others make and for clocks that differ."""

SHOPIFY = Bucket(size=2_000.0, per_second=100.0)
"""Shopify's standard plan."""

NHANH_PAGE_ROWS = 100
SHOPIFY_PAGE_ROWS = 250

SHOPIFY_NODE_POINTS = 3
"""A variant with its product and inventory item; a customer with its e-mail address and phone number. Addresses are free."""


def pages(rows: int, page_rows: int) -> int:
    """Tell how many pages hold so many rows."""
    return ceil(rows / page_rows)


def page_points(node_points: int = SHOPIFY_NODE_POINTS, rows: int = SHOPIFY_PAGE_ROWS) -> int:
    """Tell what Shopify charges for a page: 2, and each node max(1, floor(2 ln rows)) times."""
    return 2 + max(1, floor(2 * log(rows))) * node_points


def steady_calls_per_second(quota: float, latency: float, in_flight: int = 1) -> float:
    """Tell how many calls a second are possible in the long run: by the quota, or by the answers' time."""
    return quota if latency <= 0 else min(quota, in_flight / latency)


def rate_over(samples: Sequence[tuple[float, float]], begin: float, seconds: float) -> float | None:
    """Tell how much was done a second between `begin` and `seconds` later; None if the samples end before.

    `samples` are (seconds, total so far), in order; between two of them the total is taken to rise evenly.
    """
    first, last = _at(samples, begin), _at(samples, begin + seconds)
    return None if first is None or last is None else (last - first) / seconds


def _at(samples: Sequence[tuple[float, float]], moment: float) -> float | None:
    for (before, low), (after, high) in pairwise(samples):
        if before <= moment <= after:
            return low if after == before else low + (high - low) * (moment - before) / (after - before)
    return None
