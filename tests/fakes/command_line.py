"""The command `nhanhsync` as a user types it: in this process where that is quicker, as a process where it must be."""

import asyncio
import json
import os
import re
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nhanhsync.cli.main import make_app
from typer.testing import CliRunner

ROOT = Path(__file__).resolve().parents[2]
NOBODY = "127.0.0.1:1"
"""No service of ours listens on port 1."""
PATIENCE_SECONDS = 30.0
STEERING = ("FORCE_COLOR", "NO_COLOR", "GITHUB_ACTIONS", "PY_COLORS", "TTY_COMPATIBLE", "COLUMNS", "TERMINAL_WIDTH")
"""Variables that change how the command prints."""


@dataclass(frozen=True)
class Ran:
    """What a run of the command printed and ended with."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """What it printed, as one JSON document."""
        return json.loads(self.out)

    @property
    def objects(self) -> list[Any]:
        """What it printed, one JSON object a line."""
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def complaint(self) -> str:
        """What it printed of errors, without the box and the line breaks that are drawn around it."""
        return unframed(self.err)


def unframed(text: str) -> str:
    """Take the frame and the folding from what was printed."""
    return " ".join(re.sub("[│╭╮╰╯─]", " ", text).split())


def typed(words: Sequence[str], answers: str = "") -> Ran:
    """Run the command in this process, with these answers to what it asks.

    A fault of its own comes out as the exception that it is.
    """
    result = CliRunner().invoke(make_app(), list(words), prog_name="nhanhsync", input=answers)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return Ran(result.exit_code, result.stdout, result.stderr)


def clean_environment(**more: str) -> dict[str, str]:
    """Give the environment of a process: ours, without what would change how the command prints."""
    kept = {name: text for name, text in os.environ.items() if name not in STEERING and "NHANHSYNC" not in name}
    return kept | {"PYTHONPATH": os.pathsep.join((str(ROOT / "services"), str(ROOT / "clients")))} | more


@dataclass(frozen=True)
class CommandLine:
    """A terminal from which both services are reached."""

    job_tracker: str = NOBODY
    sync_worker: str = NOBODY

    @property
    def addresses(self) -> tuple[str, ...]:
        """The options that name the services."""
        return ("--job-tracker", self.job_tracker, "--sync-worker", self.sync_worker)

    async def types(self, *words: str, answers: str = "") -> Ran:
        """Run the command beside this loop."""
        return await asyncio.to_thread(typed, [*self.addresses, *words], answers)

    @asynccontextmanager
    async def started(self, *words: str) -> AsyncIterator[Process]:
        """Start the command as a process, which does not outlive the context."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "nhanhsync.cli.main", *self.addresses, *words),
            stdout=PIPE,
            stderr=PIPE,
            env=clean_environment(),
        )
        try:
            yield process
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()

    async def runs(self, *words: str) -> Ran:
        """Run the command as a process, to its end."""
        async with self.started(*words) as process:
            return await ended(process)


async def ended(process: Process) -> Ran:
    """Wait for a process's end."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        out, err = await process.communicate()
    assert process.returncode is not None
    return Ran(process.returncode, out.decode(), err.decode())
