"""Storing changes: guards and item failures."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from job_tracker.adapters.store import creating, moving
from job_tracker.adapters.store.job_store import SqlJobStore
from job_tracker.application.ports import job_store
from job_tracker.application.ports.job_store import ClaimRequest, ConflictPolicy, Creation
from job_tracker.domain import moves
from job_tracker.domain.errors import LeaseLostError
from job_tracker.domain.job import ItemFailure, Job, Origin
from job_tracker.domain.moves import Now, Report
from job_tracker.domain.progress import Progress

from tests.fakes.bare_job import bare_job
from tests.fakes.tracker_world import CountedTokens, tracker_database

NOW = Now(1_000_000, 1.0)
JOB = bare_job(create_time=1, update_time=1)


def failure(key: str) -> ItemFailure:
    """An item that failed."""
    return ItemFailure(key, "stage", Origin.SHOPIFY, "CODE", "message", False, 1)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqlJobStore]:
    """A store with JOB under the lease token-1."""
    async with tracker_database(tmp_path) as database:
        store = SqlJobStore(database, lambda _connection: NOW)
        claim = ClaimRequest("", "worker", (), 1, 30.0)
        await store.create(Creation(JOB, ConflictPolicy.FAIL, "", "", claim), CountedTokens())
        yield store


async def report(store: SqlJobStore, sequence: int, *keys: str) -> Job:
    """Report items that failed."""
    said = Report(failures=tuple(failure(key) for key in keys))
    change = await store.change("job", lambda job, now: moves.update(job, "token-1", sequence, said, now))
    return change.job


async def test_failures_over_the_bound_are_counted(store: SqlJobStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """A job stores a bounded number of failures; the rest are counted, and stored ones are still brought up to date."""
    monkeypatch.setattr(moving, "STORED_FAILURES_PER_JOB", 3)
    assert (await report(store, 1, "a", "b")).item_failure_count == 2
    assert (await report(store, 2, "c", "d", "e")).item_failure_count == 5
    assert (await report(store, 3, "a", "f", "f")).item_failure_count == 6
    kept = await store.failures("job", codes=(), after=None, limit=10)
    assert [one.item_key for one in kept] == ["a", "b", "c"]
    assert job_store.STORED_FAILURES_PER_JOB == 10_000


async def test_a_change_that_was_decided_on_something_else_is_not_stored(tmp_path: Path) -> None:
    """The update repeats state, revision and lease: what came between wins, and nothing is overwritten."""
    async with tracker_database(tmp_path) as database:
        claim = ClaimRequest("", "worker", (), 1, 30.0)
        creation = Creation(JOB, ConflictPolicy.FAIL, "", "", claim)
        held = (
            await database.write(lambda c: creating.create(c, creation, lambda _connection: NOW, CountedTokens()))
        ).job
        said = Report(Progress(processed=1, successful=1))
        decided = moves.update(held, "token-1", 1, said, NOW)
        for stale in (
            replace(held, revision=held.revision + 1),
            replace(held, lease=None if held.lease is None else replace(held.lease, token="other")),
            JOB,
        ):
            change = replace(decided, before=stale)
            with pytest.raises(LeaseLostError):
                await database.write(lambda c, change=change: moving.store_change(c, change))  # type: ignore[misc]
        assert (await database.read(lambda c: moving.read_job(c, "job"))) == held
        await database.write(lambda c: moving.store_change(c, decided))
        assert (await database.read(lambda c: moving.read_job(c, "job"))).progress.processed == 1
