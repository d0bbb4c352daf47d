"""A vendor's list, read page after page."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from sync_worker.application.ports.pages import Page

Row = TypeVar("Row")


async def rows_of(read: Callable[[str | None], Awaitable[Page[Row]]]) -> list[Row]:
    """Read a list to its end."""
    page = await read(None)
    rows = list(page.rows)
    while page.next_cursor is not None:
        page = await read(page.next_cursor)
        rows.extend(page.rows)
    return rows
