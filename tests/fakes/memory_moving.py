"""How `MemoryJobStore` stores a change, and begins leases anew."""

from dataclasses import replace

from job_tracker.application.ports.job_store import STORED_FAILURES_PER_JOB
from job_tracker.domain.errors import LeaseLostError
from job_tracker.domain.job import ItemFailure, Job
from job_tracker.domain.moves import Change, LockFate, Now
from job_tracker.domain.states import HELD, State

from tests.fakes.memory_tables import Tables


def store_change(tables: Tables, change: Change) -> Change:
    """Store a change with its events, failures and checkpoint, and let its locks go where it says so.

    Raises:
        LeaseLostError: The job is no longer what the change was decided on.
    """
    before, job = change.before, change.job
    known = tables.job(before.job_id)
    if (known.state, known.revision, known.lease and known.lease.token) != (
        before.state,
        before.revision,
        before.lease and before.lease.token,
    ):
        raise LeaseLostError(before.job_id, before.attempt)
    if change.failures:
        job = replace(job, item_failure_count=job.item_failure_count + _add_failures(tables, job, change.failures))
        change = replace(change, job=job)
    tables.jobs[job.job_id] = job
    if change.checkpoint is not None:
        tables.checkpoints[job.job_id] = change.checkpoint
    tables.add_events(job.job_id, change.events)
    if change.locks is LockFate.GO:
        tables.free_locks_of(job)
    elif change.locks is LockFate.GO_WITH_LEASE and before.lease is not None:
        tables.free_locks_later(job, before.lease.deadline, before.lease.ttl)
    return change


def begin_leases_anew(tables: Tables, now: Now, grace: float) -> None:
    """Set every steady time anew: those that were written before say nothing any more."""
    for job in [job for job in tables.jobs.values() if job.state in HELD]:
        assert job.lease is not None
        tables.jobs[job.job_id] = replace(
            job,
            lease=replace(job.lease, deadline=now.steady + job.lease.ttl, claimed=now.steady),
            pace=job.pace
            and replace(
                job.pace,
                base_time=now.steady,
                last_time=now.steady,
                base_processed=job.progress.processed,
                last_processed=job.progress.processed,
            ),
            cancel_deadline=now.steady + grace if job.state is State.CANCELLING else job.cancel_deadline,
        )
    for key, rows in tables.locks.items():
        tables.locks[key] = tuple(
            row if row.free_at is None else replace(row, free_at=now.steady + row.free_ttl) for row in rows
        )


def _add_failures(tables: Tables, job: Job, failures: tuple[ItemFailure, ...]) -> int:
    """Store failures by item and stage, up to the bound; how many are new."""
    stored = dict(tables.failures.get(job.job_id, {}))
    new = 0
    for place, failure in {(one.item_key, one.stage): one for one in failures}.items():
        known = stored.get(place)
        new += known is None
        if known is not None or len(stored) < STORED_FAILURES_PER_JOB:
            first = job.update_time if known is None else known.first_time
            stored[place] = replace(failure, first_time=first, last_time=job.update_time)
    tables.failures[job.job_id] = stored
    return new
