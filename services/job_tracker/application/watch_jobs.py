"""WatchJobs: what is active first, then every change, for a filter.

A resume token is a moment: what has ended since is told together with what is still active, so nothing is missed; an
event may come again. The moment lies a little before the read, for clocks and commits that are not quite in step, and it moves
on only when everything that was published before it has been given.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from dataclasses import dataclass, replace

from job_tracker.application.changes import ALL_JOBS, Offer
from job_tracker.application.ports.job_store import Filter, JobKey
from job_tracker.application.tracker import Tracker
from job_tracker.domain.job import Event, Job

OVERLAP_MICROS = 10_000_000
"""More than a job's end takes from its moment to its commit: a writer waits for the database 5 seconds at most."""
SNAPSHOT_PAGE = 200
EVENTS_AT_RESUME = 1_000


@dataclass(frozen=True, slots=True)
class JobSeen:
    """A job with its events since it was given before; no job at the end of the snapshot and in a heartbeat."""

    job: Job | None
    events: tuple[Event, ...]
    moment: int
    snapshot_complete: bool = False


async def watch_jobs(
    tracker: Tracker, wanted: Filter, since: int | None, min_interval: float
) -> AsyncGenerator[JobSeen]:
    """Give each job of a filter whenever it has changed, at most once in `min_interval` seconds unless its state changed.

    Args:
        tracker: The world.
        wanted: Which jobs.
        since: The moment of a resume token, or None to begin.
        min_interval: Seconds.

    Raises:
        StoppingError: JobTracker is stopping.
    """
    with tracker.changes.subscribe(ALL_JOBS) as subscription:
        moment = _moment(tracker)
        rounds = _Rounds(min_interval)
        async for job in _moving(tracker, wanted, since):
            events = await _events_since(tracker, job, since)
            rounds.given(job, tracker.clock.now().steady)
            yield JobSeen(job, events, since if since is not None else moment)
        yield JobSeen(None, (), moment, snapshot_complete=True)
        while True:
            woken = await subscription.wait(rounds.patience(tracker.clock.now().steady, tracker.heartbeat))
            # What was published before this moment is given in this round or waits for its turn, and then it has not ended.
            following = _moment(tracker)
            due = rounds.due(subscription.take() if woken else {}, tracker.clock.now().steady)
            if not woken and not due:
                moment = following
                yield JobSeen(None, (), moment)
                continue
            changed = []
            for job in await tracker.store.matching(due, replace(wanted, states=())):
                if rounds.is_news(job) and (not wanted.states or job.state in wanted.states):
                    changed.append(job)
                elif job.final:
                    rounds.forget(job)
            for job in changed:
                seen = await tracker.store.see(job.job_id, rounds.after(job))
                last = job is changed[-1]
                rounds.given(seen.job, tracker.clock.now().steady)
                yield JobSeen(seen.job, seen.events, following if last else moment)
            moment = following


class _Rounds:
    """What was given of each job that is not final, when, and whose turn comes next."""

    def __init__(self, min_interval: float) -> None:
        self._min_interval = min_interval
        self._given: dict[str, tuple[int, float]] = {}
        self._turns: dict[str, float] = {}

    def patience(self, now: float, heartbeat: float) -> float:
        """How long there is nothing to do unless something is published."""
        return max(0.0, min(self._turns.values()) - now) if self._turns else heartbeat

    def due(self, offers: Mapping[str, Offer[object]], now: float) -> list[str]:
        """Take in what was published, and answer with the jobs whose turn it is."""
        for job_id, offer in offers.items():
            last = self._given.get(job_id)
            turn = now if offer.urgent or last is None else last[1] + self._min_interval
            self._turns[job_id] = min(turn, self._turns.get(job_id, turn))
        ready = [job_id for job_id, turn in self._turns.items() if turn <= now]
        for job_id in ready:
            del self._turns[job_id]
        return ready

    def after(self, job: Job) -> int:
        """The revision of a job that was given last, 0 for none."""
        return self._given.get(job.job_id, (0, 0.0))[0]

    def is_news(self, job: Job) -> bool:
        """Whether a job has changed since it was given."""
        return job.revision != self.after(job)

    def given(self, job: Job, now: float) -> None:
        """Keep what was given; a job that is final is forgotten, since nothing follows."""
        if job.final:
            self.forget(job)
        else:
            self._given[job.job_id] = (job.revision, now)

    def forget(self, job: Job) -> None:
        """Keep nothing of a job."""
        self._given.pop(job.job_id, None)
        self._turns.pop(job.job_id, None)


def _moment(tracker: Tracker) -> int:
    return tracker.clock.now().wall - OVERLAP_MICROS


async def _moving(tracker: Tracker, wanted: Filter, since: int | None) -> AsyncIterator[Job]:
    after = None
    while True:
        page = await tracker.store.list_moving(wanted, since, after, SNAPSHOT_PAGE)
        for job in page:
            yield job
        if len(page) < SNAPSHOT_PAGE:
            return
        after = JobKey(page[-1].create_time, page[-1].job_id)


async def _events_since(tracker: Tracker, job: Job, since: int | None) -> tuple[Event, ...]:
    if since is None:
        return ()
    placed = await tracker.store.events(job.job_id, after=None, since=since, limit=EVENTS_AT_RESUME)
    return tuple(one.event for one in placed)
