"""A job as it goes on: a bar on a terminal, plain lines where there is none, JSON for scripts."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TaskProgressColumn, TextColumn

from nhanhsync.cli import words
from nhanhsync.cli.screen import PICTURES
from nhanhsync.cli.session import json_line
from nhanhsync.jobs.v1 import job_tracker_service_pb2

SECONDS_A_LINE = 10
"""While the total is unknown, plain lines come about so often."""


class Face(Protocol):
    """Shows each update of a job."""

    def show(self, update: job_tracker_service_pb2.WatchJobResponse) -> None:
        """Show an update."""
        ...


class JsonLines:
    """Prints each update as one JSON object."""

    def show(self, update: job_tracker_service_pb2.WatchJobResponse) -> None:
        """Print an update."""
        typer.echo(json_line(update))


class PlainLines:
    """Prints a line whenever the state or the phase changes, or a tenth more is done.

    Where nobody knows the whole, a line is printed when the job's own clock says that a while has passed.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._last: tuple[object, ...] = ()

    def show(self, update: job_tracker_service_pb2.WatchJobResponse) -> None:
        """Print what has changed."""
        job = update.job
        progress = job.progress
        if progress.HasField("percent"):
            mark = ("tenth", int(progress.percent // 10))
        else:
            mark = ("while", job.update_time.seconds // SECONDS_A_LINE)
        told = (job.state, job.paused, job.attempt, progress.phase, mark)
        if told == self._last:
            return
        self._last = told
        parts = (
            job.display_name,
            words.standing(job).plain,
            words.share(progress),
            words.rate(progress),
            progress.message,
        )
        self._console.print("  ".join(part for part in parts if part), soft_wrap=True)


class Bar:
    """A bar with share, rate and time left; without a total, counts and rate."""

    def __init__(self, bars: Progress) -> None:
        self._bars = bars
        self._task = bars.add_task("waiting", total=None, rate="", eta="", state="")

    def show(self, update: job_tracker_service_pb2.WatchJobResponse) -> None:
        """Move the bar."""
        job = update.job
        progress = job.progress
        self._bars.update(
            self._task,
            description=job.display_name.translate(PICTURES),  # before the bar's column is measured
            completed=progress.processed,
            total=progress.total if progress.HasField("total") else None,
            rate=words.rate(progress),
            eta=words.eta(progress),
            state=words.standing(job).markup,
        )


@contextmanager
def face(console: Console, *, as_json: bool) -> Iterator[Face]:
    """Choose how a job is shown."""
    if as_json:
        yield JsonLines()
    elif console.is_terminal:
        columns = (
            SpinnerColumn(),
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            TaskProgressColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
            TextColumn("{task.fields[eta]}"),
            TextColumn("{task.fields[state]}"),
        )
        with Progress(*columns, console=console) as bars:
            yield Bar(bars)
    else:
        yield PlainLines(console)
