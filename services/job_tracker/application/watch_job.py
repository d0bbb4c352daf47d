"""WatchJob and WaitJob: a message is the job as it is now, plus the events after a revision. That is the whole protocol."""

from collections.abc import AsyncGenerator

from job_tracker.application.changes import of_job
from job_tracker.application.ports.job_store import Seen
from job_tracker.application.tracker import Tracker
from job_tracker.domain.job import Job


async def watch_job(
    tracker: Tracker, job_id: str, after_revision: int, min_interval: float
) -> AsyncGenerator[Seen | None]:
    """Give the job whenever it has changed, at most once in `min_interval` seconds unless its state changed.

    None is a heartbeat: nothing has changed, which was looked up. Ends after the final state was given. A revision that is
    ahead of the job's (of a database that was restored since) is taken for none.

    Raises:
        JobNotFoundError: There is no such job.
        StoppingError: JobTracker is stopping.
    """
    with tracker.changes.subscribe(of_job(job_id)) as subscription:
        seen = await see_job(tracker, job_id, after_revision)
        if after_revision > seen.job.revision:
            seen = await see_job(tracker, job_id, 0)
        while True:
            yield seen
            if seen.job.final:
                return
            if min_interval > 0:
                await subscription.wait(min_interval, urgent_only=True)
            while True:
                woken = await subscription.wait(tracker.heartbeat)
                if woken:
                    subscription.take()
                following = await see_job(tracker, job_id, seen.job.revision)
                if following.job.revision != seen.job.revision:
                    seen = following
                    break
                if not woken:
                    yield None


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
