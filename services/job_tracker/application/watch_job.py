"""WatchJob and WaitJob: a message is the job as it is now, plus the events after a revision. That is the whole protocol."""

import asyncio
from collections.abc import AsyncGenerator

from job_tracker.application.changes import of_job
from job_tracker.application.ports.job_store import Seen
from job_tracker.application.tracker import Tracker
from job_tracker.domain.job import Job


async def watch_job(
    tracker: Tracker, job_id: str, after_revision: int, min_interval: float
) -> AsyncGenerator[Seen | None]:
    """Give the job whenever it has changed, at most once in `min_interval` seconds unless its state changed.

    None is a heartbeat, for a stream that would be silent. Ends after the final state was given. A revision that is ahead of
    the job's (of a database that was restored since) is taken for none.

    Raises:
        JobNotFoundError: There is no such job, or no longer.
        StoppingError: JobTracker is stopping.
    """
    time = asyncio.get_running_loop().time
    with tracker.changes.subscribe(of_job(job_id)) as subscription:
        seen = await see_job(tracker, job_id, after_revision)
        if after_revision > seen.job.revision:
            seen = await see_job(tracker, job_id, 0)
        while True:
            yield seen
            if seen.job.final:
                return
            free, beat = time() + min_interval, time() + tracker.heartbeat
            following = seen
            while following.job.revision == seen.job.revision:
                held = time() < free
                until = min(free, beat) if held else beat
                woken = await subscription.wait(max(0.0, until - time()), urgent_only=held)
                if (
                    woken or time() >= free
                ):  # what nobody told of, for whatever reason, is found by the heartbeat at the latest
                    subscription.take()
                    following = await see_job(tracker, job_id, seen.job.revision)
                if time() >= beat and following.job.revision == seen.job.revision:
                    yield None
                    beat = time() + tracker.heartbeat
            seen = following


async def see_job(tracker: Tracker, job_id: str, after: int) -> Seen:
    """Read a job with its events after a revision, once for all who ask it at the same time.

    Raises:
        JobNotFoundError: There is no such job.
    """
    return await tracker.changes.together(("see", job_id, after), lambda: tracker.store.see(job_id, after))


async def wait_job(tracker: Tracker, job_id: str, wait: float) -> Job:
    """Wait up to `wait` seconds for a job's end, and give the job as it is then.

    Raises:
        JobNotFoundError: There is no such job.
        StoppingError: JobTracker is stopping.
    """
    until = tracker.clock.now().steady + wait
    with tracker.changes.subscribe(of_job(job_id)) as subscription:
        while True:
            job = await tracker.store.get(job_id)
            left = until - tracker.clock.now().steady
            if job.final or left <= 0:
                return job
            await subscription.wait(min(left, tracker.heartbeat), urgent_only=True)
            subscription.take()
