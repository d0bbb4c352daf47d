"""Retention: what ended long ago is removed, in small steps, and what was removed is counted."""

import asyncio
from collections.abc import Callable, Mapping

import structlog

from job_tracker.application.ports.job_store import JobStore
from job_tracker.domain.states import State

log = structlog.get_logger()

EVERY_SECONDS = 60.0
JOBS_PER_STEP = 100
"""Each with its events and item failures; the store takes fewer where these are many."""

HOUR_SECONDS = 3_600.0
DAY_SECONDS = 24 * HOUR_SECONDS
CLAIMS_AFTER = HOUR_SECONDS
CREATIONS_AFTER = 7 * DAY_SECONDS
WORKERS_AFTER = DAY_SECONDS
"""Claim requests, creation requests whose job is gone, and silent workers are remembered for so long."""

Counted = Callable[[State, int], None]
"""Counts removed jobs by the state that they ended in."""


async def remove_old(store: JobStore, keep: Mapping[State, float], counted: Counted) -> int:
    """Remove every job whose end is longer ago than its state is kept (seconds), and old requests; how many jobs."""
    removed = 0
    while True:
        step = await store.remove_ended(keep, JOBS_PER_STEP)
        for state, count in step.items():
            counted(state, count)
        removed += sum(step.values())
        if not step:
            break
    await store.forget(claims_after=CLAIMS_AFTER, creations_after=CREATIONS_AFTER, workers_after=WORKERS_AFTER)
    if removed:
        log.info("removed jobs that ended long ago", jobs=removed)
    return removed


async def retain_forever(store: JobStore, keep: Mapping[State, float], counted: Counted) -> None:
    """Remove what is old until cancelled. A fault is logged, and the next round comes all the same."""
    while True:
        try:
            await remove_old(store, keep, counted)
        except Exception:  # it must outlive what one round meets
            log.exception("removing old jobs failed")
        await asyncio.sleep(EVERY_SECONDS)
