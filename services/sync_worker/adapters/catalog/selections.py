"""Large selections, kept beside the places of jobs in `job_runs`, under ids that no job has."""

from collections.abc import Sequence

import orjson
from chassis.database import Database
from chassis.database.upserts import insert
from sqlalchemy import Connection, select

from sync_worker.adapters.catalog.tables import job_runs
from sync_worker.application.ports.clock import Clock

PREFIX = "sel-"
"""With the 32 digits of a selection's id it fills the column, and no UUID begins so."""


class SqlSelections:
    """`Selections` in the catalog. A selection is named by its content, so what is stored once never changes."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def keep(self, selection_id: str, mapping_ids: Sequence[str]) -> None:
        """Store a list; see `Selections`."""
        now = self._clock.now_micros()
        row = {
            "job_id": f"{PREFIX}{selection_id}",
            "cursor": None,
            "state": orjson.dumps(list(mapping_ids)).decode(),
            "result": None,
            "touch_time": now,
            "finish_time": None,
        }

        def unit(connection: Connection) -> None:
            connection.execute(
                insert(connection, job_runs).values(row).on_conflict_do_nothing(index_elements=["job_id"])
            )

        await self._database.write(unit)

    async def load(self, selection_id: str) -> Sequence[str] | None:
        """Read a list; see `Selections`."""

        def unit(connection: Connection) -> str | None:
            found: str | None = connection.execute(
                select(job_runs.c.state).where(job_runs.c.job_id == f"{PREFIX}{selection_id}")
            ).scalar_one_or_none()
            return found

        state = await self._database.read(unit)
        return None if state is None else [str(one) for one in orjson.loads(state)]
