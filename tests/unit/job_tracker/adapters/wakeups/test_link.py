"""Two replicas on a real PostgreSQL hear of each other, also after their connections broke."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from chassis.database import open_database
from job_tracker.__main__ import MIGRATIONS
from job_tracker.adapters.wakeups import lines, link, poller
from job_tracker.application.changes import ALL_JOBS, PENDING, of_job, of_worker
from job_tracker.application.tracker import Directive, Told

from tests.fakes.postgres import fresh_database
from tests.fakes.replicas import Delivery, JobRows, Overhearer, RecordedChanges, replica

CANCEL = Told("job-1", Directive.CANCEL, "hết hàng", 7)


def changed(job_id: str, *, urgent: bool = True) -> tuple[Delivery, Delivery]:
    """What is delivered when a job has changed."""
    return (of_job(job_id), job_id, None, urgent), (ALL_JOBS, job_id, None, urgent)


def tell(changes: RecordedChanges, job_id: str, *, urgent: bool = True) -> None:
    """Publish that a job has changed, as the tracker does."""
    for topic in (of_job(job_id), ALL_JOBS):
        changes.publish(topic, job_id, None, urgent=urgent)


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    """An empty database of JobTracker on PostgreSQL."""
    with fresh_database("postgresql", tmp_path, MIGRATIONS) as url:
        yield url


@pytest.fixture
async def overhearer(url: str) -> AsyncIterator[Overhearer]:
    """Somebody who hears what replicas tell each other."""
    async with Overhearer.on(url) as overhearer:
        yield overhearer


@pytest.fixture
async def rows(url: str) -> AsyncIterator[JobRows]:
    """The rows of jobs."""
    database = await open_database(url, migrations=MIGRATIONS)
    yield JobRows(database)
    await database.close()


@pytest.fixture
async def here(url: str, overhearer: Overhearer) -> AsyncIterator[RecordedChanges]:
    """A replica that listens."""
    async with replica(url) as changes:
        await overhearer.listening(1)
        yield changes


@pytest.fixture
async def there(url: str, here: RecordedChanges, overhearer: Overhearer) -> AsyncIterator[RecordedChanges]:
    """Another, that began to listen later."""
    async with replica(url) as changes:
        await overhearer.listening(2)
        yield changes


async def test_what_is_published_here_is_heard_there(here: RecordedChanges, there: RecordedChanges) -> None:
    """Changes with their urgency, directives whole, and that something may be claimable; each replica hears it once."""
    tell(here, "job-1")
    tell(here, "job-2", urgent=False)
    here.publish(PENDING, "", None)
    here.publish(of_worker("w"), CANCEL.key, CANCEL)
    published = here.delivered.copy()
    await there.until(*published)
    assert len(there.delivered) == len(published)
    tell(there, "job-3")
    await here.until(*changed("job-3"))
    assert here.delivered == [*published, *changed("job-3")]


async def test_a_burst_is_one_word(here: RecordedChanges, overhearer: Overhearer) -> None:
    """What is published while nobody could send is sent together."""
    for number in range(3_000):
        tell(here, f"job-{number % 3}", urgent=number > 2_990)
    await overhearer.until("Jjob-2")
    assert overhearer.payloads == [["Jjob-0", "Jjob-1", "Jjob-2"]]


async def test_words_are_bounded_in_time(here: RecordedChanges, overhearer: Overhearer) -> None:
    """However often something is published, there is at most one round in a hundredth of a second."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    for number in range(2_000):
        tell(here, f"job-{number}")
        await asyncio.sleep(0)
    await overhearer.until("Jjob-1999")
    rounds = 1 + (loop.time() - began) / link.ROUND_SECONDS
    assert len(overhearer.payloads) <= rounds + 2_000 * 13 / 7_900
    assert sum(len(told) for told in overhearer.payloads) == 2_000


async def test_a_thousand_jobs_arrive_whole(here: RecordedChanges, there: RecordedChanges) -> None:
    """More than one payload holds."""
    job_ids = [f"01923f00-0000-7000-8000-{number:012}" for number in range(1_000)]
    for job_id in job_ids:
        tell(here, job_id)
    await there.until(*(delivery for job_id in job_ids for delivery in changed(job_id)))
    assert len(there.delivered) == 2_000


@pytest.mark.parametrize("looks_often", [True, False])
async def test_what_a_deaf_replica_missed_it_finds(
    url: str,
    here: RecordedChanges,
    rows: JobRows,
    overhearer: Overhearer,
    monkeypatch: pytest.MonkeyPatch,
    looks_often: bool,
) -> None:
    """Its connection breaks, and something is told meanwhile: it looks often, or at the latest when it hears again."""
    if not looks_often:
        monkeypatch.setattr(poller, "ALONE_SECONDS", 1_000.0)
    await rows.add("job-1")
    async with replica(url) as there:
        _, deaf = await overhearer.listening(2)
        with there.subscribe(of_job("job-1")), there.subscribe(PENDING):
            await overhearer.ask_to_look()
            await there.until(*changed("job-1"))
            await overhearer.admit(anybody=False)
            there.forget()
            await overhearer.break_off(deaf)
            await there.until((PENDING, "", None, True))  # it looked when the connection broke, and saw nothing new
            there.forget()
            await rows.change("job-1", processed=1, successful=1)
            tell(here, "job-1", urgent=False)
            await overhearer.until("jjob-1")
            if looks_often:
                await there.until(*changed("job-1", urgent=False))
            assert (changed("job-1", urgent=False)[0] in there.delivered) is looks_often
            await overhearer.admit(anybody=True)
            await there.until(*changed("job-1", urgent=False))
            await overhearer.listening(2)
            tell(here, "job-2")
            await there.until(*changed("job-2"))


async def test_what_a_mute_replica_could_not_tell_is_told_later(
    here: RecordedChanges, there: RecordedChanges, overhearer: Overhearer
) -> None:
    """What is published while it knows its connection to be broken waits for the next one, whole."""
    mute, _ = await overhearer.listening(2)
    await overhearer.admit(anybody=False)
    with here.subscribe(PENDING):
        await overhearer.ask_to_look()
        await here.until((PENDING, "", None, True))
        here.forget()
        await overhearer.break_off(mute)
        await here.until((PENDING, "", None, True))  # it looks when it has seen that the connection is broken
    tell(here, "job-1")
    await overhearer.admit(anybody=True)
    await there.until(*changed("job-1"))


async def test_what_a_replica_told_a_connection_just_broken_is_found(
    here: RecordedChanges, there: RecordedChanges, rows: JobRows, overhearer: Overhearer
) -> None:
    """It cannot know whether it was heard, and asks the others to look; or it sees the break in time, and tells it later."""
    mute, _ = await overhearer.listening(2)
    await rows.add("job-1")
    with there.subscribe(of_job("job-1")):
        overhearer.break_off_unseen(mute)
        tell(here, "job-1")
        await overhearer.until(lines.LOOK, "Jjob-1")
        await there.until(*changed("job-1"))


async def test_asked_to_look_it_looks(here: RecordedChanges, rows: JobRows, overhearer: Overhearer) -> None:
    """A replica that does not know what it told asks the others to look, and they find it."""
    await rows.add("job-1")
    with here.subscribe(ALL_JOBS):
        await overhearer.ask_to_look()
        await here.until(*changed("job-1"))


async def test_what_is_left_to_tell_is_told_when_it_stops(url: str, overhearer: Overhearer) -> None:
    """A replica that is stopped right after a change tells of it, or asks the others to look if it was interrupted."""
    async with replica(url) as here:
        await overhearer.listening(1)
        tell(here, "job-1")
        await overhearer.until("Jjob-1")
        tell(here, "job-2")
    await overhearer.until("Jjob-2", lines.LOOK)


async def test_by_looking_alone_the_same_is_found(url: str, rows: JobRows, overhearer: Overhearer) -> None:
    """Behind a pooler nobody listens, and whoever watches, claims or works hears of it all the same."""
    held = {"lease_token": "t", "lease_fence": 7, "lease_ttl": 30.0, "lease_deadline_steady": 1.0}
    held |= {"lease_claimed_steady": 1.0, "lease_report_sequence": 0, "worker_id": "w", "attempt": 1}
    async with replica(url, notify=False) as there:
        with there.subscribe(ALL_JOBS), there.subscribe(PENDING), there.subscribe(of_worker("w")):
            await rows.add("job-1", state="CANCELLING", state_message="hết hàng", **held)
            told = (of_worker("w"), CANCEL.key, CANCEL, True)
            await there.until(*changed("job-1"), told, (PENDING, "", None, True))
            there.forget()
            await rows.change("job-1", processed=1, successful=1)
            await there.until(*changed("job-1", urgent=False))
            tell(there, "job-2")
    assert await overhearer.listening(0) == []
    assert overhearer.payloads == []
