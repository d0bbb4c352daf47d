"""Time as a limit knows it: a clock that is set never grants a call too early."""

from dataclasses import dataclass
from typing import Protocol

SECOND = 1_000_000
"""In microseconds."""

CATCHING_UP_MICROS = SECOND
"""A clock that is behind by less is waited for; by more, it has been set back."""


@dataclass(frozen=True, slots=True)
class Moment:
    """What the clock of a limit shows, and since when its visitor knows that it has gone evenly. Unix microseconds."""

    micros: int
    even_since: int


class Timed(Protocol):
    """What is known of a limit, with the latest moment at which anybody looked (Unix microseconds)."""

    seen: int

    def shift(self, micros: int) -> None:
        """Move every time that is kept by so much, but for `seen`."""
        ...


def pass_time(state: Timed, moment: Moment) -> int:
    """Note in `seen` what time it is for a limit, and say how much has passed since anybody looked: microseconds.

    Only what the visitor knows to have passed counts: of a clock that was set, forward or back, and of what came before the
    visitor, it is taken that no time has passed. What was to last for ten seconds more then lasts for ten seconds more now. So
    nothing ends early, and nothing that is kept lies in a future that never comes.
    """
    behind = state.seen - moment.micros
    if not state.seen or 0 < behind < CATCHING_UP_MICROS:
        state.seen = max(state.seen, moment.micros)
        return 0
    witnessed = max(0, moment.micros - max(state.seen, moment.even_since))
    if -behind != witnessed:
        state.shift(-behind - witnessed)
    state.seen = moment.micros
    return witnessed


def micros(seconds: float) -> int:
    """Round to microseconds."""
    return round(seconds * SECOND)
