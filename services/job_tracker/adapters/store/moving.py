"""Storing a change: the guarded update, its events, its failures, and the fate of its locks."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache

from chassis.database.upserts import insert
from sqlalchemy import Connection, Update, bindparam, delete, select, tuple_, update

from job_tracker.adapters.store.positions import draw_position
from job_tracker.adapters.store.rows import event_values, failure_values, job_of, moved_values, reported_values
from job_tracker.adapters.store.tables import item_failures, job_events, job_locks, jobs
from job_tracker.application.ports.job_store import STORED_FAILURES_PER_JOB
from job_tracker.domain.errors import IllegalTransitionError, JobNotFoundError, LeaseLostError, TrackerError
from job_tracker.domain.job import Event, ItemFailure, Job
from job_tracker.domain.moves import Change, LockFate

GUARD = (
    jobs.c.job_id == bindparam("guard_job_id"),
    jobs.c.state == bindparam("guard_state"),
    jobs.c.revision == bindparam("guard_revision"),
    jobs.c.lease_token.is_not_distinct_from(bindparam("guard_lease_token")),
)
"""The database repeats what the change was decided on: nobody may have come between."""

ONE_JOB = select(jobs).where(jobs.c.job_id == bindparam("wanted_job_id"))
ONE_JOB_LOCKED = ONE_JOB.with_for_update()
"""On PostgreSQL others wait for the row until the transaction ends; on SQLite one writer has it anyway."""

ONE_JOB_IF_FREE = ONE_JOB.with_for_update(skip_locked=True)

UNREPLACED = frozenset({"job_id", "item_key", "stage", "first_time"})
"""What a later report of the same failure leaves as it is."""


def read_job(connection: Connection, job_id: str, *, to_change: bool = False) -> Job:
    """Read a job, and keep others from changing it when it is `to_change`.

    Raises:
        JobNotFoundError: There is no such job.
    """
    row = connection.execute(ONE_JOB_LOCKED if to_change else ONE_JOB, {"wanted_job_id": job_id}).one_or_none()
    if row is None:
        raise JobNotFoundError(job_id)
    return job_of(row)


def change_job(connection: Connection, job_id: str, decide: Callable[[Job], Change]) -> Change:
    """Let `decide` look at a job as it is, and store what it answers; see `JobStore.change`."""
    change = decide(read_job(connection, job_id, to_change=True))
    if change.changed:
        change = store_change(connection, change)
    return change


def change_if_free(connection: Connection, job_id: str, decide: Callable[[Job], Change]) -> Change | None:
    """Change a job that nobody else is changing; see `JobStore.change_if_free`."""
    row = connection.execute(ONE_JOB_IF_FREE, {"wanted_job_id": job_id}).one_or_none()
    if row is None:
        return None
    change = decide(job_of(row))
    return store_change(connection, change) if change.changed else change


def change_jobs(
    connection: Connection, decisions: Sequence[tuple[str, Callable[[Job], Change]]]
) -> list[Change | TrackerError]:
    """Change many jobs, in order of their ids so that no two calls wait for each other; see `JobStore.change_many`."""
    outcomes: dict[int, Change | TrackerError] = {}
    for index, (job_id, decide) in sorted(enumerate(decisions), key=lambda one: one[1][0]):
        try:
            outcomes[index] = change_job(connection, job_id, decide)
        except TrackerError as refusal:  # it was raised before anything of this job was written
            outcomes[index] = refusal
    return [outcomes[index] for index in range(len(decisions))]


def delete_job(connection: Connection, job_id: str) -> Job:
    """Remove a job that has ended; see `JobStore.delete`."""
    job = read_job(connection, job_id, to_change=True)
    standing = connection.execute(select(job_locks.c.lock_key).where(job_locks.c.job_id == job_id).limit(1)).first()
    if not job.final:
        raise IllegalTransitionError(job_id, job.state, "DeleteJob")
    if standing is not None:
        why = "its locks still stand for a worker that did not let go; they go with that worker's lease"
        raise IllegalTransitionError(job_id, job.state, "DeleteJob", why)
    connection.execute(delete(jobs).where(jobs.c.job_id == job_id))
    return job


def store_change(connection: Connection, change: Change) -> Change:
    """Store a change that was decided on in this transaction.

    Raises:
        LeaseLostError: The job is no longer what the change was decided on.
    """
    before, job = change.before, change.job
    if change.failures:
        added = _add_failures(connection, job, change.failures)
        job = replace(job, item_failure_count=job.item_failure_count + added)
        change = replace(change, job=job)
    values = moved_values(job) if change.events else reported_values(job)
    if change.checkpoint is not None:
        values["checkpoint"] = change.checkpoint
    guard = {
        "guard_job_id": before.job_id,
        "guard_state": before.state.value,
        "guard_revision": before.revision,
        "guard_lease_token": before.lease.token if before.lease else None,
    }
    stored = connection.execute(_guarded_update(tuple(values)), values | guard)
    if stored.rowcount != 1:
        raise LeaseLostError(before.job_id, before.attempt)
    add_events(connection, job.job_id, change.events)
    if change.locks is LockFate.GO:
        connection.execute(delete(job_locks).where(job_locks.c.job_id == job.job_id))
    elif change.locks is LockFate.GO_WITH_LEASE and before.lease is not None:
        until = {"free_at_steady": before.lease.deadline, "free_ttl": before.lease.ttl}
        connection.execute(update(job_locks).where(job_locks.c.job_id == job.job_id).values(until))
    return change


@cache
def _guarded_update(columns: tuple[str, ...]) -> Update:
    """Build the update of some columns once: building it costs more than running it."""
    return update(jobs).where(*GUARD).values({name: bindparam(name) for name in columns})


def add_events(connection: Connection, job_id: str, events: Sequence[Event]) -> None:
    """Store what happened to a job."""
    if events:
        position = draw_position(connection, at_least=events[0].time)
        rows = [event_values(job_id, ordinal, event) for ordinal, event in enumerate(events)]
        connection.execute(job_events.insert().values(position=position), rows)


def _add_failures(connection: Connection, job: Job, failures: Sequence[ItemFailure]) -> int:
    """Store failures by item and stage, up to the bound; how many are new."""
    latest = {(failure.item_key, failure.stage): failure for failure in failures}
    place = tuple_(item_failures.c.item_key, item_failures.c.stage)
    known = {
        (row.item_key, row.stage)
        for row in connection.execute(
            select(item_failures.c.item_key, item_failures.c.stage).where(
                item_failures.c.job_id == job.job_id, place.in_(latest)
            )
        )
    }
    new = [key for key in latest if key not in known]
    stored = connection.execute(select(jobs.c.item_failures_stored).where(jobs.c.job_id == job.job_id)).scalar_one()
    fitting = new[: max(0, STORED_FAILURES_PER_JOB - stored)]
    rows = [failure_values(job.job_id, latest[key], job.update_time) for key in (*known, *fitting)]
    if rows:
        statement = insert(connection, item_failures)
        replaced = {name: statement.excluded[name] for name in rows[0] if name not in UNREPLACED}
        upsert = statement.on_conflict_do_update(index_elements=["job_id", "item_key", "stage"], set_=replaced)
        connection.execute(upsert, rows)
    if fitting:
        now_stored = stored + len(fitting)
        connection.execute(update(jobs).where(jobs.c.job_id == job.job_id).values(item_failures_stored=now_stored))
    return len(new)
