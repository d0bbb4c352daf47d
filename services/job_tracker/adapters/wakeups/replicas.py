"""Joins the changes of this process to those of the other replicas."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from job_tracker.adapters.wakeups.link import Link
from job_tracker.adapters.wakeups.poller import Poller
from job_tracker.application.changes import Changes
from job_tracker.application.ports.clock import Clock
from job_tracker.application.ports.job_store import JobStore


@contextlib.asynccontextmanager
async def joined(
    changes: Changes, store: JobStore, clock: Clock, url: str, *, notify: bool = True
) -> AsyncIterator[None]:
    """Hear of what other replicas change, for as long as the context lasts.

    Args:
        changes: Of this process.
        store: Shared with the others.
        clock: Of this process.
        url: The PostgreSQL that all share.
        notify: Tell and hear at once. Without, each only looks, twice a second: LISTEN does not pass a pooler.
    """
    poller = Poller(store, changes, clock)
    running = [asyncio.create_task(poller.look_forever())]
    if notify:
        link = Link(url, changes, poller)
        changes.relay_through(link)
        running.append(asyncio.create_task(link.run()))
    try:
        yield
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
