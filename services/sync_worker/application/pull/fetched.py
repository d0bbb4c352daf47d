"""A page of a vendor's list, and when it was asked for."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from sync_worker.application.ports.clock import Clock
from sync_worker.application.ports.pages import Page

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class Fetched(Generic[Row]):
    """`read_time` (Unix microseconds) is just before the vendor was asked: the page shows nothing older."""

    page: Page[Row]
    read_time: int


async def fetch(read: Callable[[], Awaitable[Page[Row]]], clock: Clock) -> Fetched[Row]:
    """Read a page."""
    read_time = clock.now_micros()
    return Fetched(await read(), read_time)
