"""Nhanh's rate limit: 150 calls in 30 seconds per app, business and path; calling while locked lengthens the lock.

https://developers.nhanh.group, "Rate limit".
"""

from collections import deque
from dataclasses import dataclass, field

CALLS = 150
WINDOW_SECONDS = 30.0
LOCK_SECONDS = 10.0
LENGTHENED_BY_SECONDS = 5.0


@dataclass(slots=True)
class PathLimit:
    """One path's calls. Times are monotonic seconds; `pace` multiplies every duration."""

    allowed: int
    pace: float = 1.0
    times: deque[float] = field(default_factory=deque)
    locked_until: float = 0.0

    def refused_for(self, now: float) -> float | None:
        """Count a call; None lets it pass, else it is refused for so many more seconds."""
        if now < self.locked_until:
            self.locked_until += LENGTHENED_BY_SECONDS * self.pace
            return self.locked_until - now
        window = WINDOW_SECONDS * self.pace
        while self.times and self.times[0] <= now - window:
            self.times.popleft()
        if len(self.times) >= self.allowed:
            # A call at the end of the lock must pass: "wait until unlockedAt" is all that a caller is told.
            return self.lock(now, max(LOCK_SECONDS * self.pace, self.times[0] + window - now))
        self.times.append(now)
        return None

    def lock(self, now: float, seconds: float) -> float:
        """Lock the path for so many seconds."""
        self.locked_until = now + seconds
        return seconds


class Limits:
    """The limits of one app and business; None for `scale` turns them off. `pace` multiplies their seconds."""

    def __init__(self, scale: float | None, pace: float = 1.0) -> None:
        self._scale = scale
        self._pace = pace
        self._paths: dict[str, PathLimit] = {}

    def path(self, path: str) -> PathLimit:
        """Find a path's limit."""
        if path not in self._paths:
            self._paths[path] = PathLimit(max(int(CALLS * (self._scale or 1)), 1), self._pace)
        return self._paths[path]

    def refused_for(self, path: str, now: float) -> float | None:
        """Count a call; see `PathLimit`. A lock that a fault has set is obeyed even with the limits off."""
        limit = self.path(path)
        if self._scale is None and now >= limit.locked_until:
            return None
        return limit.refused_for(now)
