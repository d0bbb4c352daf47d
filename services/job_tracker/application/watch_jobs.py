"""WatchJobs: what is active first, then every change, for a filter.

A resume token is a position among the events of all jobs. Whatever had an event from there on is told together with what is
still active, so nothing is missed; an event may come again. The store gives positions in order of commit, whatever the wall clock
does, and any replica knows them. A token moves on only when everything before it has been given.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from dataclasses import dataclass, replace

from job_tracker.application.changes import ALL_JOBS
from job_tracker.application.ports.job_store import Filter, JobKey, Moved, Seen
from job_tracker.application.tracker import Tracker
from job_tracker.application.watch_job import see_job
from job_tracker.application.watch_rounds import Rounds
from job_tracker.domain.errors import JobNotFoundError
from job_tracker.domain.job import Event, Job

PAGE = 200
"""So many jobs are in memory at once, however many there are to tell."""


@dataclass(frozen=True, slots=True)
class JobSeen:
    """A job with its events since it was given before; no job at the end of the snapshot and in a heartbeat."""

    job: Job | None
    events: tuple[Event, ...]
    position: int
    snapshot_complete: bool = False


async def watch_jobs(
    tracker: Tracker, wanted: Filter, since: int | None, min_interval: float
) -> AsyncGenerator[JobSeen]:
    """Give each job of a filter whenever it has changed, at most once in `min_interval` seconds unless its state changed.

    Args:
        tracker: The world.
        wanted: Which jobs.
        since: The position of a resume token, or None to begin. One that is ahead of the database's, which was restored since,
            adds nothing to what is active.
        min_interval: Seconds.

    Raises:
        StoppingError: JobTracker is stopping.
    """
    time = asyncio.get_running_loop().time
    with tracker.changes.subscribe(ALL_JOBS) as subscription:
        position = await tracker.store.position()
        rounds = Rounds(min_interval)
        began = position if since is None else min(since, position)
        async for seen in _moving(tracker, wanted, since):
            rounds.given(seen.job, time())
            yield JobSeen(seen.job, seen.events, began)
        yield JobSeen(None, (), position, snapshot_complete=True)
        free, beat = time(), time() + tracker.heartbeat
        while True:
            held = time() < free  # progress wakes nobody who could not be given it
            until = rounds.next_turn(min(free, beat) if held else beat)
            await subscription.wait(max(0.0, until - time()), urgent_only=held)
            offers = subscription.take()
            if offers:
                free = time() + min_interval
            following: int = position
            moved: Mapping[str, int] = {}
            if time() >= beat or any(offer.urgent for offer in offers.values()):
                following, moved = await _moved(tracker, position)
                rounds.forget_ended(moved)
            due = rounds.due(offers, moved, time())
            async for seen, last in _news(tracker, rounds, wanted, due, moved):
                rounds.given(seen.job, time())
                yield JobSeen(seen.job, seen.events, following if last else position)
                beat = time() + tracker.heartbeat
            position = following
            if time() >= beat:
                yield JobSeen(None, (), position)
                beat = time() + tracker.heartbeat


async def _news(
    tracker: Tracker, rounds: Rounds, wanted: Filter, due: list[str], moved: Mapping[str, int]
) -> AsyncIterator[tuple[Seen, bool]]:
    """Read those of some jobs that have changed since they were given and that the filter selects now; the last one is marked.

    They are read in pages, and one by one as the reader takes them. None is marked if the last was deleted meanwhile: then the
    token moves on later, which only repeats.
    """
    for start in range(0, len(due), PAGE):
        page = await _changed(tracker, rounds, wanted, due[start : start + PAGE], moved)
        for number, job in enumerate(page, start + 1):
            try:
                seen = await _seen(tracker, job.job_id, rounds.after(job.job_id), at_least=job.revision)
            except JobNotFoundError:
                rounds.forget(job.job_id)
                continue
            if _selected(seen.job, wanted):
                yield seen, start + PAGE >= len(due) and number == start + len(page)


async def _seen(tracker: Tracker, job_id: str, after: int, *, at_least: int) -> Seen:
    """Read a job as it is since a revision, or later.

    What another watcher has been reading may be older than what this one knows: a change can be read before it is published.
    """
    seen = await see_job(tracker, job_id, after)
    return seen if seen.job.revision >= at_least else await tracker.store.see(job_id, after)


async def _moved(tracker: Tracker, position: int) -> Moved:
    return await tracker.changes.together(("moved", position), lambda: tracker.store.moved(position))


async def _moving(tracker: Tracker, wanted: Filter, since: int | None) -> AsyncIterator[Seen]:
    after = None
    while True:
        page = await tracker.store.list_moving(wanted, since, after, PAGE)
        for seen in page:
            yield seen
        if len(page) < PAGE:
            return
        last = page[-1].job
        after = JobKey(last.create_time, last.job_id)


async def _changed(
    tracker: Tracker, rounds: Rounds, wanted: Filter, job_ids: list[str], moved: Mapping[str, int]
) -> list[Job]:
    """Find those of some jobs that have changed since they were given and that the filter selects now.

    An end that is not among what moved was given already, or is found when it is published.
    """
    in_any_state = replace(wanted, states=())
    asked = ("matching", in_any_state, tuple(job_ids))
    found = await tracker.changes.together(asked, lambda: tracker.store.matching(job_ids, in_any_state))
    revisions = {job.job_id: job.revision for job in found}
    if any(revisions.get(job_id, 0) < moved.get(job_id, 0) for job_id in job_ids):  # it is from before they moved
        found = await tracker.store.matching(job_ids, in_any_state)
    for job_id in set(job_ids) - {job.job_id for job in found}:  # of another filter, or deleted
        rounds.forget(job_id)
    changed = []
    for job in found:
        if job.final and job.job_id not in moved:
            continue
        if _selected(job, wanted) and job.revision != rounds.after(job.job_id):
            changed.append(job)
        elif job.final:
            rounds.forget(job.job_id)
    return changed


def _selected(job: Job, wanted: Filter) -> bool:
    return not wanted.states or job.state in wanted.states
