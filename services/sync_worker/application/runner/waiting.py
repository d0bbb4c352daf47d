"""Waiting for a fact, for no longer than the injected clock allows."""

import asyncio
from collections.abc import Collection
from typing import Any

from sync_worker.application.ports.clock import Clock


async def event_within(event: asyncio.Event, clock: Clock, seconds: float) -> bool:
    """Wait for an event up to `seconds`; whether it is set."""
    if event.is_set() or seconds <= 0:
        return event.is_set()
    waiter = asyncio.ensure_future(event.wait())
    sleeper = asyncio.ensure_future(clock.sleep(seconds))
    try:
        await asyncio.wait((waiter, sleeper), return_when=asyncio.FIRST_COMPLETED)
    finally:
        waiter.cancel()
        sleeper.cancel()
    return event.is_set()


async def ended_within(tasks: Collection["asyncio.Task[Any]"], clock: Clock, seconds: float) -> bool:
    """Wait for tasks to end, up to `seconds`, whatever comes of them; whether all have."""
    if any(not task.done() for task in tasks):
        waiter = asyncio.ensure_future(asyncio.wait(tasks))
        sleeper = asyncio.ensure_future(clock.sleep(seconds))
        try:
            await asyncio.wait((waiter, sleeper), return_when=asyncio.FIRST_COMPLETED)
        finally:
            waiter.cancel()
            sleeper.cancel()
    return all(task.done() for task in tasks)
