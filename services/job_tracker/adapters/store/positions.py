"""The place of each event among those of all jobs, by which WatchJobs resumes. No wall clock moves it back.

On SQLite it is a counter that rises with every change that has events, and is no less than the wall clock's microseconds, as a
fence is: a restored database gives none that it gave before, unless its clock was set back, too.

On PostgreSQL a counter would make every change wait for the commit of the one before, and without waiting, changes do not commit
in the order in which they drew. There it is the transaction's own number, and what is read is the lowest number of a transaction
that may still commit: https://www.postgresql.org/docs/current/functions-info.html#FUNCTIONS-INFO-SNAPSHOT. A dump that is loaded
into a new cluster begins with low numbers again, so a token from before it adds nothing to what is active.
"""

from sqlalchemy import ColumnElement, Connection, literal_column, select, text, update

from job_tracker.adapters.store.dialects import POSTGRESQL, raise_counter
from job_tracker.adapters.store.tables import counters, job_events

MINE: ColumnElement[int] = literal_column("CAST(CAST(pg_current_xact_id() AS text) AS bigint)")
NEXT_UNGIVEN: ColumnElement[int] = literal_column(
    "CAST(CAST(pg_snapshot_xmax(pg_current_snapshot()) AS text) AS bigint)"
)
LOWEST_UNFINISHED = text("SELECT CAST(CAST(pg_snapshot_xmin(pg_current_snapshot()) AS text) AS bigint)")


def draw_position(connection: Connection, at_least: int) -> int | ColumnElement[int]:
    """Take the position for the events of this transaction, as a value to insert."""
    if connection.dialect.name == POSTGRESQL:
        return MINE
    return raise_counter(connection, "position", 1, at_least)


def forget_foreign_positions(connection: Connection) -> None:
    """Move events whose positions another cluster gave, from which the database was restored, to the beginning.

    Its numbers may be ahead of this one's, and everything would be told again until this one has caught up.
    """
    if connection.dialect.name == POSTGRESQL:
        ahead = job_events.c.position >= NEXT_UNGIVEN
        connection.execute(update(job_events).where(ahead).values(position=0))


def read_position(connection: Connection) -> int:
    """Find a position that no event which is committed from now on lies before."""
    if connection.dialect.name == POSTGRESQL:
        position: int = connection.execute(LOWEST_UNFINISHED).scalar_one()
        return position
    last = connection.execute(select(counters.c.value).where(counters.c.name == "position")).scalar_one_or_none()
    return (last or 0) + 1
