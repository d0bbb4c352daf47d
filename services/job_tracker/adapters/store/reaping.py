"""What the reaper asks of the database, and what a start does to leases."""

from sqlalchemy import Connection, and_, delete, or_, select, update

from job_tracker.adapters.store.tables import claim_requests, job_locks, jobs
from job_tracker.domain.moves import Now
from job_tracker.domain.states import HELD, State

HELD_STATES = tuple(state.value for state in HELD)


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


def forget_requests(connection: Connection, before: int) -> None:
    """Forget claim requests made before a time."""
    connection.execute(delete(claim_requests).where(claim_requests.c.request_time < before))


def give_leases_a_whole_ttl(connection: Connection, steady: float, grace: float) -> None:
    """Set every steady time anew: the clock that they were written by ended with its process."""
    held = jobs.c.state.in_(HELD_STATES)
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
        update(jobs).where(jobs.c.state == State.CANCELLING.value).values(cancel_deadline_steady=steady + grace)
    )
    connection.execute(
        update(job_locks)
        .where(job_locks.c.free_at_steady.is_not(None))
        .values(free_at_steady=steady + job_locks.c.free_ttl)
    )
