"""A service as a child process: started, found ready by the line it prints, stopped in order."""

import asyncio
import json
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Mapping, Sequence
from pathlib import Path

READY_SECONDS = 30.0
STOP_SECONDS = 15.0


class ServiceFailedError(Exception):
    """A service did not become ready, or ended by itself; the message holds the last lines that it logged."""


class ServiceProcess:
    """One running service. Its log goes to a file; its standard output said where it listens."""

    def __init__(self, name: str, process: Process, ready: Mapping[str, object], log: Path) -> None:
        self.name = name
        self.ready = ready
        self.log = log
        self._process = process

    @classmethod
    async def start(
        cls, name: str, arguments: Sequence[str], *, log: Path, environment: Mapping[str, str] | None = None
    ) -> "ServiceProcess":
        """Run `python -m …` and wait for its ready line, one JSON object.

        Raises:
            ServiceFailedError: It ended first, said something else, or took longer than READY_SECONDS.
        """
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as sink:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", *arguments, stdout=PIPE, stderr=sink, env={**os.environ, **(environment or {})}
            )
        assert process.stdout is not None  # noqa: S101 - asked for with PIPE above
        try:
            line = await asyncio.wait_for(process.stdout.readline(), READY_SECONDS)
            ready = json.loads(line)
        except (TimeoutError, ValueError) as error:
            if process.returncode is None:
                process.kill()
            await process.wait()
            raise ServiceFailedError(f"{name} did not start (exit {process.returncode}):\n{last_lines(log)}") from error
        return cls(name, process, ready, log)

    @property
    def pid(self) -> int:
        """The process's id."""
        return self._process.pid

    async def wait(self) -> int:
        """Wait until the process ends, and answer with its exit status."""
        return await self._process.wait()

    def kill(self) -> None:
        """End it as a crash would: SIGKILL, nothing is said or saved."""
        self._process.kill()

    async def stop(self) -> int:
        """Ask it to stop, wait, and end it by force if it takes longer than STOP_SECONDS; its exit status."""
        if self._process.returncode is None:
            self._process.send_signal(signal.SIGTERM)
        try:
            return await asyncio.wait_for(self._process.wait(), STOP_SECONDS)
        except TimeoutError:
            self._process.kill()
            return await self._process.wait()


def last_lines(log: Path, count: int = 10) -> str:
    """Read the end of a log file."""
    return "\n".join(log.read_text(errors="replace").splitlines()[-count:])
