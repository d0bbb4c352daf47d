"""The place that a match or a push has reached."""

from collections.abc import Mapping

import orjson
from chassis.database.upserts import insert
from sqlalchemy import Connection, select

from sync_worker.adapters.catalog.tables import job_runs
from sync_worker.application.ports.job import JsonValue
from sync_worker.application.ports.job_runs import JobRun


def load_job_run(connection: Connection, job_id: str) -> JobRun | None:
    """Read a job's place, None when it has none."""
    row = connection.execute(select(job_runs).where(job_runs.c.job_id == job_id)).one_or_none()
    if row is None:
        return None
    return JobRun(row.cursor, orjson.loads(row.state), None if row.result is None else orjson.loads(row.result))


def save_job_run(
    connection: Connection,
    job_id: str,
    *,
    now: int,
    cursor: str | None,
    state: Mapping[str, JsonValue],
    result: Mapping[str, JsonValue] | None = None,
) -> None:
    """Store a job's place within the transaction that reached it; a result says that only CompleteJob is left."""
    values = {
        "cursor": cursor,
        "state": orjson.dumps(state).decode(),
        "result": None if result is None else orjson.dumps(result).decode(),
        "touch_time": now,
        "finish_time": None if result is None else now,
    }
    connection.execute(
        insert(connection, job_runs)
        .values(job_id=job_id, **values)
        .on_conflict_do_update(index_elements=["job_id"], set_=values)
    )
