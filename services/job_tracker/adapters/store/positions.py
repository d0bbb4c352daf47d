"""The place of each event among those of all jobs, by which WatchJobs resumes.

A position rises with every change that has events, and is no less than the wall clock's microseconds, as a fence is. So it goes
on when the clock is set back, and a restored database gives none that it gave before, unless its clock was set back, too.
"""

from sqlalchemy import Connection, func, select

from job_tracker.adapters.store.dialects import POSTGRESQL, raise_counter
from job_tracker.adapters.store.tables import counters, job_events

OVERLAP = 10_000_000
"""On PostgreSQL transactions do not commit in the order in which they drew. This is more (in microseconds) than lies between the
two, since nobody waits for the database for longer than 5 seconds. An event can hide behind a position only when the database's
clock jumps forward by more than 5 seconds between its drawing and its commit."""


def draw_position(connection: Connection, at_least: int) -> int:
    """Take the next position for the events of this transaction."""
    if connection.dialect.name == POSTGRESQL:  # a counter would hold up every other change until this one is committed
        return max(at_least, _last(connection) + 1)
    return raise_counter(connection, "position", 1, at_least)


def read_position(connection: Connection) -> int:
    """Find a position that no event which is committed from now on lies before."""
    if connection.dialect.name == POSTGRESQL:
        return max(0, _last(connection) + 1 - OVERLAP)
    last = connection.execute(select(counters.c.value).where(counters.c.name == "position")).scalar_one_or_none()
    return (last or 0) + 1


def _last(connection: Connection) -> int:
    last: int = connection.execute(select(func.coalesce(func.max(job_events.c.position), 0))).scalar_one()
    return last
