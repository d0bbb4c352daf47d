"""Watching a job to its end, and the exit code that its end means."""

import asyncio
import contextlib

import typer

from nhanhsync.cli import words
from nhanhsync.cli.exits import EXIT_OF_STATE, Exit
from nhanhsync.cli.progress_bars import face
from nhanhsync.cli.session import plain_console
from nhanhsync.client import Client
from nhanhsync.client.requests import is_final
from nhanhsync.jobs.v1 import job_pb2


async def watch(client: Client, job_id: str, *, as_json: bool, timeout: float | None) -> Exit:  # noqa: ASYNC109
    """Show a job until it ends, or until `timeout` seconds are over; what the command ends with."""
    console = plain_console()
    job = job_pb2.Job(job_id=job_id)
    try:
        with face(console, as_json=as_json) as shown:
            async with asyncio.timeout(timeout), contextlib.aclosing(client.watch_job(job_id)) as updates:  # type: ignore[type-var]
                async for update in updates:
                    job = update.job
                    shown.show(update)
    except TimeoutError:
        _goes_on(job_id, f"timed out after {timeout:g} s")
        return Exit.TIMED_OUT
    except asyncio.CancelledError:
        _goes_on(job_id, "interrupted")
        raise
    if not as_json:
        print_ending(job)
    return EXIT_OF_STATE[job.state] if is_final(job) else Exit.REFUSED


def print_ending(job: job_pb2.Job) -> None:
    """Print what became of a job."""
    console = plain_console()
    progress = job.progress
    console.print(
        f"{job.display_name} {words.state(job.state)} in {words.duration(job) or '0 s'}: {progress.processed:,} processed, "
        f"{progress.successful:,} successful, {progress.failed:,} failed, {progress.skipped:,} skipped"
    )
    if job.error.code:
        console.print(f"{job.error.code}: {job.error.message}", markup=False)
    elif progress.message:
        console.print(progress.message, markup=False)
    if job.item_failure_count:
        console.print(f"Why items failed: nhanhsync jobs failures {job.job_id}", markup=False)


def end(code: Exit) -> None:
    """End the command with a code."""
    if code is not Exit.GOOD:
        raise typer.Exit(code)


def _goes_on(job_id: str, why: str) -> None:
    plain_console(stderr=True).print(
        f"{why}; the job goes on. To follow it: nhanhsync jobs watch {job_id}; to stop it: nhanhsync jobs cancel {job_id}",
        markup=False,
    )
