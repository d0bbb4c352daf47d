"""How much one caller may ask for: calls a second, and streams and long polls at a time."""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

MOST_CALLERS = 10_000
"""Above this, callers who have asked for nothing lately are forgotten; that changes nothing for them."""


class QuotaExceededError(Exception):
    """The caller makes more calls a second, or holds more streams, than one caller may."""

    def __init__(self, caller: str, limit: str, most: int, retry_seconds: float) -> None:
        super().__init__(f"{caller} may have {most:,} {limit.replace('_', ' ')}, and asks for more")
        self.caller = caller
        self.limit = limit
        self.retry_seconds = retry_seconds


class TokenBucket:
    """Lets `rate` calls a second pass, and as many at once after a second of silence."""

    def __init__(self, rate: float, now: float) -> None:
        self._rate = rate
        self._level = rate
        self._at = now

    def take(self, now: float) -> float:
        """Let one call pass at a moment (seconds, steady): 0, or how many seconds to wait before trying again."""
        self._fill(now)
        if self._level >= 1:
            self._level -= 1
            return 0.0
        return (1 - self._level) / self._rate

    def is_full(self, now: float) -> bool:
        """Whether nothing has been taken that has not come back since."""
        self._fill(now)
        return self._level >= self._rate

    def _fill(self, now: float) -> None:
        self._level = min(self._rate, self._level + max(0.0, now - self._at) * self._rate)
        self._at = max(self._at, now)


class Limits:
    """Counts what each caller asks for. 0 is no limit. `monotonic` tells seconds that never go backwards."""

    RETRY_STREAM_SECONDS = 5.0

    def __init__(
        self, *, calls_per_second: int = 0, streams: int = 0, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._rate = calls_per_second
        self._most_streams = streams
        self._monotonic = monotonic
        self._buckets: dict[str, TokenBucket] = {}
        self._streams: Counter[str] = Counter()

    def afresh(self) -> "Limits":
        """Make the same limits, with nothing counted yet."""
        return Limits(calls_per_second=self._rate, streams=self._most_streams, monotonic=self._monotonic)

    def call(self, caller: str) -> None:
        """Count a call.

        Raises:
            QuotaExceededError: It is one too many.
        """
        if not self._rate:
            return
        now = self._monotonic()
        bucket = self._buckets.get(caller)
        if bucket is None:
            if len(self._buckets) >= MOST_CALLERS:
                self._buckets = {name: kept for name, kept in self._buckets.items() if not kept.is_full(now)}
            bucket = self._buckets[caller] = TokenBucket(self._rate, now)
        wait = bucket.take(now)
        if wait:
            raise QuotaExceededError(caller, "calls_per_second", self._rate, wait)

    @contextmanager
    def stream(self, caller: str) -> Iterator[None]:
        """Hold a seat for a stream or a long poll for as long as the context lasts, however it ends.

        Raises:
            QuotaExceededError: All of the caller's seats are taken.
        """
        if self._most_streams and self._streams[caller] >= self._most_streams:
            raise QuotaExceededError(caller, "streams", self._most_streams, self.RETRY_STREAM_SECONDS)
        self._streams[caller] += 1
        try:
            yield
        finally:
            self._streams[caller] -= 1
            if not self._streams[caller]:
                del self._streams[caller]

    @property
    def callers(self) -> int:
        """How many callers' calls are kept count of."""
        return len(self._buckets)

    def seats(self, caller: str) -> int:
        """How many streams and long polls a caller holds now."""
        return self._streams.get(caller, 0)
