"""WatchDirectives: makes a cancel immediate. The answer of UpdateProgress is the backstop."""

from collections.abc import AsyncGenerator
from typing import cast

from job_tracker.application.changes import of_worker
from job_tracker.application.tracker import Directive, Told, Tracker


async def watch_directives(tracker: Tracker, worker_id: str) -> AsyncGenerator[Told | None]:
    """Give directives for the jobs that a worker holds, what stands already first; None first, and as a heartbeat.

    Raises:
        StoppingError: JobTracker is stopping.
    """
    with tracker.changes.subscribe(of_worker(worker_id)) as subscription:
        yield None
        for job in await tracker.store.cancelling_of(worker_id):
            yield Told(job.job_id, Directive.CANCEL, job.state_message)
        while True:
            if not await subscription.wait(tracker.heartbeat):
                yield None
                continue
            for offer in subscription.take().values():
                yield cast(Told, offer.value)
