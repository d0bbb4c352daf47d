"""Registered types, and which of them are paused."""

from collections.abc import Sequence
from functools import partial

import orjson
from chassis.database.upserts import insert
from sqlalchemy import Connection, delete, select

from job_tracker.adapters.store.dialects import pausing, serialise
from job_tracker.adapters.store.moving import change_jobs
from job_tracker.adapters.store.reading import held_of_type
from job_tracker.adapters.store.rows import type_of
from job_tracker.adapters.store.tables import job_types, paused_types
from job_tracker.domain import moves
from job_tracker.domain.errors import JobTypeNotRegisteredError, TrackerError
from job_tracker.domain.job import Asked, JobType
from job_tracker.domain.moves import Change, Now
from job_tracker.domain.registry import check_growth

REGISTERING = "types"
"""Names what registrations alone wait for: each counts the types that the others have stored."""

WITH_PAUSE = select(job_types, paused_types.c.paused_by, paused_types.c.reason, paused_types.c.pause_time).join_from(
    job_types, paused_types, job_types.c.type == paused_types.c.type, isouter=True
)


def register_types(connection: Connection, types: Sequence[JobType]) -> list[JobType]:
    """Store types, and read them; see `JobStore.register_types`. A pause stays: it is not the workers' to end."""
    serialise(connection, [REGISTERING])
    check_growth(registered_types(connection), types)
    for one in sorted(types, key=lambda each: each.type):
        values = {
            "display_name": one.display_name,
            "variants": orjson.dumps(one.variants).decode(),
            "retries_failed_items": one.retries_failed_items,
        }
        statement = insert(connection, job_types).values(type=one.type, **values)
        connection.execute(statement.on_conflict_do_update(index_elements=[job_types.c.type], set_=values))
    named = {one.type for one in types}
    return [one for one in registered_types(connection) if one.type in named]


def registered_types(connection: Connection) -> list[JobType]:
    """Read the registered types by name."""
    return [type_of(row) for row in connection.execute(WITH_PAUSE.order_by(job_types.c.type))]


def pause_type(
    connection: Connection, job_type: str, paused_by: str, reason: str, asked: Asked, now: Now
) -> tuple[JobType, list[Change]]:
    """Keep a type's jobs from being claimed; see `JobStore.pause_type`."""
    serialise(connection, [pausing(job_type)])
    registered_type(connection, job_type)
    values = {"type": job_type, "paused_by": paused_by, "reason": reason, "pause_time": now.wall}
    connection.execute(insert(connection, paused_types).values(values).on_conflict_do_nothing())
    return registered_type(connection, job_type), _ask(connection, job_type, asked)


def resume_type(connection: Connection, job_type: str) -> tuple[JobType, list[Change]]:
    """Let a type's jobs be claimed; see `JobStore.resume_type`."""
    serialise(connection, [pausing(job_type)])
    registered_type(connection, job_type)
    connection.execute(delete(paused_types).where(paused_types.c.type == job_type))
    return registered_type(connection, job_type), _ask(connection, job_type, Asked.NOTHING)


def registered_type(connection: Connection, job_type: str) -> JobType:
    """Read a type.

    Raises:
        JobTypeNotRegisteredError: Nobody has registered it.
    """
    row = connection.execute(WITH_PAUSE.where(job_types.c.type == job_type)).one_or_none()
    if row is None:
        raise JobTypeNotRegisteredError(job_type)
    return type_of(row)


def _ask(connection: Connection, job_type: str, asked: Asked) -> list[Change]:
    """Ask something of all who hold jobs of a type; what was let go meanwhile needs no asking."""
    held = held_of_type(connection, job_type)
    outcomes = change_jobs(connection, [(job_id, partial(moves.ask, asked=asked)) for job_id in held])
    return [one for one in outcomes if not isinstance(one, TrackerError) and one.job.lease is not None]
