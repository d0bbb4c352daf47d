"""Servers as processes of their own, as they are in use."""

import asyncio
import json
import os
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

READY_SECONDS = 60


@asynccontextmanager
async def server(module: str, **environment: str) -> AsyncIterator[str]:
    """Run a module that says in its first line where it listens; gives the address."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", module, stdout=PIPE, env=os.environ | environment
    )
    assert process.stdout is not None  # noqa: S101 - it was asked for
    try:
        ready = await asyncio.wait_for(process.stdout.readline(), READY_SECONDS)
        yield json.loads(ready)["address"]
    finally:
        if process.returncode is None:
            process.terminate()
        await process.communicate()


@asynccontextmanager
async def job_tracker(database_url: str) -> AsyncIterator[str]:
    """Run a JobTracker on a free port; gives its address."""
    listen = {"JOB_TRACKER_LISTEN": "127.0.0.1:0", "JOB_TRACKER_DATABASE_URL": database_url}
    async with server("job_tracker", **listen) as address:
        yield address
