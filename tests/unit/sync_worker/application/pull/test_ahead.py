"""One item ahead, and no more."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator

import pytest
from sync_worker.application.pull.ahead import ahead


class Numbers:
    """Counts to an end, or to a trouble, and remembers how far it has come."""

    def __init__(self, end: int, trouble: Exception | None = None) -> None:
        self.reached = 0
        self.closed = False
        self._end = end
        self._trouble = trouble

    async def items(self) -> AsyncGenerator[int, None]:
        """Count."""
        try:
            while self.reached < self._end:
                self.reached += 1
                await asyncio.sleep(0)
                yield self.reached
            if self._trouble is not None:
                raise self._trouble
        finally:
            self.closed = True


async def settled() -> None:
    """Let everything that can go on go on."""
    for _ in range(20):
        await asyncio.sleep(0)


async def test_it_is_one_ahead() -> None:
    """While the first is dealt with the second is made, and the third is not."""
    numbers = Numbers(5)
    async with contextlib.aclosing(ahead(numbers.items())) as items:
        assert await anext(items) == 1
        await settled()
        assert numbers.reached == 2


async def test_every_item_comes_in_order() -> None:
    """None is lost and none comes twice."""
    assert [item async for item in ahead(Numbers(7).items())] == list(range(1, 8))
    assert [item async for item in ahead(Numbers(0).items())] == []


async def test_a_trouble_comes_behind_the_items_before_it() -> None:
    """What was made before it is not lost."""
    items = ahead(Numbers(3, ValueError("trouble")).items())
    assert [await anext(items) for _ in range(3)] == [1, 2, 3]
    with pytest.raises(ValueError, match="trouble"):
        await anext(items)


async def test_closing_stops_the_iterator() -> None:
    """Wherever it waits."""
    numbers = Numbers(5)
    source = numbers.items()
    items = ahead(source)
    assert await anext(items) == 1
    await items.aclose()
    await source.aclose()
    assert numbers.closed
