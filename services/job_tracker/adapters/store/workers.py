"""Who claims jobs, as their calls tell."""

import orjson
from chassis.database.upserts import insert
from sqlalchemy import Connection, select

from job_tracker.adapters.store.rows import HELD_STATES
from job_tracker.adapters.store.tables import jobs, workers
from job_tracker.domain.job import Worker
from job_tracker.domain.moves import Now


def note_worker(
    connection: Connection, worker_id: str, types: tuple[str, ...] | None, listening: bool, limited_to: str, now: Now
) -> None:
    """Note that a worker was heard of; see `JobStore.note_worker`."""
    changed: dict[str, object] = {"last_seen_time": now.wall, "noted_by": limited_to}
    if types is not None:
        changed["types"] = orjson.dumps(types).decode()
    if listening:
        changed["listening_time"] = now.wall
    first = {"worker_id": worker_id, "types": "[]", "first_seen_time": now.wall} | changed
    statement = insert(connection, workers).values(first)
    mine = workers.c.noted_by == limited_to if limited_to else None
    connection.execute(statement.on_conflict_do_update(index_elements=[workers.c.worker_id], set_=changed, where=mine))


def list_workers(connection: Connection, after: str, limit: int, listens_for: float, now: Now) -> list[Worker]:
    """Read workers by name, after a name, with what they hold."""
    found = connection.execute(
        select(workers).where(workers.c.worker_id > after).order_by(workers.c.worker_id).limit(limit)
    ).all()
    held: dict[str, list[str]] = {row.worker_id: [] for row in found}
    holding = select(jobs.c.worker_id, jobs.c.job_id).where(jobs.c.state.in_(HELD_STATES), jobs.c.worker_id.in_(held))
    for row in connection.execute(holding.order_by(jobs.c.job_id)):
        held[row.worker_id].append(row.job_id)
    return [
        Worker(
            row.worker_id,
            tuple(orjson.loads(row.types)),
            row.first_seen_time,
            row.last_seen_time,
            row.listening_time is not None and row.listening_time > now.wall - listens_for * 1_000_000,
            tuple(held[row.worker_id]),
        )
        for row in found
    ]
