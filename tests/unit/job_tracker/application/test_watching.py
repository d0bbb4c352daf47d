"""Use cases that wait, on a real store."""

import asyncio
import math
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from job_tracker.adapters.store.job_store import SqlJobStore
from job_tracker.adapters.store.moment import of_clock
from job_tracker.application.changes import Changes
from job_tracker.application.claim_jobs import claim_jobs
from job_tracker.application.create_job import NewJob, create_job
from job_tracker.application.ports.job_store import ClaimRequest, Filter, JobKey, Seen
from job_tracker.application.reap import reap, reap_forever
from job_tracker.application.tracker import Tracker
from job_tracker.application.watch_job import wait_job, watch_job
from job_tracker.application.watch_jobs import PAGE, watch_jobs
from job_tracker.application.work_on_job import JobReport, complete_job, update_progress
from job_tracker.application.workers import Workers
from job_tracker.domain import moves
from job_tracker.domain.errors import StoppingError
from job_tracker.domain.job import EventKind
from job_tracker.domain.moves import Report
from job_tracker.domain.progress import Progress
from job_tracker.domain.states import State

from tests.fakes.tracker_world import CountedTokens, TrackerClock, tracker_database


@pytest.fixture
async def tracker(tmp_path: Path) -> AsyncIterator[Tracker]:
    """The world of the use cases, with a manual clock."""
    async with tracker_database(tmp_path) as database:
        ids, clock = CountedTokens(), TrackerClock()
        store = SqlJobStore(database, of_clock(clock))
        yield Tracker(
            store=store,
            workers=Workers(store, clock, 15.0),
            changes=Changes(),
            clock=clock,
            new_id=lambda: ids().replace("token", "job"),
            new_token=CountedTokens(),
            uniform=lambda low, _high: low,
            unwatched=math.inf,
        )


async def running(tracker: Tracker, request: str) -> str:
    """Create a job and claim it; its lease token."""
    await create_job(tracker, NewJob("", "", "T"))
    (claimed,) = await claim_jobs(tracker, ClaimRequest(request, "w", ("T",), 1, 30.0), 0.0)
    return claimed.lease.token


def advance(tracker: Tracker, seconds: float) -> None:
    """Move the tracker's clock forward."""
    assert isinstance(tracker.clock, TrackerClock)
    tracker.clock.advance(seconds)


async def waiters(tracker: Tracker, topic: str) -> None:
    """Let other tasks run until somebody subscribes to a topic."""
    for _ in range(10_000):
        if tracker.changes.subscribers(topic):
            return
        await asyncio.sleep(0)
    raise AssertionError(f"nobody subscribes to {topic}")


async def test_long_polls_end_when_the_tracker_stops(tracker: Tracker) -> None:
    """A claim and a wait that are under way end with StoppingError."""
    await running(tracker, "c-1")
    polls = [
        asyncio.ensure_future(claim_jobs(tracker, ClaimRequest("c-2", "w", ("T",), 1, 30.0), 60.0)),
        asyncio.ensure_future(wait_job(tracker, "job-1", 60.0)),
    ]
    for topic in ("pending", "job:job-1"):
        await waiters(tracker, topic)
    await tracker.changes.stop()
    for poll in polls:
        with pytest.raises(StoppingError):
            await poll


async def test_progress_keeps_the_interval_of_its_job(tracker: Tracker) -> None:
    """A job whose state changes is sent at once; the progress of another, though older, waits for its own interval."""
    first, second = await running(tracker, "c-1"), await running(tracker, "c-2")
    async with aclosing(watch_jobs(tracker, Filter(), None, min_interval=60.0)) as watch:
        assert [(await anext(watch)).job is None for _ in range(3)] == [False, False, True]
        await update_progress(tracker, JobReport("job-1", first, 1, Report(Progress(processed=1, successful=1))))
        await complete_job(tracker, "job-2", second, "h", Report(), {}, "")
        seen = await anext(watch)
        assert seen.job is not None
        assert (seen.job.job_id, seen.job.state) == ("job-2", State.COMPLETED)


async def test_the_resume_position_moves_on_when_a_round_is_given(tracker: Tracker) -> None:
    """Jobs that changed together share a round; only its last message moves the position on."""
    first, second = await running(tracker, "c-1"), await running(tracker, "c-2")
    began = await tracker.store.position()
    async with aclosing(watch_jobs(tracker, Filter(), None, min_interval=0.0)) as watch:
        assert {(await anext(watch)).position for _ in range(3)} == {began}
        await complete_job(tracker, "job-1", first, "h", Report(), {}, "")
        await complete_job(tracker, "job-2", second, "h", Report(), {}, "")
        positions = [(await anext(watch)).position for _ in range(2)]
    assert positions == [began, await tracker.store.position()]
    assert positions[1] > began


class Joining(Changes):
    """Changes that tell when somebody joins the read of something."""

    def __init__(self, what: tuple[object, ...]) -> None:
        super().__init__()
        self._what = what
        self.joined = asyncio.Event()

    async def together(self, what: Any, read: Any) -> Any:
        """Join a read, or begin it."""
        if what == self._what:
            self.joined.set()
        return await super().together(what, read)


@pytest.mark.parametrize("what", ["see", "matching"])
async def test_an_end_is_not_lost_to_a_read_that_began_before_it(tracker: Tracker, what: str) -> None:
    """One who knows of an end that is not yet published, and joins an older read of another watcher, reads again."""
    asked = ("see", "job-1", 2) if what == "see" else ("matching", Filter(), ("job-2", "job-1"))
    changes = Joining(asked)
    tracker = replace(tracker, changes=changes)
    first, second = await running(tracker, "c-1"), await running(tracker, "c-2")
    async with aclosing(watch_jobs(tracker, Filter(), None, min_interval=0.0)) as watch:
        assert [(await anext(watch)).job is None for _ in range(3)] == [False, False, True]
        old: Any = await tracker.store.see("job-1", 2)
        if what == "matching":
            old = await tracker.store.matching(["job-1", "job-2"], Filter())
        ended = await tracker.store.change(
            "job-1", lambda job, now: moves.complete(job, first, "h", Report(), {}, "", now)
        )
        await complete_job(tracker, "job-2", second, "h", Report(), {}, "")

        async def read_before_the_end() -> Any:
            await changes.joined.wait()
            return old

        other = asyncio.ensure_future(Changes.together(changes, asked, read_before_the_end))
        seen = [await anext(watch), await anext(watch)]
        await other
        tracker.tell(ended)
    assert {(one.job.job_id, one.job.state) for one in seen if one.job is not None} == {
        ("job-1", State.COMPLETED),
        ("job-2", State.COMPLETED),
    }


async def test_the_reaper_outlives_a_fault(tracker: Tracker, monkeypatch: pytest.MonkeyPatch) -> None:
    """A round that fails is logged, and the next one comes: leases run out all the same."""
    await running(tracker, "c-1")
    advance(tracker, 31.0)
    real, faults = SqlJobStore.overdue, 0

    async def failing_once(self: SqlJobStore) -> list[str]:
        nonlocal faults
        faults += 1
        if faults == 1:
            raise RuntimeError("broken")
        return await real(self)

    monkeypatch.setattr(SqlJobStore, "overdue", failing_once)
    reaper = asyncio.ensure_future(reap_forever(tracker))
    (claimed,) = await claim_jobs(tracker, ClaimRequest("c-2", "w2", ("T",), 1, 30.0), 60.0)
    reaper.cancel()
    assert claimed.job.attempts_used == 1
    assert faults >= 2


async def test_reaping_an_idle_tracker_moves_nothing(tracker: Tracker) -> None:
    """A lease that lives is left alone."""
    await running(tracker, "c-1")
    assert await reap(tracker) == 0
    advance(tracker, 31.0)
    assert await reap(tracker) == 1
    assert await reap(tracker) == 0


async def untold(tracker: Tracker) -> None:
    """End job-1 in the store, and tell nobody: as another replica would whose word is lost."""
    await tracker.store.change("job-1", lambda job, now: moves.cancel(job, "", "test", 60.0, now))


async def test_what_nobody_told_is_found_with_the_heartbeat(tracker: Tracker) -> None:
    """A lost word costs a heartbeat's time, never an event: on one job's stream, on that of many, and for who waits."""
    tracker = replace(tracker, heartbeat=0.02)
    await create_job(tracker, NewJob("", "", "T"))
    async with (
        aclosing(watch_job(tracker, "job-1", 0, min_interval=0.0)) as one,
        aclosing(watch_jobs(tracker, Filter(), None, min_interval=0.0)) as many,
    ):
        assert await anext(one) is not None
        assert [(await anext(many)).job is None for _ in range(2)] == [False, True]
        waiting = asyncio.ensure_future(wait_job(tracker, "job-1", 60.0))
        await waiters(tracker, "job:job-1")
        await untold(tracker)
        seen = [found async for found in one if found is not None]
        assert [(found.job.state, [event.kind for event in found.events]) for found in seen] == [
            (State.CANCELLED, [EventKind.CANCEL_REQUESTED, EventKind.ENDED])
        ]
        async for update in many:
            if update.job is not None:
                assert (update.job.state, len(update.events)) == (State.CANCELLED, 2)
                break
        assert (await asyncio.wait_for(waiting, 10)).state is State.CANCELLED


class PagedStore(SqlJobStore):
    """A store that keeps count of the pages it was asked for."""

    pages = 0

    async def list_moving(self, wanted: Filter, since: int | None, after: JobKey | None, limit: int) -> list[Seen]:
        """Read a page."""
        self.pages += 1
        return await super().list_moving(wanted, since, after, limit)


@pytest.mark.parametrize("resumed", [False, True])
async def test_the_snapshot_is_read_in_pages_as_it_is_given(tmp_path: Path, tracker: Tracker, resumed: bool) -> None:
    """However many jobs are active, no more than a page of them is in memory, and the first comes after one page."""
    async with tracker_database(tmp_path) as database:
        store = PagedStore(database, of_clock(tracker.clock))
        tracker = replace(tracker, store=store)
        began = await store.position()
        await asyncio.gather(*(create_job(tracker, NewJob("", "", "T")) for _ in range(2 * PAGE + 1)))
        async with aclosing(watch_jobs(tracker, Filter(), began if resumed else None, min_interval=0.0)) as watch:
            reads = []
            for _ in range(2 * PAGE + 1):
                seen = await anext(watch)
                assert seen.job is not None
                assert len(seen.events) == (1 if resumed else 0)
                reads.append(store.pages)
            assert (await anext(watch)).snapshot_complete
    assert reads == [1] * PAGE + [2] * PAGE + [3]
