"""The one thread in which rows are decoded and hashed: several would only take the interpreter from each other.

It is apart from the loop's own threads, where a name that is looked up or a match that is judged would stand in line with it.
"""

import asyncio
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

GIVE_WAY_ROWS = 16
GIVE_WAY_SECONDS = 0.000_001
"""Any pause lets another thread begin; this one goes on some 60 microseconds later at the earliest."""

Given = ParamSpec("Given")
Result = TypeVar("Result")
Row = TypeVar("Row")

_THREAD = ThreadPoolExecutor(max_workers=1, thread_name_prefix="rows")


async def in_row_thread(work: Callable[Given, Result], *args: Given.args, **more: Given.kwargs) -> Result:
    """Do CPU work on rows beside the event loop."""
    return await asyncio.get_running_loop().run_in_executor(_THREAD, lambda: work(*args, **more))


def giving_way(rows: Iterable[Row]) -> Iterator[Row]:
    """Pass rows on, and pause now and then for the threads that wait for the interpreter.

    The event loop is one of them, which has the vendor's next call to send. Python itself lets it wait for up to five
    milliseconds (sys.getswitchinterval), which is more than a page's rows take.
    """
    for number, row in enumerate(rows):
        if number % GIVE_WAY_ROWS == 0:
            time.sleep(GIVE_WAY_SECONDS)
        yield row
