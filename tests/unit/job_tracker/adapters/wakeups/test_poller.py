"""Looking for what others changed, on both kinds of database."""

from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from chassis.database import DatabaseUnavailableError, open_database
from job_tracker.__main__ import MIGRATIONS
from job_tracker.adapters.store.job_store import SqlJobStore
from job_tracker.adapters.store.moment import of_clock
from job_tracker.adapters.wakeups.poller import Poller
from job_tracker.application.changes import ALL_JOBS, PENDING, of_job, of_worker
from job_tracker.application.ports.job_store import Glimpse
from job_tracker.application.tracker import Directive, Told
from job_tracker.domain.job import Job

from tests.fakes.postgres import KINDS, fresh_database
from tests.fakes.replicas import JobRows, RecordedChanges
from tests.fakes.tracker_world import TrackerClock

HELD = {
    "lease_token": "t",
    "lease_fence": 7,
    "lease_ttl": 30.0,
    "lease_deadline_steady": 1.0,
    "lease_claimed_steady": 1.0,
}
HELD |= {"lease_report_sequence": 0, "worker_id": "w", "state": "RUNNING", "attempt": 1}


@dataclass
class World:
    """A poller, the changes that it delivers to, and the rows that it finds."""

    poller: Poller
    changes: RecordedChanges
    rows: JobRows
    clock: TrackerClock
    subscriptions: ExitStack = field(default_factory=ExitStack)

    def subscribe(self, *topics: str) -> None:
        """Let somebody hear of topics."""
        for topic in topics:
            self.subscriptions.enter_context(self.changes.subscribe(topic))

    async def look(self) -> list[tuple[str, bool]]:
        """Look once; the jobs that were delivered, and whether urgently."""
        self.changes.forget()
        await self.poller.look()
        jobs = {(key, urgent) for topic, key, _, urgent in self.changes.delivered if topic == ALL_JOBS}
        alone = {(key, urgent) for topic, key, _, urgent in self.changes.delivered if topic == of_job(key)}
        assert jobs == alone
        return sorted(jobs)


@pytest.fixture(params=KINDS)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """An empty database of either kind."""
    with fresh_database(request.param, tmp_path, MIGRATIONS) as url:
        yield url


@pytest.fixture
async def world(url: str) -> AsyncIterator[World]:
    """A poller over that database."""
    database = await open_database(url, migrations=MIGRATIONS)
    clock, changes = TrackerClock(), RecordedChanges()
    yield World(Poller(SqlJobStore(database, of_clock(clock)), changes, clock), changes, JobRows(database), clock)
    await database.close()


async def test_a_watched_job_is_told_when_it_changed(world: World) -> None:
    """At the first look in any case, then when its revision rose; urgently when more than progress changed."""
    await world.rows.add("job-1", "job-2")
    world.subscribe(of_job("job-1"))
    assert await world.look() == [("job-1", True)]
    assert await world.look() == []
    await world.rows.change("job-1", processed=3, successful=3)
    await world.rows.change("job-2")
    assert await world.look() == [("job-1", False)]
    await world.rows.change("job-1", **HELD)
    assert await world.look() == [("job-1", True)]
    await world.rows.change("job-1", paused=True)
    assert await world.look() == [("job-1", True)]
    await world.rows.change("job-1", asked="DRAIN")
    assert await world.look() == [("job-1", True)]
    assert await world.look() == []


async def test_a_watched_job_that_was_deleted_is_told_once(world: World) -> None:
    """So that its watcher looks, and finds it gone."""
    await world.rows.add("job-1")
    world.subscribe(of_job("job-1"))
    await world.look()
    await world.rows.remove("job-1")
    assert await world.look() == [("job-1", True)]
    assert await world.look() == []


async def test_more_jobs_than_fit_one_statement_are_all_seen(world: World) -> None:
    """However many are watched one by one."""
    job_ids = [f"job-{number:04}" for number in range(1_203)]
    await world.rows.add(*job_ids)
    world.subscribe(*(of_job(job_id) for job_id in job_ids))
    assert [job_id for job_id, _ in await world.look()] == job_ids


async def test_watchers_of_all_hear_of_new_jobs_and_of_ends(world: World) -> None:
    """Also of one that was created and ended between two looks; not of what ended long ago."""
    now = world.clock.now().wall
    await world.rows.add("old", state="FAILED", end_time=1)
    await world.rows.add("job-1")
    world.subscribe(ALL_JOBS)
    assert await world.look() == [("job-1", True)]
    await world.rows.change("job-1", state="CANCELLED", end_time=now)
    await world.rows.add("job-2", state="COMPLETED", end_time=now)
    await world.rows.add("job-3")
    assert await world.look() == [("job-1", True), ("job-2", True), ("job-3", True)]
    assert await world.look() == []


async def test_a_look_goes_back_to_the_last_that_succeeded(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """What ended while the database was away for a minute is seen at the first look that reaches it."""
    store = BrokenStore()
    monkeypatch.setattr(world.poller, "_store", store)
    world.subscribe(ALL_JOBS)
    world.clock.advance(60)
    with pytest.raises(DatabaseUnavailableError):
        await world.poller.look()
    world.clock.advance(30)
    store.broken = False
    await world.poller.look()
    world.clock.advance(1)
    await world.poller.look()
    assert store.looked_back == [70.0, 100.0, 11.0]


class BrokenStore:
    """A store that cannot be reached at first; notes how far back it was asked to look."""

    def __init__(self) -> None:
        self.broken = True
        self.looked_back: list[float] = []

    async def glimpse_moving(self, ended_within: float) -> list[Glimpse]:
        """Look, if it is reached."""
        self.looked_back.append(ended_within)
        if self.broken:
            raise DatabaseUnavailableError("away")
        return []


async def test_directives_are_told_until_something_else_is_asked(world: World) -> None:
    """Each once, to the worker that holds the job."""
    await world.rows.add("job-1", **HELD)
    await world.rows.add("job-2", **HELD | {"worker_id": "other", "paused": True})
    world.subscribe(of_worker("w"))
    await world.look()
    assert world.changes.delivered == []
    await world.rows.change("job-1", paused=True, state_message="lunch")
    await world.look()
    assert world.changes.delivered == [(of_worker("w"), "job-1/7", Told("job-1", Directive.PAUSE, "lunch", 7), True)]
    await world.look()
    assert world.changes.delivered == []
    await world.rows.change("job-1", state="CANCELLING", state_message="stop")
    await world.look()
    assert world.changes.delivered == [(of_worker("w"), "job-1/7", Told("job-1", Directive.CANCEL, "stop", 7), True)]


async def test_claimers_look_for_themselves(world: World) -> None:
    """They are woken at every look, and only where there are any."""
    await world.look()
    assert world.changes.delivered == []
    world.subscribe(PENDING)
    await world.look()
    assert world.changes.delivered == [(PENDING, "", None, True)]


class UnreadStore:
    """A store that nobody may read."""

    async def glimpse(self, job_ids: list[str]) -> list[Glimpse]:
        """Refuse."""
        raise AssertionError(job_ids)

    async def glimpse_moving(self, ended_within: float) -> list[Glimpse]:
        """Refuse."""
        raise AssertionError(ended_within)

    async def asked_of(self, worker_ids: list[str]) -> list[Job]:
        """Refuse."""
        raise AssertionError(worker_ids)


async def test_without_subscribers_nothing_is_read() -> None:
    """A replica that nobody watches through costs the database nothing."""
    changes = RecordedChanges()
    poller = Poller(UnreadStore(), changes, TrackerClock())  # type: ignore[arg-type]
    await poller.look()
    with changes.subscribe(PENDING):
        await poller.look()
    assert changes.delivered == [(PENDING, "", None, True)]
