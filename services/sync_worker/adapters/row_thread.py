"""The one thread in which rows are decoded and hashed: several would only take the interpreter from each other.

It is apart from the loop's own threads, where a name that is looked up or a match that is judged would stand in line with it.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

Given = ParamSpec("Given")
Result = TypeVar("Result")

_THREAD = ThreadPoolExecutor(max_workers=1, thread_name_prefix="rows")


async def in_row_thread(work: Callable[Given, Result], *args: Given.args, **more: Given.kwargs) -> Result:
    """Do CPU work on rows beside the event loop."""
    return await asyncio.get_running_loop().run_in_executor(_THREAD, lambda: work(*args, **more))
