"""Who claims jobs: noted from the workers' own calls, so that nobody has to tell of himself."""

from collections.abc import Callable
from dataclasses import dataclass

from job_tracker.application.ports.clock import Clock
from job_tracker.application.ports.job_store import JobStore
from job_tracker.domain.job import Worker

NOTED_EVERY_SECONDS = 10.0
MOST_REMEMBERED = 10_000
HEARTBEATS = 3
"""A directive stream that gave no sign of life for so many heartbeats is gone."""


@dataclass(frozen=True, slots=True)
class _Noted:
    steady: float
    types: tuple[str, ...] | None
    listening: bool


class Workers:
    """Notes that workers were heard of, each at most once in a while: who waits for work writes little.

    `limited_to` names the present caller where it sees some stores alone: the workers of others are not its to note.
    """

    def __init__(
        self, store: JobStore, clock: Clock, heartbeat: float, limited_to: Callable[[], str] = lambda: ""
    ) -> None:
        self._store = store
        self._clock = clock
        self._listens_for = HEARTBEATS * heartbeat
        self._noted_every = min(NOTED_EVERY_SECONDS, heartbeat)  # else a listener would seem to be gone in between
        self._limited_to = limited_to
        self._noted: dict[tuple[str, str], _Noted] = {}

    async def heard(self, worker_id: str, *, types: tuple[str, ...] | None = None, listening: bool = False) -> None:
        """Note that a worker was heard of: its types with a claim, `listening` with its directive stream."""
        now = self._clock.now().steady
        limited_to = self._limited_to()
        last = self._noted.get((worker_id, limited_to))
        fresh = last is not None and now - last.steady < self._noted_every
        if last is not None and fresh and types in (None, last.types) and listening <= last.listening:
            return
        if len(self._noted) >= MOST_REMEMBERED:
            self._noted.clear()
        told = types if last is None or types is not None else last.types
        self._noted[worker_id, limited_to] = _Noted(
            now, told, listening or (fresh and last is not None and last.listening)
        )
        await self._store.note_worker(worker_id, types=types, listening=listening, limited_to=limited_to)

    async def page(self, after: str, limit: int) -> list[Worker]:
        """Read workers by name, after a name."""
        return await self._store.workers(after, limit, self._listens_for)
