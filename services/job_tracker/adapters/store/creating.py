"""Creating: requests, tickets, locks, and what becomes of those who stand in the way."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import orjson
from sqlalchemy import ColumnElement, Connection, select

from job_tracker.adapters.store.claiming import claim_if_free
from job_tracker.adapters.store.dialects import next_ticket, pausing, serialise
from job_tracker.adapters.store.moment import Moment
from job_tracker.adapters.store.moving import add_events, change_jobs, read_job
from job_tracker.adapters.store.reaping import LOOKED_AFTER
from job_tracker.adapters.store.rows import job_of, new_values
from job_tracker.adapters.store.tables import create_requests, job_locks, job_types, jobs
from job_tracker.application.ports.job_store import ConflictPolicy, Created, Creation
from job_tracker.domain import moves
from job_tracker.domain.errors import (
    ConflictingJobError,
    JobDeletedError,
    JobNotFoundError,
    RequestIdReusedError,
    TrackerError,
)
from job_tracker.domain.job import Job, Json
from job_tracker.domain.locks import Lock
from job_tracker.domain.moves import Change, Now
from job_tracker.domain.states import State


def create(connection: Connection, creation: Creation, moment: Moment, new_token: Callable[[], str]) -> Created:
    """Store a job with its locks, or find the one that this request made before; see `JobStore.create`."""
    job = creation.job
    request = [f"request/{creation.request_id}"] if creation.request_id else []
    serialise(connection, [*request, *(_queue(lock) for lock in job.locks)])
    if creation.claim is not None:
        serialise(connection, [LOOKED_AFTER, pausing(job.type)], shared=True)
    now = moment(connection)
    job = replace(job, create_time=now.wall, update_time=now.wall)
    if creation.request_id:
        made_before = _made_before(connection, creation)
        if made_before is not None:
            return made_before
    if job.parent_job_id and not job.retry_of_job_id:  # the parent of what is repeated may be gone by now
        read_job(connection, job.parent_job_id)
    waits = job.not_before is not None and job.not_before > now.wall
    if not waits:
        job = replace(job, not_before=None)
    replaced: tuple[Change, ...] = ()
    standing = [] if waits else _standing(connection, job.locks)
    if standing:
        existing = _existing(standing, creation)
        if existing is not None:
            _remember(connection, creation, existing, None, now)
            return Created(existing, created=False)
        replaced = _make_room(connection, standing, creation, now)
    label = connection.execute(
        select(job_types.c.display_name).where(job_types.c.type == job.type)
    ).scalar_one_or_none()
    job = replace(job, display_name=label or job.display_name)
    if not waits:
        job = replace(job, ticket=next_ticket(connection))
    connection.execute(jobs.insert(), new_values(job))
    take_place(connection, job)
    add_events(connection, job.job_id, moves.created(job, now))
    if creation.claim is not None:
        job = claim_if_free(connection, job, creation.claim, moment, new_token)
    token = None if job.lease is None else job.lease.token
    if creation.request_id:
        _remember(connection, creation, job, token, now)
    return Created(job, created=True, claimed=token is not None, replaced=replaced)


def take_places(connection: Connection, now: Now) -> bool:
    """Give jobs whose time has come their place among those who want their locks; see `JobStore.take_places`."""
    due = select(jobs).where(*_due(now))
    due = due.order_by(jobs.c.not_before, jobs.c.job_id)
    found = [job_of(row) for row in connection.execute(due.limit(100))]
    serialise(connection, {_queue(lock) for job in found for lock in job.locks})
    still = due.where(jobs.c.job_id.in_([job.job_id for job in found])).with_for_update(skip_locked=True)
    waiting = [job_of(row) for row in connection.execute(still)]
    for job in waiting:
        placed = replace(job, ticket=next_ticket(connection))
        connection.execute(jobs.update().where(jobs.c.job_id == job.job_id).values(ticket=placed.ticket))
        take_place(connection, placed)
    return bool(waiting)


def any_places_to_take(connection: Connection, now: Now) -> bool:
    """Whether the time of a job has come: a read, so that an idle tracker writes nothing."""
    return connection.execute(select(jobs.c.job_id).where(*_due(now)).limit(1)).first() is not None


def take_place(connection: Connection, job: Job) -> None:
    """Stand in line for a job's locks, at its ticket."""
    if job.locks and job.ticket:
        rows = [
            {"lock_key": lock.key, "ticket": job.ticket, "job_id": job.job_id, "exclusive": lock.exclusive}
            for lock in sorted(job.locks)
        ]
        connection.execute(job_locks.insert(), rows)


def _due(now: Now) -> tuple[ColumnElement[bool], ...]:
    """Say which jobs wait for their time no longer, and have no place yet."""
    return jobs.c.state == State.PENDING.value, jobs.c.ticket == 0, jobs.c.not_before <= now.wall


def _queue(lock: Lock) -> str:
    return f"lock/{lock.key}"


def _made_before(connection: Connection, creation: Creation) -> Created | None:
    found = connection.execute(
        select(create_requests).where(create_requests.c.request_id == creation.request_id)
    ).one_or_none()
    if found is None:
        return None
    if found.content_hash != creation.content_hash:
        raise RequestIdReusedError(creation.request_id, found.job_id)
    try:
        same = read_job(connection, found.job_id)
    except JobNotFoundError:
        raise JobDeletedError(creation.request_id, found.job_id) from None
    still = same.lease is not None and same.lease.token == found.lease_token
    return Created(same, created=False, claimed=still)


def _remember(connection: Connection, creation: Creation, job: Job, token: str | None, now: Now) -> None:
    if creation.request_id:
        row = {
            "request_id": creation.request_id,
            "content_hash": creation.content_hash,
            "job_id": job.job_id,
            "lease_token": token,
            "request_time": now.wall,
        }
        connection.execute(create_requests.insert(), row)


def _standing(connection: Connection, locks: Sequence[Lock]) -> list[tuple[Job, str]]:
    """Read the jobs that stand on incompatible locks, first come first, each with the first key that it is in the way of."""
    found: dict[str, tuple[int, str, Job]] = {}
    for lock in sorted(locks):
        incompatible = select(jobs, job_locks.c.ticket.label("place")).join_from(job_locks, jobs)
        incompatible = incompatible.where(job_locks.c.lock_key == lock.key)
        if not lock.exclusive:
            incompatible = incompatible.where(job_locks.c.exclusive)
        for row in connection.execute(incompatible):
            found.setdefault(row.job_id, (row.place, lock.key, job_of(row)))
    inorder = sorted(found.values(), key=lambda one: one[:2])
    return [(job, key) for _, key, job in inorder]


def _existing(standing: Sequence[tuple[Job, str]], creation: Creation) -> Job | None:
    """Find the one job in the way that does already what is asked for."""
    if creation.policy is not ConflictPolicy.USE_EXISTING or len(standing) != 1:
        return None
    (one, _), asked = standing[0], creation.job
    same = (one.type, one.variant, one.store_id, _exactly(one.params)) == (
        asked.type,
        asked.variant,
        asked.store_id,
        _exactly(asked.params),
    )
    # One that is being cancelled does not do it any more, and one that has ended stands for its locks alone.
    return one if same and one.state in (State.PENDING, State.RUNNING) else None


def _exactly(params: Json) -> bytes:
    """Write params so that only the same are equal: to Python, true is 1."""
    return orjson.dumps(params, option=orjson.OPT_SORT_KEYS)


def _make_room(
    connection: Connection, standing: Sequence[tuple[Job, str]], creation: Creation, now: Now
) -> tuple[Change, ...]:
    """Cancel those in the way where that is asked for and they are of a kind; otherwise refuse, unless the job may wait."""
    if creation.policy is ConflictPolicy.QUEUE:
        return ()
    asked = creation.job
    for one, key in standing:
        of_a_kind = one.final or (one.type, one.store_id) == (asked.type, asked.store_id)
        if creation.policy is not ConflictPolicy.REPLACE or not of_a_kind:
            raise ConflictingJobError(one.job_id, key, one.store_id)

    def decide(job: Job) -> Change:
        if job.final:  # what is left of it are locks that stand for a worker that did not let go
            return Change(job, job)
        return moves.cancel(job, f"replaced by job {asked.job_id}", asked.created_by, creation.cancel_grace, now)

    outcomes = change_jobs(connection, [(one.job_id, decide) for one, _ in standing])
    return tuple(
        one for one in outcomes if not isinstance(one, TrackerError)
    )  # else it ended, and was deleted, just now
