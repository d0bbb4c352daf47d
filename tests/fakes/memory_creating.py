"""How `MemoryJobStore` creates: requests, tickets, locks, and what becomes of those who stand in the way."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import orjson
from job_tracker.application.ports.job_store import ConflictPolicy, Created, Creation
from job_tracker.domain import moves
from job_tracker.domain.errors import ConflictingJobError, JobDeletedError, RequestIdReusedError
from job_tracker.domain.job import Job, Json
from job_tracker.domain.moves import Change, Now
from job_tracker.domain.states import State

from tests.fakes.memory_tables import CreationRow, Tables

StoreChange = Callable[[Tables, Change], Change]


def made_before(tables: Tables, creation: Creation) -> Created | None:
    """Find what this request made before.

    Raises:
        RequestIdReusedError, JobDeletedError: As their texts say.
    """
    found = tables.creations.get(creation.request_id) if creation.request_id else None
    if found is None:
        return None
    if found.content_hash != creation.content_hash:
        raise RequestIdReusedError(creation.request_id, found.job_id)
    same = tables.jobs.get(found.job_id)
    if same is None:
        raise JobDeletedError(creation.request_id, found.job_id)
    return Created(same, created=False, claimed=same.lease is not None and same.lease.token == found.token)


def remember(tables: Tables, creation: Creation, job: Job, now: Now) -> None:
    """Keep what was created under a request id."""
    if creation.request_id and creation.request_id not in tables.creations:
        token = job.lease.token if job.lease is not None and job.job_id == creation.job.job_id else None
        tables.creations[creation.request_id] = CreationRow(creation.content_hash, job.job_id, token, now.wall)


def create(tables: Tables, creation: Creation, now: Now, store_change: StoreChange) -> Created:
    """Store a job with its locks, or find the one that does already what is asked for.

    Raises:
        ConflictingJobError, JobNotFoundError: As their texts say.
    """
    job = replace(creation.job, create_time=now.wall, update_time=now.wall)
    if job.parent_job_id and not job.retry_of_job_id:
        tables.job(job.parent_job_id)
    waits = job.not_before is not None and job.not_before > now.wall
    if not waits:
        job = replace(job, not_before=None)
    replaced: tuple[Change, ...] = ()
    standing = [] if waits else _standing(tables, job)
    if standing:
        existing = _existing(standing, creation)
        if existing is not None:
            return Created(existing, created=False)
        replaced = _make_room(tables, standing, creation, now, store_change)
    known = tables.types.get(job.type)
    if known is not None and known.display_name:
        job = replace(job, display_name=known.display_name)
    if not waits:
        job = replace(job, ticket=tables.raise_counter("ticket"))
    tables.jobs[job.job_id] = job
    tables.stand_in_line(job)
    tables.add_events(job.job_id, tuple(moves.created(job, now)))
    return Created(job, created=True, replaced=replaced)


def _standing(tables: Tables, job: Job) -> list[tuple[Job, str]]:
    """Read the jobs that stand on incompatible locks, first come first, each with the first key that it is in the way of."""
    found: dict[str, tuple[int, str]] = {}
    for lock in sorted(job.locks):
        for row in tables.in_the_way(lock):
            found.setdefault(row.job_id, (row.ticket, lock.key))
    return [(tables.job(job_id), key) for job_id, (_, key) in sorted(found.items(), key=lambda item: item[1])]


def _existing(standing: Sequence[tuple[Job, str]], creation: Creation) -> Job | None:
    if creation.policy is not ConflictPolicy.USE_EXISTING or len(standing) != 1:
        return None
    (one, _), asked = standing[0], creation.job
    same = (one.type, one.variant, one.store_id, _exactly(one.params)) == (
        asked.type,
        asked.variant,
        asked.store_id,
        _exactly(asked.params),
    )
    return one if same and one.state in (State.PENDING, State.RUNNING) else None


def _exactly(params: Json) -> bytes:
    """Write params so that only the same are equal: to Python, true is 1."""
    return orjson.dumps(params, option=orjson.OPT_SORT_KEYS)


def _make_room(
    tables: Tables, standing: Sequence[tuple[Job, str]], creation: Creation, now: Now, store_change: StoreChange
) -> tuple[Change, ...]:
    if creation.policy is ConflictPolicy.QUEUE:
        return ()
    asked = creation.job
    for one, key in standing:
        of_a_kind = one.final or (one.type, one.store_id) == (asked.type, asked.store_id)
        if creation.policy is not ConflictPolicy.REPLACE or not of_a_kind:
            raise ConflictingJobError(one.job_id, key, one.store_id)
    changes = []
    for one, _ in sorted(standing, key=lambda item: item[0].job_id):
        change = Change(one, one)
        if not one.final:
            why = f"replaced by job {asked.job_id}"
            change = moves.cancel(one, why, asked.created_by, creation.cancel_grace, now)
        changes.append(store_change(tables, change) if change.changed else change)
    return tuple(changes)
