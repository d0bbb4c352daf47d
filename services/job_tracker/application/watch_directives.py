"""WatchDirectives: makes a cancel immediate. The answer of UpdateProgress is the backstop."""

from collections.abc import AsyncGenerator
from typing import cast

from job_tracker.application.changes import of_worker
from job_tracker.application.tracker import Directive, Told, Tracker, told_of

REMEMBERED = 1_000
"""Leases whose last directive is known, so that it is not given twice; more are forgotten, and a repeat does no harm."""


async def watch_directives(tracker: Tracker, worker_id: str) -> AsyncGenerator[Told | None]:
    """Give directives for the jobs that a worker holds, what stands already first; None first, and as a heartbeat.

    Raises:
        StoppingError: JobTracker is stopping.
    """
    with tracker.changes.subscribe(of_worker(worker_id)) as subscription:
        await tracker.workers.heard(worker_id, listening=True)
        yield None
        given: dict[str, Directive] = {}
        for job, type_reason in await tracker.store.asked_of([worker_id]):
            told = told_of(job, type_reason)
            given[told.key] = told.directive
            yield told
        while True:
            await tracker.workers.heard(worker_id, listening=True)
            if not await subscription.wait(tracker.heartbeat):
                yield None
                continue
            for offer in subscription.take().values():
                told = cast(Told, offer.value)
                if given.get(told.key) is told.directive:
                    continue
                if len(given) >= REMEMBERED:
                    given.clear()
                given[told.key] = told.directive
                yield told
