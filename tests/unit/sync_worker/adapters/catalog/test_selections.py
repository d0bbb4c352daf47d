"""Large selections outlive the process that stored them."""

from pathlib import Path

from chassis.database import Database, open_database
from sqlalchemy import insert, select
from sync_worker.adapters.catalog.selections import SqlSelections
from sync_worker.adapters.catalog.tables import job_runs

from tests.fakes.clock import ManualClock

SCHEMA = """
from alembic import context
from sync_worker.adapters.catalog.tables import metadata

metadata.create_all(context.config.attributes["connection"])
"""
SELECTION = "0" * 32


async def catalog(folder: Path) -> Database:
    """A catalog in this folder."""
    migrations = folder / "migrations"
    (migrations / "versions").mkdir(parents=True, exist_ok=True)
    (migrations / "env.py").write_text(SCHEMA)
    return await open_database(f"sqlite:///{folder / 'catalog.db'}", migrations=migrations)


async def test_a_list_is_found_by_another_process(tmp_path: Path) -> None:
    """What one process stored, one that starts later reads, in its order."""
    ids = [f"id-{number}" for number in range(10_000)][::-1]
    database = await catalog(tmp_path)
    await SqlSelections(database, ManualClock()).keep(SELECTION, ids)
    await database.close()
    database = await catalog(tmp_path)
    assert await SqlSelections(database, ManualClock()).load(SELECTION) == ids
    assert await SqlSelections(database, ManualClock()).load("1" * 32) is None
    await database.close()


async def test_storing_again_changes_nothing(tmp_path: Path) -> None:
    """Two processes that start the same at once store one list."""
    database = await catalog(tmp_path)
    clock = ManualClock()
    selections = SqlSelections(database, clock)
    await selections.keep(SELECTION, ["a"])
    clock.advance(5.0)
    await selections.keep(SELECTION, ["a"])
    rows = await database.read(lambda connection: connection.execute(select(job_runs)).all())
    assert [(row.job_id, row.touch_time) for row in rows] == [(f"sel-{SELECTION}", clock.wall_micros)]
    assert len(rows[0].job_id) == job_runs.c.job_id.type.length
    await database.close()


async def test_a_jobs_place_is_not_touched(tmp_path: Path) -> None:
    """A selection never takes the row of a job, nor a job that of a selection."""
    database = await catalog(tmp_path)
    job = {"job_id": "0190a5d0-ac96-774b-bcce-b302099a8057", "state": "{}", "touch_time": 1}
    await database.write(lambda connection: connection.execute(insert(job_runs).values(job)))
    selections = SqlSelections(database, ManualClock())
    await selections.keep(SELECTION, ["a"])
    assert await selections.load(job["job_id"]) is None  # type: ignore[arg-type]  # a text
    await database.close()
