"""Claiming: who may run, fences, and claims that are asked for again."""

from collections.abc import Callable
from typing import Any, NamedTuple

import orjson
from sqlalchemy import Connection, Select, and_, bindparam, exists, or_, select

from job_tracker.adapters.store.dialects import pausing, raise_counter, serialise
from job_tracker.adapters.store.moment import Moment
from job_tracker.adapters.store.moving import store_change
from job_tracker.adapters.store.reaping import LOOKED_AFTER, note_leases
from job_tracker.adapters.store.rows import job_of
from job_tracker.adapters.store.tables import claim_requests, job_locks, jobs, paused_types
from job_tracker.application.ports.job_store import Claimed, ClaimRequest
from job_tracker.domain import moves
from job_tracker.domain.errors import InvalidFieldsError
from job_tracker.domain.job import Job, Lease
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

TYPE_PAUSED = exists(select(1).where(paused_types.c.type == jobs.c.type))


SET_BACK_MICROS = 10_000_000
"""A job that changed further ahead than this changed by a clock that was set back since. Less is the time between a look at the
clock and a look at the job."""


def claim(connection: Connection, request: ClaimRequest, moment: Moment, new_token: Callable[[], str]) -> list[Claimed]:
    """Claim what may run; see `JobStore.claim`. What waits for others looks at the clock after it has waited."""
    serialise(connection, [f"claim/{request.request_id}"])
    repeated = connection.execute(
        select(claim_requests).where(claim_requests.c.request_id == request.request_id)
    ).one_or_none()
    if repeated is not None:
        if repeated.content_hash != request.content_hash:
            raise InvalidFieldsError([("request_id", "was used before for another claim")])
        return _still_held(connection, orjson.loads(repeated.claims))
    serialise(connection, [LOOKED_AFTER, *map(pausing, request.types)], shared=True)
    query = _claimable(request, moment(connection)).limit(request.max_jobs).with_for_update(of=jobs, skip_locked=True)
    taken: list[Any] = []
    size = 0
    for row in connection.execute(query).all():
        size += _size(row)
        if taken and size > ANSWER_BYTES:
            break
        taken.append(row)
    if not taken:
        return []
    leased = _leased(connection, len(taken), moment)
    claimed = []
    for number, row in enumerate(taken, 1):
        job = _claim_one(connection, job_of(row), request, leased.moment, new_token(), leased.fence + number)
        assert job.lease is not None  # noqa: S101 - a claim gives one
        claimed.append(Claimed(job, job.lease, row.checkpoint or b""))
    row_values = {
        "request_id": request.request_id,
        "content_hash": request.content_hash,
        "claims": orjson.dumps([(one.job.job_id, one.lease.token) for one in claimed]).decode(),
        "request_time": leased.moment.wall,
    }
    connection.execute(claim_requests.insert(), row_values)
    return claimed


def claim_if_free(
    connection: Connection, job: Job, request: ClaimRequest, moment: Moment, new_token: Callable[[], str]
) -> Job:
    """Claim a job that was created in this transaction, if nothing is in its way."""
    free = select(jobs.c.job_id).where(jobs.c.job_id == job.job_id, jobs.c.ticket > 0, ~TYPE_PAUSED, LOCKS_FREE)
    if connection.execute(free).first() is None:
        return job
    leased = _leased(connection, 1, moment)
    return _claim_one(connection, job, request, leased.moment, new_token(), leased.fence + 1)


def any_claimable(connection: Connection, request: ClaimRequest, now: Now) -> bool:
    """Whether a claim would find anything: a read, so that workers who wait write nothing."""
    known = select(claim_requests.c.request_id).where(claim_requests.c.request_id == request.request_id)
    if connection.execute(known).first() is not None:
        return True
    return connection.execute(_claimable(request, now).with_only_columns(jobs.c.job_id).limit(1)).first() is not None


def _claimable(request: ClaimRequest, now: Now) -> Select[*tuple[Any, ...]]:
    pending = jobs.c.state == bindparam("pending", State.PENDING.value, literal_execute=True)  # as the index has it
    # A back-off ends early when the wall clock was set back meanwhile: the hours are not its own to wait out.
    set_back = jobs.c.update_time > now.wall + SET_BACK_MICROS
    due = or_(jobs.c.not_before.is_(None), jobs.c.not_before <= now.wall, set_back)
    query = select(jobs).where(
        pending, jobs.c.type.in_(request.types), jobs.c.ticket > 0, ~jobs.c.paused, due, ~TYPE_PAUSED, LOCKS_FREE
    )
    if request.stores:
        query = query.where(jobs.c.store_id.in_(request.stores))
    return query.order_by(jobs.c.priority.desc(), jobs.c.ticket)


class _Leased(NamedTuple):
    """When leases begin, and the fence before their first."""

    moment: Now
    fence: int


def _leased(connection: Connection, leases: int, moment: Moment) -> _Leased:
    """Draw fences, note that there are leases to look after, and then look at the clock: a lease does not begin with a wait."""
    last = raise_counter(connection, "fence", leases, moment(connection).wall // 1_000)
    now = moment(connection)
    note_leases(connection, now)
    return _Leased(now, last - leases)


def _size(row: Any) -> int:  # noqa: ANN401 - a row
    texts = (row.params, row.labels, row.locks, row.failure, row.state_message, row.result)
    return sum(len(text or "") for text in texts) + len(row.checkpoint or b"")


def _claim_one(connection: Connection, job: Job, request: ClaimRequest, now: Now, token: str, fence: int) -> Job:
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
