"""Watching a job to its end, and the exit code that its end means."""

import asyncio
import contextlib

import grpc
import typer
from rich.text import Text

from nhanhsync.cli import words
from nhanhsync.cli.exits import EXIT_OF_STATE, Exit
from nhanhsync.cli.progress_bars import face
from nhanhsync.cli.session import plain_console, usage_error
from nhanhsync.client import Client, GaveUpError
from nhanhsync.client.requests import is_final
from nhanhsync.jobs.v1 import job_pb2, job_tracker_service_pb2


async def watch(client: Client, job_id: str, *, as_json: bool, timeout: float | None) -> Exit:  # noqa: ASYNC109
    """Show a job until it ends, or until `timeout` seconds are over; what the command ends with."""
    console = plain_console()
    job = job_pb2.Job(job_id=job_id)
    try:
        async with asyncio.timeout(timeout), contextlib.aclosing(client.watch_job(job_id)) as updates:  # type: ignore[type-var]
            # A stream that breaks resumes for minutes; a tracker that was never there is told of at once.
            await client.jobs.GetJob(job_tracker_service_pb2.GetJobRequest(job_id=job_id))
            with face(console, as_json=as_json) as shown:
                async for update in updates:
                    job = update.job
                    shown.show(update)
    except TimeoutError:
        _goes_on(job_id, f"timed out after {timeout:g} s")
        return Exit.TIMED_OUT
    except grpc.aio.AioRpcError as error:
        if error.code() is grpc.StatusCode.UNAVAILABLE:
            _lost(job_id)
        raise
    except GaveUpError:
        _lost(job_id)
        raise
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
    counts = (
        f" in {words.duration(job) or '0 s'}: {progress.processed:,} processed, {progress.successful:,} successful, "
        f"{progress.failed:,} failed, {progress.skipped:,} skipped"
    )
    console.print(Text.assemble(f"{job.display_name} ", words.state(job.state), counts))
    if job.error.code:
        console.print(f"{job.error.code}: {job.error.message}")
    elif progress.message:
        console.print(progress.message)
    if job.item_failure_count:
        console.print(f"Why items failed: nhanhsync jobs failures {job.job_id}")


def check_timeout(timeout: float | None, *, watched: bool) -> None:
    """Refuse a timeout where nothing is watched: whoever gives one thinks that it stops something."""
    if timeout is not None and not watched:
        raise usage_error("only with --watch: a job does not end sooner for it", "--timeout")


def end(code: Exit) -> None:
    """End the command with a code."""
    if code is not Exit.GOOD:
        raise typer.Exit(code)


def _goes_on(job_id: str, why: str) -> None:
    plain_console(stderr=True).print(
        f"{why}; the job goes on. To follow it: nhanhsync jobs watch {job_id}; to stop it: nhanhsync jobs cancel {job_id}",
    )


def _lost(job_id: str) -> None:
    plain_console(stderr=True).print(f"cannot see job {job_id} any more. To follow it: nhanhsync jobs watch {job_id}")
