"""What the reaper asks of the database, and what a start does to leases."""

from chassis.database.upserts import insert
from sqlalchemy import Connection, and_, delete, exists, or_, select, update

from job_tracker.adapters.store.dialects import serialise
from job_tracker.adapters.store.moment import Moment
from job_tracker.adapters.store.rows import HELD_STATES
from job_tracker.adapters.store.tables import claim_requests, counters, create_requests, job_locks, jobs, workers
from job_tracker.domain.moves import Now
from job_tracker.domain.states import State

ROUND_SECONDS = 1.0
"""So often it is noted that leases are looked after."""

LOOKED_AFTER = "looked_after"


def overdue(connection: Connection, now: Now) -> list[str]:
    """Find held jobs whose lease or grace has run out."""
    late = or_(
        jobs.c.lease_deadline_steady <= now.steady,
        and_(jobs.c.state == State.CANCELLING.value, jobs.c.cancel_deadline_steady <= now.steady),
    )
    found = connection.execute(select(jobs.c.job_id).where(jobs.c.state.in_(HELD_STATES), late).order_by(jobs.c.job_id))
    return list(found.scalars())


def free_locks(connection: Connection, now: Now) -> bool:
    """Free the locks that stood on for a revoked lease; whether there were any."""
    freed = connection.execute(delete(job_locks).where(job_locks.c.free_at_steady <= now.steady))
    return freed.rowcount > 0


def any_locks_to_free(connection: Connection, now: Now) -> bool:
    """Whether a lock waits to be freed: a read, so that an idle tracker writes nothing."""
    due = select(job_locks.c.job_id).where(job_locks.c.free_at_steady <= now.steady).limit(1)
    return connection.execute(due).first() is not None


def forget(connection: Connection, now: Now, claims_after: float, creations_after: float, workers_after: float) -> None:
    """Forget what nobody asks for any more; see `JobStore.forget`."""
    connection.execute(delete(claim_requests).where(claim_requests.c.request_time < _ago(now, claims_after)))
    lives = exists(select(1).where(jobs.c.job_id == create_requests.c.job_id))
    old = create_requests.c.request_time < _ago(now, creations_after)
    connection.execute(delete(create_requests).where(old, ~lives))
    holds = exists(select(1).where(jobs.c.worker_id == workers.c.worker_id, jobs.c.state.in_(HELD_STATES)))
    connection.execute(delete(workers).where(workers.c.last_seen_time < _ago(now, workers_after), ~holds))


def must_note(connection: Connection, now: Now) -> bool:
    """Whether it is time to note that leases are looked after: a read, so that who idles writes nothing."""
    since = _since_looked_after(connection, now)
    if since is None:
        return _anything_to_look_after(connection)
    return not 0 <= since < ROUND_SECONDS


def note_leases(connection: Connection, now: Now) -> None:
    """Note with the first lease that there is something to look after from now on."""
    statement = insert(connection, counters).values(name=LOOKED_AFTER, value=round(now.steady * 1_000))
    connection.execute(statement.on_conflict_do_nothing())


def watch_leases(connection: Connection, moment: Moment, grace: float, longest: float) -> bool:
    """Note that leases are looked after, and begin them anew where nobody did; see `JobStore.watch_leases`.

    The note goes when there is nothing to look after: a quiet time is no absence.
    """
    serialise(connection, [LOOKED_AFTER])
    now = moment(connection)
    if not _anything_to_look_after(connection):
        connection.execute(delete(counters).where(counters.c.name == LOOKED_AFTER))
        return False
    since = _since_looked_after(connection, now)
    unwatched = since is not None and not -ROUND_SECONDS <= since <= longest
    if unwatched:
        give_leases_a_whole_ttl(connection, now, grace)
    millis = round(now.steady * 1_000)
    statement = insert(connection, counters).values(name=LOOKED_AFTER, value=millis)
    connection.execute(statement.on_conflict_do_update(index_elements=[counters.c.name], set_={"value": millis}))
    return unwatched


def give_leases_a_whole_ttl(connection: Connection, now: Now, grace: float) -> None:
    """Set every steady time anew: those that were written before say nothing any more."""
    steady = now.steady
    # A row that somebody else is changing is one of a worker that was heard of, or of a replica that hangs: it is not waited for.
    found = connection.execute(
        select(jobs.c.job_id).where(jobs.c.state.in_(HELD_STATES)).with_for_update(skip_locked=True)
    )
    held = jobs.c.job_id.in_(list(found.scalars()))
    connection.execute(
        update(jobs)
        .where(held)
        .values(lease_deadline_steady=steady + jobs.c.lease_ttl, lease_claimed_steady=steady, pace_last_steady=steady)
    )
    connection.execute(
        update(jobs)
        .where(held, jobs.c.pace_base_steady.is_not(None))
        .values(pace_base_steady=steady, pace_base_processed=jobs.c.processed, pace_last_processed=jobs.c.processed)
    )
    connection.execute(
        update(jobs).where(held, jobs.c.state == State.CANCELLING.value).values(cancel_deadline_steady=steady + grace)
    )
    connection.execute(
        update(job_locks)
        .where(job_locks.c.free_at_steady.is_not(None))
        .values(free_at_steady=steady + job_locks.c.free_ttl)
    )


def _anything_to_look_after(connection: Connection) -> bool:
    """Whether there are leases, or locks that stand for a revoked one."""
    held = exists(select(1).where(jobs.c.state.in_(HELD_STATES)))
    standing = exists(select(1).where(job_locks.c.free_at_steady.is_not(None)))
    return bool(connection.execute(select(or_(held, standing))).scalar_one())


def _since_looked_after(connection: Connection, now: Now) -> float | None:
    noted = connection.execute(select(counters.c.value).where(counters.c.name == LOOKED_AFTER)).scalar_one_or_none()
    return None if noted is None else now.steady - noted / 1_000


def _ago(now: Now, seconds: float) -> int:
    return now.wall - round(seconds * 1_000_000)
