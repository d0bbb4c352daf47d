"""Servers as processes of their own, as they are in use."""

import asyncio
import json
import os
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

READY_SECONDS = 60.0
LAST_LINES = 5


class NotStartedError(Exception):
    """A server ended, or said nothing in time; the message holds the last lines that it logged."""


@dataclass(frozen=True, slots=True)
class Running:
    """A server: its process, and what its ready line said."""

    pid: int
    ready: Mapping[str, Any]


@asynccontextmanager
async def running(
    module: str,
    *arguments: str,
    environment: Mapping[str, str] | None = None,
    log: Path | None = None,
    ready_seconds: float = READY_SECONDS,
) -> AsyncIterator[Running]:
    """Run a module whose first line is one JSON object; what it logs goes to `log`, or to this program's own log.

    Raises:
        NotStartedError: It did not come to that line.
    """
    sink = None if log is None else log.open("ab")
    try:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            module,
            *arguments,
            stdout=PIPE,
            stderr=sink,
            env={**os.environ, **(environment or {})},
        )
    finally:
        if sink is not None:
            sink.close()
    assert process.stdout is not None  # noqa: S101 - it was asked for
    try:
        try:
            ready = json.loads(await asyncio.wait_for(process.stdout.readline(), ready_seconds))
        except ValueError:
            await process.wait()  # it has ended: nothing more comes
            raise NotStartedError(f"{module} did not start: {_last_lines(log)}") from None
        except TimeoutError:
            raise NotStartedError(f"{module} did not start: {_last_lines(log)}") from None
        yield Running(process.pid, ready)
    finally:
        if process.returncode is None:
            process.terminate()
        await process.communicate()


@asynccontextmanager
async def server(
    module: str, environment: Mapping[str, str] | None = None, log: Path | None = None
) -> AsyncIterator[str]:
    """Run a module that says in its first line where it listens; gives the address."""
    async with running(module, environment=environment, log=log) as started:
        yield started.ready["address"]


@asynccontextmanager
async def job_tracker(database_url: str, log: Path | None = None) -> AsyncIterator[str]:
    """Run a JobTracker on a free port; gives its address."""
    listen = {"JOB_TRACKER_LISTEN": "127.0.0.1:0", "JOB_TRACKER_DATABASE_URL": database_url}
    async with server("job_tracker", listen, log) as address:
        yield address


def _last_lines(log: Path | None) -> str:
    if log is None:
        return "its log says why"
    return " | ".join(log.read_text(errors="replace").splitlines()[-LAST_LINES:])
