"""A process's own monotonic clock bears witness to the clock that limits go by."""

from dataclasses import dataclass

from sync_worker.adapters.quotas.moments import SECOND, Moment

LEEWAY_SECONDS = 0.005
"""A clock that goes wrong by less has not been set."""

LEEWAY_SHARE = 0.001
"""Nor has one that goes wrong by less than this part of the time that passes: two clocks are never the same."""


@dataclass(frozen=True, slots=True)
class _Reading:
    """What the clock showed (Unix microseconds) at some time between two of the process (monotonic seconds)."""

    micros: int
    before: float
    after: float


class Witness:
    """Knows since when a clock has gone evenly, as far as one process can tell."""

    def __init__(self) -> None:
        self._last: _Reading | None = None
        self._even_since = 0

    def saw(self, micros: int, before: float, after: float) -> Moment:
        """Take in what the clock showed, at some time between `before` and `after` (monotonic seconds).

        A process that looks for the first time, or finds that the clock has been set, knows of no time before.
        """
        reading = _Reading(micros, before, after)
        if self._last is None or not _even(self._last, reading):
            self._even_since = micros
        self._last = reading
        return Moment(micros, self._even_since)


def _even(first: _Reading, second: _Reading) -> bool:
    """Whether the clock may have gone evenly from one reading to another, of which either may be the earlier."""
    gone = (second.micros - first.micros) / SECOND
    least, most = second.before - first.after, second.after - first.before
    leeway = LEEWAY_SECONDS + LEEWAY_SHARE * max(abs(least), abs(most))
    return least - leeway <= gone <= most + leeway
