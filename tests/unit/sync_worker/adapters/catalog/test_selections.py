"""Large selections outlive the process that stored them."""

from pathlib import Path

import pytest
from chassis.database import Database, open_database
from sqlalchemy import insert, select
from sync_worker.adapters.catalog.selections import SqlSelections
from sync_worker.adapters.catalog.tables import job_runs

from tests.fakes.catalog_database import MIGRATIONS
from tests.fakes.clock import ManualClock
from tests.fakes.postgres import KINDS, fresh_database

SELECTION = "0" * 32


@pytest.mark.parametrize("kind", KINDS)
async def test_a_list_is_found_by_another_process(kind: str, tmp_path: Path) -> None:
    """What one process stored, one that starts later reads, in its order."""
    ids = [f"id-{number}" for number in range(10_000)][::-1]
    with fresh_database(kind, tmp_path, MIGRATIONS) as url:
        database = await open_database(url, migrations=MIGRATIONS)
        await SqlSelections(database, ManualClock()).keep(SELECTION, ids)
        await database.close()
        database = await open_database(url, migrations=MIGRATIONS)
        assert await SqlSelections(database, ManualClock()).load(SELECTION) == ids
        assert await SqlSelections(database, ManualClock()).load("1" * 32) is None


async def test_storing_again_changes_nothing(database: Database) -> None:
    """Two processes that start the same at once store one list."""
    clock = ManualClock()
    selections = SqlSelections(database, clock)
    await selections.keep(SELECTION, ["a"])
    clock.advance(5.0)
    await selections.keep(SELECTION, ["a"])
    rows = await database.read(lambda connection: connection.execute(select(job_runs)).all())
    assert [(row.job_id, row.touch_time) for row in rows] == [(f"sel-{SELECTION}", clock.wall_micros)]
    assert len(rows[0].job_id) == job_runs.c.job_id.type.length


async def test_a_jobs_place_is_not_touched(database: Database) -> None:
    """A selection never takes the row of a job, nor a job that of a selection."""
    job = {"job_id": "0190a5d0-ac96-774b-bcce-b302099a8057", "state": "{}", "touch_time": 1}
    await database.write(lambda connection: connection.execute(insert(job_runs).values(job)).rowcount)
    selections = SqlSelections(database, ManualClock())
    await selections.keep(SELECTION, ["a"])
    assert await selections.load(job["job_id"]) is None  # type: ignore[arg-type]  # a text
