"""When to try again and from where: the logic of resuming, without any input or output of its own.

Both clients drive one `Resumption`: they tell it what came and what broke, and it says how long to wait before the next try
and after which revision to go on.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import grpc

from nhanhsync.client.refusals import Refused

FIRST_WAIT_SECONDS = 0.1
LONGEST_WAIT_SECONDS = 5.0
GIVE_UP_SECONDS = 300.0


class GaveUpError(Exception):
    """The service could not be reached for too long; the last refusal is the cause."""


@dataclass(slots=True)
class Resumption:
    """Where a watch stands, and how patient it still is.

    Args:
        monotonic: Tells seconds that never go backwards.
        uniform: Draws a number between its two arguments.
        give_up_seconds: After so long without anything coming, `failed` gives up.
        position: The revision, or the resume token, after which the stream goes on.
    """

    monotonic: Callable[[], float]
    uniform: Callable[[float, float], float]
    give_up_seconds: float = GIVE_UP_SECONDS
    position: int | str = 0
    _failures: int = 0
    _silent_since: float | None = field(default=None)

    def came(self, position: int | str | None = None) -> None:
        """Take note that a message came, and of the position that it carried."""
        if position is not None:
            self.position = position
        self._failures = 0
        self._silent_since = None

    def failed(self, refusal: Refused) -> float:
        """Take note that a try broke, and say how many seconds to wait before the next.

        Raises:
            Refused: The refusal itself, if trying again by itself is not for it: anything but UNAVAILABLE.
            GaveUpError: Nothing has come for `give_up_seconds`.
        """
        if refusal.code is not grpc.StatusCode.UNAVAILABLE:
            raise refusal
        return self.broke_off(refusal)

    def broke_off(self, cause: Exception | None = None) -> float:
        """Take note that the stream ended before it should, and say how many seconds to wait.

        Raises:
            GaveUpError: Nothing has come for `give_up_seconds`.
        """
        now = self.monotonic()
        if self._silent_since is None:
            self._silent_since = now
        if now - self._silent_since >= self.give_up_seconds:
            raise GaveUpError(f"no answer for {self.give_up_seconds:g} seconds") from cause
        bound = min(LONGEST_WAIT_SECONDS, FIRST_WAIT_SECONDS * 2.0**self._failures)
        self._failures += 1
        return self.uniform(bound / 2, bound)
