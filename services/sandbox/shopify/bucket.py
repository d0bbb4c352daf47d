"""Shopify's cost bucket: what a request may cost must be there when it starts, and what it did not cost is given back.

https://shopify.dev/docs/api/usage/limits: the standard plan restores 100 points a second; a bucket of twenty times that
is what answers show.
"""

from dataclasses import dataclass

SIZE = 2_000.0
RESTORED_PER_SECOND = 100.0
BOUNDLESS = 1_000.0
"""With limits off the bucket says that it is so many times larger, and is never emptied."""


@dataclass(slots=True)
class CostBucket:
    """One shop's bucket. Times are monotonic seconds; `scale` None never refuses."""

    scale: float | None
    available: float = 0.0
    _as_of: float | None = None

    @property
    def size(self) -> float:
        """What it holds when it is full."""
        return SIZE * (BOUNDLESS if self.scale is None else self.scale)

    @property
    def rate(self) -> float:
        """Points that come back each second."""
        return RESTORED_PER_SECOND * (BOUNDLESS if self.scale is None else self.scale)

    def take(self, points: float, now: float) -> bool:
        """Reserve what a request may cost; False: it is throttled, and nothing is taken."""
        self._restore(now)
        if self.scale is None:
            return True
        if points > self.available:
            return False
        self.available -= points
        return True

    def give_back(self, points: float) -> None:
        """Give back what a request did not cost."""
        if self.scale is not None:
            self.available = min(self.size, self.available + points)

    def status(self, now: float) -> dict[str, float]:
        """Say how full it is, as every answer does."""
        self._restore(now)
        return {
            "maximumAvailable": self.size,
            "currentlyAvailable": float(int(self.available)),
            "restoreRate": self.rate,
        }

    def _restore(self, now: float) -> None:
        if self._as_of is None or self.scale is None:
            self.available = self.size
        else:
            self.available = min(self.size, self.available + (now - self._as_of) * self.rate)
        self._as_of = now
