"""Creating and claiming: requests, tickets, locks, fences."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import orjson
from sqlalchemy import Connection, Select, and_, bindparam, exists, func, or_, select
from sqlalchemy.dialects.sqlite import insert

from job_tracker.adapters.store.moving import add_events, read_job, store_change
from job_tracker.adapters.store.rows import job_of, new_values
from job_tracker.adapters.store.tables import claim_requests, counters, create_requests, job_locks, job_types, jobs
from job_tracker.application.ports.job_store import Claimed, ClaimRequest, ConflictPolicy, Created, Creation
from job_tracker.domain import moves
from job_tracker.domain.errors import ConflictingJobError, InvalidFieldsError, RequestIdReusedError
from job_tracker.domain.job import Job, Lease
from job_tracker.domain.locks import Lock
from job_tracker.domain.moves import Now
from job_tracker.domain.states import State

ANSWER_BYTES = 512 * 1024
"""A claim answers with no more jobs than fit into this, one at the least: JSON grows up to sixfold as a protobuf Struct, and
a gRPC client takes messages of 4 MiB."""

mine = job_locks.alias("mine")
earlier = job_locks.alias("earlier")
LOCKS_FREE = ~exists(
    select(1)
    .select_from(mine)
    .join(earlier, and_(earlier.c.lock_key == mine.c.lock_key, earlier.c.ticket < mine.c.ticket))
    .where(mine.c.job_id == jobs.c.job_id, or_(earlier.c.exclusive, mine.c.exclusive))
)
"""The one rule of create, queue and claim: no earlier incompatible row stands."""


def create(connection: Connection, creation: Creation, now: Now, new_token: Callable[[], str]) -> Created:
    """Store a job with its locks, or find the one that this request made before; see `JobStore.create`."""
    job = creation.job
    if creation.request_id:
        found = connection.execute(
            select(create_requests).where(create_requests.c.request_id == creation.request_id)
        ).one_or_none()
        if found is not None:
            if found.content_hash != creation.content_hash:
                raise RequestIdReusedError(creation.request_id, found.job_id)
            same = read_job(connection, found.job_id)
            still = same.lease is not None and same.lease.token == found.lease_token
            return Created(same, created=False, claimed=still)
    if job.parent_job_id:
        read_job(connection, job.parent_job_id)
    if creation.policy is ConflictPolicy.FAIL:
        _refuse_conflict(connection, job.locks)
    label = connection.execute(
        select(job_types.c.display_name).where(job_types.c.type == job.type)
    ).scalar_one_or_none()
    job = replace(job, display_name=label or job.display_name, ticket=_raise_counter(connection, "ticket", 0))
    connection.execute(jobs.insert(), new_values(job))
    if job.locks:
        rows = [
            {"lock_key": lock.key, "ticket": job.ticket, "job_id": job.job_id, "exclusive": lock.exclusive}
            for lock in sorted(job.locks)
        ]
        connection.execute(job_locks.insert(), rows)
    add_events(connection, job.job_id, moves.created(job, now))
    if creation.claim is not None:
        free = connection.execute(select(jobs.c.job_id).where(jobs.c.job_id == job.job_id, LOCKS_FREE)).one_or_none()
        if free is not None:
            job = _claim_one(connection, job, creation.claim, now, new_token())
    token = None if job.lease is None else job.lease.token
    if creation.request_id:
        row = {
            "request_id": creation.request_id,
            "content_hash": creation.content_hash,
            "job_id": job.job_id,
            "lease_token": token,
        }
        connection.execute(create_requests.insert(), row)
    return Created(job, created=True, claimed=token is not None)


def claim(connection: Connection, request: ClaimRequest, now: Now, new_token: Callable[[], str]) -> list[Claimed]:
    """Claim what may run; see `JobStore.claim`."""
    repeated = connection.execute(
        select(claim_requests).where(claim_requests.c.request_id == request.request_id)
    ).one_or_none()
    if repeated is not None:
        if repeated.content_hash != request.content_hash:
            raise InvalidFieldsError([("request_id", "was used before for another claim")])
        return _still_held(connection, orjson.loads(repeated.claims))
    claimed: list[Claimed] = []
    size = 0
    for row in connection.execute(_claimable(request, now).limit(request.max_jobs)).all():
        size += len(row.params) + len(row.checkpoint or b"")
        if claimed and size > ANSWER_BYTES:
            break
        job = _claim_one(connection, job_of(row), request, now, new_token())
        assert job.lease is not None  # noqa: S101 - a claim gives one
        claimed.append(Claimed(job, job.lease, row.checkpoint or b""))
    if claimed:
        row_values = {
            "request_id": request.request_id,
            "content_hash": request.content_hash,
            "claims": orjson.dumps([(one.job.job_id, one.lease.token) for one in claimed]).decode(),
            "request_time": now.wall,
        }
        connection.execute(claim_requests.insert(), row_values)
    return claimed


def any_claimable(connection: Connection, request: ClaimRequest, now: Now) -> bool:
    """Whether a claim would find anything: a read, so that workers who wait write nothing."""
    known = select(claim_requests.c.request_id).where(claim_requests.c.request_id == request.request_id)
    if connection.execute(known).first() is not None:
        return True
    return connection.execute(_claimable(request, now).with_only_columns(jobs.c.job_id).limit(1)).first() is not None


def _claimable(request: ClaimRequest, now: Now) -> Select[*tuple[Any, ...]]:
    due = or_(jobs.c.not_before.is_(None), jobs.c.not_before <= now.wall)
    pending = jobs.c.state == bindparam("pending", State.PENDING.value, literal_execute=True)  # as the index has it
    query = select(jobs).where(pending, jobs.c.type.in_(request.types), due, LOCKS_FREE)
    if request.stores:
        query = query.where(jobs.c.store_id.in_(request.stores))
    return query.order_by(jobs.c.priority.desc(), jobs.c.ticket)


def _claim_one(connection: Connection, job: Job, request: ClaimRequest, now: Now, token: str) -> Job:
    fence = _raise_counter(connection, "fence", now.wall // 1_000)
    lease = Lease(token, fence, request.ttl, now.steady + request.ttl, now.steady)
    change = moves.claim(job, lease, request.worker_id, now)
    store_change(connection, change)
    return change.job


def _still_held(connection: Connection, claims: list[tuple[str, str]]) -> list[Claimed]:
    held = []
    for job_id, token in claims:
        row: Any = connection.execute(select(jobs).where(jobs.c.job_id == job_id)).one_or_none()
        job = None if row is None else job_of(row)
        if job is not None and job.lease is not None and job.lease.token == token:
            held.append(Claimed(job, job.lease, row.checkpoint or b""))
    return held


def _refuse_conflict(connection: Connection, locks: tuple[Lock, ...]) -> None:
    for lock in sorted(locks):
        incompatible = select(job_locks.c.job_id).where(job_locks.c.lock_key == lock.key)
        if not lock.exclusive:
            incompatible = incompatible.where(job_locks.c.exclusive)
        standing = connection.execute(incompatible.order_by(job_locks.c.ticket).limit(1)).scalar_one_or_none()
        if standing is not None:
            raise ConflictingJobError(standing, lock.key)


def _raise_counter(connection: Connection, name: str, at_least: int) -> int:
    statement = insert(counters).values(name=name, value=max(1, at_least))
    raised = statement.on_conflict_do_update(
        index_elements=[counters.c.name], set_={"value": func.max(counters.c.value + 1, statement.excluded.value)}
    )
    value: int = connection.execute(raised.returning(counters.c.value)).scalar_one()
    return value
