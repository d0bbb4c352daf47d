"""Time, handed in."""

from typing import Protocol

from job_tracker.domain.moves import Now


class Clock(Protocol):
    """Tells wall time and steady time together."""

    def now(self) -> Now:
        """The present moment."""
        ...
