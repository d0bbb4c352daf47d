"""Time as a limit knows it: a clock that is set never grants a call too early."""

from typing import Protocol

SECOND = 1_000_000
"""In microseconds."""

CATCHING_UP_MICROS = SECOND
"""A clock that is behind by less is waited for; by more, it has been set back."""


class Timed(Protocol):
    """What is known of a limit, with the latest moment at which anybody looked (Unix microseconds)."""

    seen: int

    def shift(self, micros: int) -> None:
        """Move every time that is kept by so much."""
        ...


def moment_of(state: Timed, clock_micros: int) -> int:
    """Say what time it is for a limit, and note it.

    Of a clock that was set back it is taken that no time has passed: what was to last for ten seconds more then lasts for
    ten seconds more now. So nothing that is kept lies in a future that never comes.
    """
    behind = state.seen - clock_micros
    if 0 < behind < CATCHING_UP_MICROS:
        return state.seen
    if behind > 0 and state.seen:
        state.shift(-behind)
    state.seen = clock_micros
    return clock_micros


def micros(seconds: float) -> int:
    """Round to microseconds."""
    return round(seconds * SECOND)
