"""What the demo shows: bars while it runs, tables at the end."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from nhanhsync.jobs.v1 import job_pb2
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

from stack.scenario import Step
from stack.truth import Check

BROKEN_CASES_SHOWN = 5
STATE_COLOURS = {
    job_pb2.JOB_STATE_COMPLETED: "green",
    job_pb2.JOB_STATE_PARTIALLY_COMPLETED: "yellow",
    job_pb2.JOB_STATE_FAILED: "red",
    job_pb2.JOB_STATE_CANCELLED: "red",
}


class LiveProgress:
    """One bar a job: with a share where the total is known, else with counts and rate."""

    def __init__(self, bars: Progress) -> None:
        self._bars = bars

    def add(self, label: str) -> TaskID:
        """Show a bar for a job that begins."""
        return self._bars.add_task(label, total=None, rate="", state="")

    def show(self, bar: TaskID, job: job_pb2.Job) -> None:
        """Show a job as it is now."""
        counts = job.progress
        self._bars.update(
            bar,
            completed=counts.processed,
            total=counts.total if counts.HasField("total") else None,
            rate=_rate(counts),
            state=_state(job),
        )


@contextmanager
def live_progress(console: Console) -> Iterator[LiveProgress]:
    """Show bars for as long as the context lasts; without a terminal, the last state of each."""
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description:<34}"),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]:>12}"),
        TextColumn("{task.fields[state]}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, refresh_per_second=10) as bars:
        yield LiveProgress(bars)


def print_jobs(console: Console, jobs: Iterable[tuple[Step, job_pb2.Job]]) -> None:
    """Print what became of each job."""
    table = Table(title="Operations", title_justify="left")
    for name, justify in (("operation", "left"), ("store", "left"), ("state", "left")):
        table.add_column(name, justify=justify)  # type: ignore[arg-type]  # Rich's literal type
    for name in ("processed", "successful", "failed", "skipped", "rate", "duration"):
        table.add_column(name, justify="right")
    for step, job in jobs:
        counts = job.progress
        seconds = (job.end_time.ToMicroseconds() - job.start_time.ToMicroseconds()) / 1_000_000
        table.add_row(
            step.label,
            step.store,
            _state(job),
            *(f"{number:,}" for number in (counts.processed, counts.successful, counts.failed, counts.skipped)),
            _rate(counts),
            f"{seconds:.1f} s",
        )
    console.print(table)


def print_checks(console: Console, checks: Iterable[Check]) -> None:
    """Print what was held against the truth, and the first cases that break it."""
    table = Table(title="Held against the sandbox's truth", title_justify="left")
    table.add_column("store")
    table.add_column("what must be true")
    table.add_column("cases", justify="right")
    table.add_column("holds")
    for check in checks:
        verdict = "[green]yes[/]" if check.holds else f"[red]no, {len(check.broken)} broken[/]"
        table.add_row(check.store, check.sentence, f"{check.cases:,}", verdict)
    console.print(table)
    for check in checks:
        for case in check.broken[:BROKEN_CASES_SHOWN]:
            console.print(f"  {check.store}: {check.sentence}: {case}")


def _rate(counts: job_pb2.JobProgress) -> str:
    return f"{counts.rate_per_second:,.0f}/s" if counts.HasField("rate_per_second") else ""


def _state(job: job_pb2.Job) -> str:
    name = job_pb2.JobState.Name(job.state).removeprefix("JOB_STATE_")
    colour = STATE_COLOURS.get(job.state)
    return f"[{colour}]{name}[/]" if colour else name
