"""Removing what is old: jobs that have ended, with all that belongs to them."""

from collections import Counter
from collections.abc import Mapping
from itertools import accumulate

from sqlalchemy import Connection, and_, delete, exists, false, or_, select

from job_tracker.adapters.store.tables import job_locks, jobs
from job_tracker.domain.moves import Now
from job_tracker.domain.states import FINAL, State

ROWS_PER_STEP = 10_000
"""Others wait while much is removed: a step takes no more jobs than have so many item failures, one job at the least."""


def remove_ended(connection: Connection, keep: Mapping[State, float], limit: int, now: Now) -> dict[State, int]:
    """Remove jobs whose end is longer ago than their state is kept; see `JobStore.remove_ended`.

    A job whose locks still stand, for a worker that did not let go, stays until they are free.
    """
    old = or_(
        false(),
        *(
            and_(jobs.c.state == state.value, jobs.c.end_time < now.wall - round(seconds * 1_000_000))
            for state, seconds in keep.items()
            if state in FINAL
        ),
    )
    locked = exists(select(1).where(job_locks.c.job_id == jobs.c.job_id))
    chosen = connection.execute(
        select(jobs.c.job_id, jobs.c.state, jobs.c.item_failures_stored)
        .where(old, ~locked)
        .order_by(jobs.c.end_time)
        .limit(limit)
        .with_for_update(skip_locked=True)
    ).all()
    sizes = accumulate(row.item_failures_stored for row in chosen)
    taken = [row for row, size in zip(chosen, sizes, strict=True) if row is chosen[0] or size <= ROWS_PER_STEP]
    if taken:
        connection.execute(delete(jobs).where(jobs.c.job_id.in_([row.job_id for row in taken])))
    return dict(Counter(State(row.state) for row in taken))
