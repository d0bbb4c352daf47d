"""GetJobStats: counts, and how much of what is registered has been seen to work."""

from dataclasses import dataclass

from job_tracker.application.ports.job_store import Stats
from job_tracker.application.tracker import Tracker
from job_tracker.domain.states import State

COUNTS_AS_DONE = (State.COMPLETED, State.PARTIALLY_COMPLETED)


@dataclass(frozen=True, slots=True)
class Covered:
    """One registered operation, and how many of its jobs are done."""

    type: str
    variant: str
    display_name: str
    completed_jobs: int


async def job_stats(
    tracker: Tracker, store_ids: tuple[str, ...], created_from: int | None, created_before: int | None
) -> tuple[Stats, list[Covered]]:
    """Count jobs over a window (Unix microseconds). A registered type counts once per variant, once if it has none."""
    stats = await tracker.store.stats(store_ids, created_from, created_before)
    covered = [
        Covered(
            registered.type,
            variant,
            registered.display_name,
            sum(stats.counts.get((registered.type, variant, state), 0) for state in COUNTS_AS_DONE),
        )
        for registered in await tracker.store.types()
        for variant in (registered.variants or ("",))
    ]
    return stats, covered
