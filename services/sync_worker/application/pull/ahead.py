"""Working ahead: what comes next is got ready while the last is dealt with."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from typing import TypeVar

Item = TypeVar("Item")


async def ahead(items: AsyncIterator[Item]) -> AsyncGenerator[Item, None]:
    """Give the items of an iterator, which is already at the next one while the last is dealt with: one ahead, not more.

    Closing it stops the iterator where it waits.

    Raises:
        Exception: Whatever the iterator raises, behind the items before.
    """

    async def following() -> Item | None:
        return await anext(items, None)

    coming = asyncio.create_task(following())
    try:
        while (item := await coming) is not None:
            coming = asyncio.create_task(following())
            yield item
    finally:
        coming.cancel()
        await asyncio.gather(coming, return_exceptions=True)
