"""Reads: lists by keyset, streams, counts."""

from collections.abc import Sequence
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Connection, Select, case, func, or_, select, tuple_

from job_tracker.adapters.store.moving import read_job
from job_tracker.adapters.store.positions import read_position
from job_tracker.adapters.store.rows import ACTIVE_STATES, HELD_STATES, event_of, failure_of, job_of
from job_tracker.adapters.store.tables import item_failures, job_events, jobs, paused_types
from job_tracker.application.ports.job_store import Filter, Glimpse, JobKey, Moved, PlacedEvent, Seen, Stats
from job_tracker.domain.job import Event, ItemFailure, Job
from job_tracker.domain.states import State

AnySelect = TypeVar("AnySelect", bound=Select[*tuple[Any, ...]])


def see(connection: Connection, job_id: str, after_revision: int) -> Seen:
    """Read a job with its events after a revision, in one snapshot."""
    job = read_job(connection, job_id)
    rows = connection.execute(
        select(job_events)
        .where(job_events.c.job_id == job_id, job_events.c.revision > after_revision)
        .order_by(job_events.c.revision, job_events.c.ordinal)
    )
    return Seen(job, tuple(event_of(row) for row in rows))


def list_jobs(
    connection: Connection, wanted: Filter, newest_first: bool, after: JobKey | None, limit: int
) -> list[Job]:
    """Read jobs in order of creation, after a place in that order."""
    place = tuple_(jobs.c.create_time, jobs.c.job_id)
    query = _filtered(select(jobs), wanted)
    if after is not None:
        key = tuple_(after.create_time, after.job_id)
        query = query.where(place < key if newest_first else place > key)
    order = (jobs.c.create_time.desc(), jobs.c.job_id.desc()) if newest_first else (jobs.c.create_time, jobs.c.job_id)
    return [job_of(row) for row in connection.execute(query.order_by(*order).limit(limit))]


def list_moving(
    connection: Connection, wanted: Filter, since: int | None, after: JobKey | None, limit: int
) -> list[Seen]:
    """Read jobs that are not final, and those with events from a position on, oldest first, each with those events."""
    moving: ColumnElement[bool] = jobs.c.state.in_(ACTIVE_STATES)
    if since is not None:
        moving = or_(moving, jobs.c.job_id.in_(select(job_events.c.job_id).where(job_events.c.position >= since)))
    query = _filtered(select(jobs).where(moving), wanted)
    if after is not None:
        query = query.where(tuple_(jobs.c.create_time, jobs.c.job_id) > tuple_(after.create_time, after.job_id))
    found = [job_of(row) for row in connection.execute(query.order_by(jobs.c.create_time, jobs.c.job_id).limit(limit))]
    events: dict[str, list[Event]] = {job.job_id: [] for job in found}
    if since is not None:
        rows = connection.execute(
            select(job_events)
            .where(job_events.c.job_id.in_(list(events)), job_events.c.position >= since)
            .order_by(job_events.c.job_id, job_events.c.revision, job_events.c.ordinal)
        )
        for row in rows:
            events[row.job_id].append(event_of(row))
    return [Seen(job, tuple(events[job.job_id])) for job in found]


def moved(connection: Connection, since: int) -> Moved:
    """Find the jobs with events from a position on, and the position after them, in one snapshot."""
    position = read_position(connection)
    last = func.max(job_events.c.revision).label("last")
    query = select(job_events.c.job_id, last).where(job_events.c.position >= since).group_by(job_events.c.job_id)
    return Moved(position, {row.job_id: row.last for row in connection.execute(query)})


def matching(connection: Connection, job_ids: Sequence[str], wanted: Filter) -> list[Job]:
    """Read those of some jobs that a filter selects."""
    found: list[Job] = []
    for start in range(0, len(job_ids), 500):
        query = _filtered(select(jobs).where(jobs.c.job_id.in_(job_ids[start : start + 500])), wanted)
        found.extend(job_of(row) for row in connection.execute(query.order_by(jobs.c.create_time, jobs.c.job_id)))
    return found


def events(connection: Connection, job_id: str, after: tuple[int, int] | None, limit: int) -> list[PlacedEvent]:
    """Read a job's events, oldest first."""
    read_job(connection, job_id)
    query = select(job_events).where(job_events.c.job_id == job_id)
    if after is not None:
        query = query.where(tuple_(job_events.c.revision, job_events.c.ordinal) > tuple_(*after))
    query = query.order_by(job_events.c.revision, job_events.c.ordinal).limit(limit)
    return [PlacedEvent(row.ordinal, event_of(row)) for row in connection.execute(query)]


def failures(
    connection: Connection, job_id: str, codes: tuple[str, ...], after: tuple[str, str] | None, limit: int
) -> list[ItemFailure]:
    """Read a job's item failures by item key and stage."""
    read_job(connection, job_id)
    query = select(item_failures).where(item_failures.c.job_id == job_id)
    if codes:
        query = query.where(item_failures.c.code.in_(codes))
    if after is not None:
        query = query.where(tuple_(item_failures.c.item_key, item_failures.c.stage) > tuple_(*after))
    query = query.order_by(item_failures.c.item_key, item_failures.c.stage).limit(limit)
    return [failure_of(row) for row in connection.execute(query)]


def asked_of(connection: Connection, worker_ids: Sequence[str]) -> list[tuple[Job, str]]:
    """Read the jobs that some workers hold and of which something is asked, each with why its type is paused."""
    something = or_(jobs.c.state == State.CANCELLING.value, jobs.c.paused, jobs.c.asked != "")
    with_pause = select(jobs, paused_types.c.reason).join_from(
        jobs, paused_types, jobs.c.type == paused_types.c.type, isouter=True
    )
    query = with_pause.where(jobs.c.state.in_(HELD_STATES), jobs.c.worker_id.in_(worker_ids), something)
    return [(job_of(row), row.reason or "") for row in connection.execute(query.order_by(jobs.c.job_id))]


def held_of_type(connection: Connection, job_type: str) -> list[str]:
    """Find the jobs of a type that workers hold."""
    query = select(jobs.c.job_id).where(jobs.c.state.in_(HELD_STATES), jobs.c.type == job_type)
    return list(connection.execute(query.order_by(jobs.c.job_id)).scalars())


def retried(connection: Connection, job_ids: Sequence[str]) -> set[str]:
    """Find those of some jobs that another job repeats."""
    repeats = jobs.c.retry_of_job_id.in_(job_ids), jobs.c.retry_of_job_id != ""
    return set(connection.execute(select(jobs.c.retry_of_job_id).where(*repeats)).scalars())


def count_selected(connection: Connection, wanted: Filter, after: JobKey | None) -> int:
    """Count the jobs that a filter selects, after a place in order of creation."""
    query = _filtered(select(func.count()).select_from(jobs), wanted)
    if after is not None:
        query = query.where(tuple_(jobs.c.create_time, jobs.c.job_id) > tuple_(after.create_time, after.job_id))
    count: int = connection.execute(query).scalar_one()
    return count


def glimpse(connection: Connection, job_ids: Sequence[str]) -> list[Glimpse]:
    """Look at those of some jobs that there are."""
    found: list[Glimpse] = []
    for start in range(0, len(job_ids), 500):
        found.extend(_glimpses(connection, jobs.c.job_id.in_(job_ids[start : start + 500])))
    return found


def glimpse_moving(connection: Connection, ended_from: int) -> list[Glimpse]:
    """Look at all jobs that are not final, and at those that ended at or after a time."""
    return _glimpses(connection, or_(jobs.c.state.in_(ACTIVE_STATES), jobs.c.end_time >= ended_from))


def _glimpses(connection: Connection, which: ColumnElement[bool]) -> list[Glimpse]:
    columns = (jobs.c.job_id, jobs.c.revision, jobs.c.state, jobs.c.attempt, jobs.c.paused, jobs.c.asked)
    rows = connection.execute(select(*columns).where(which))
    return [Glimpse(r.job_id, r.revision, f"{r.state} {r.attempt} {r.paused} {r.asked}") for r in rows]


def stats(
    connection: Connection, store_ids: tuple[str, ...], created_from: int | None, created_before: int | None
) -> Stats:
    """Count jobs."""
    window = Filter(store_ids=store_ids, created_from=created_from, created_before=created_before)
    counts = _filtered(select(jobs.c.type, jobs.c.variant, jobs.c.state, func.count().label("n")), window)
    rows = connection.execute(counts.group_by(jobs.c.type, jobs.c.variant, jobs.c.state))
    now = _filtered(
        select(
            func.count().filter(jobs.c.state.in_(HELD_STATES)),
            func.count().filter(jobs.c.state == State.PENDING.value),
            func.min(case((jobs.c.state == State.PENDING.value, jobs.c.create_time))),
        ).where(jobs.c.state.in_(ACTIVE_STATES)),
        Filter(store_ids=store_ids),
    )
    running, pending, oldest = connection.execute(now).one()
    return Stats({(row.type, row.variant, State(row.state)): row.n for row in rows}, running, pending, oldest)


def _filtered(query: AnySelect, wanted: Filter) -> AnySelect:
    if wanted.store_ids:
        query = query.where(jobs.c.store_id.in_(wanted.store_ids))
    if wanted.types:
        query = query.where(jobs.c.type.in_(wanted.types))
    if wanted.states:
        query = query.where(jobs.c.state.in_([state.value for state in wanted.states]))
    if wanted.created_from is not None:
        query = query.where(jobs.c.create_time >= wanted.created_from)
    if wanted.created_before is not None:
        query = query.where(jobs.c.create_time < wanted.created_before)
    if wanted.text:
        columns = (jobs.c.job_id, jobs.c.display_name, jobs.c.state_message, jobs.c.message, jobs.c.created_by)
        query = query.where(or_(*(column.icontains(wanted.text, autoescape=True) for column in columns)))
    return query
