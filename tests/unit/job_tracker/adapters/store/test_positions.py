"""The positions of changes that commit in another order than they drew."""

import asyncio
from pathlib import Path

from chassis.database import open_database
from job_tracker.__main__ import MIGRATIONS
from job_tracker.adapters.store import creating
from job_tracker.adapters.store.job_store import SqlJobStore
from job_tracker.adapters.store.moment import of_clock
from job_tracker.application.ports.job_store import ConflictPolicy, Creation
from sqlalchemy import Connection
from sqlalchemy.util import await_only

from tests.fakes import postgres
from tests.fakes.bare_job import bare_job
from tests.fakes.tracker_world import CountedTokens, TrackerClock

PATIENCE_SECONDS = 30.0


def creation(job_id: str) -> Creation:
    """A job that stands in nobody's way."""
    return Creation(bare_job(job_id=job_id), ConflictPolicy.FAIL, "", "")


async def test_a_position_does_not_lie_past_a_change_that_may_still_commit(tmp_path: Path) -> None:
    """Who resumes from a position read beside an open transaction is told of it, though a later one committed before it."""
    clock = TrackerClock()
    written, may_commit = asyncio.Event(), asyncio.Event()

    with postgres.fresh_database("postgresql", tmp_path, MIGRATIONS) as url:
        database = await open_database(url, migrations=MIGRATIONS)
        store = SqlJobStore(database, of_clock(clock))

        def slow(connection: Connection) -> None:
            creating.create(connection, creation("early"), of_clock(clock), CountedTokens())
            written.set()
            await_only(may_commit.wait())  # the driver is asynchronous under SQLAlchemy's greenlet

        try:
            early = asyncio.create_task(database.write(slow))
            try:
                await asyncio.wait_for(written.wait(), PATIENCE_SECONDS)
                await store.create(creation("late"), CountedTokens())
                position = await store.position()
                beside = await store.moved(0)
                assert set(beside.revisions) == {"late"}
            finally:
                may_commit.set()
                await early
            assert "early" in (await store.moved(position)).revisions
            assert "early" in (await store.moved(beside.position)).revisions
        finally:
            await database.close()
