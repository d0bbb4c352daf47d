"""`nhanhsync jobs …`: look at jobs, follow them, and tell them what to do."""

from collections.abc import AsyncIterator
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from nhanhsync.cli import cancelling, deleting, job_records, pausing, retrying, words
from nhanhsync.cli.exits import EXIT_CODES
from nhanhsync.cli.filters import CreatedBefore, CreatedFrom, States, Stores, Types, Words, job_filter
from nhanhsync.cli.session import (
    LARGEST_PAGE,
    JobId,
    Json,
    Limit,
    plain_console,
    plain_table,
    print_json,
    print_json_list,
    session_of,
)
from nhanhsync.cli.watching import end, watch
from nhanhsync.client import Client
from nhanhsync.jobs.v1 import job_pb2
from nhanhsync.jobs.v1 import job_tracker_service_pb2 as pb

app = typer.Typer(no_args_is_help=True, help="Look at jobs, follow, cancel, retry, pause and delete them.")


@app.command("list", epilog=EXIT_CODES)
def list_jobs(
    context: typer.Context,
    store: Stores = [],  # noqa: B006
    type: Types = [],  # noqa: B006
    state: States = [],  # noqa: B006
    created_from: CreatedFrom = None,
    created_before: CreatedBefore = None,
    text: Words = "",
    limit: Limit = 50,
    as_json: Json = False,
) -> None:
    """List jobs, the newest first.

    Example: nhanhsync jobs list --store hanoi --state failed --state partially-completed
    """
    wanted = job_filter(store, type, state, created_from, created_before, text)

    async def pages(client: Client) -> AsyncIterator[job_pb2.Job]:
        token, left = "", limit
        while left:
            request = pb.ListJobsRequest(filter=wanted, page_size=min(left, LARGEST_PAGE), page_token=token)
            page = await client.jobs.ListJobs(request)
            for job in page.jobs:
                yield job
            left -= len(page.jobs)
            token = page.next_page_token
            if not token:
                return

    async def work(client: Client) -> list[job_pb2.Job]:
        return [job async for job in pages(client)]

    jobs = session_of(context).run(work)
    if as_json:
        print_json_list("jobs", jobs)
        return
    table = plain_table("job", "type", "store", "state", "progress", "failed", "speed", "duration", "started")
    for job in jobs:
        progress = job.progress
        table.add_row(
            *(job.job_id, words.label(job), job.store_id, words.standing(job), words.share(progress)),
            *(f"{progress.failed:,}", words.rate(progress), words.duration(job), words.moment(job.start_time)),
        )
    plain_console().print(table if jobs else "No jobs.")


@app.command(epilog=EXIT_CODES)
def show(context: typer.Context, job_id: JobId, as_json: Json = False) -> None:
    """Show one job.

    Example: nhanhsync jobs show 01890a5d-ac96-774b-bcce-b302099a8057
    """

    async def work(client: Client) -> job_pb2.Job:
        return (await client.jobs.GetJob(pb.GetJobRequest(job_id=job_id))).job

    job = session_of(context).run(work)
    if as_json:
        print_json(job)
        return
    progress = job.progress
    rows: dict[str, str | Text] = {
        "job": job.job_id,
        "type": f"{job.display_name} ({job.type}{f' {job.variant}' if job.variant else ''})",
        "store": job.store_id,
        "state": words.standing(job).append(" (cancel requested)" if job.cancel_requested else "", style=""),
        "message": job.state_message or progress.message,
        "progress": words.share(progress),
        "successful, failed, skipped": f"{progress.successful:,}, {progress.failed:,}, {progress.skipped:,}",
        "speed": words.rate(progress),
        "time left": words.eta(progress),
        "duration": words.duration(job),
        "attempt": f"{job.attempt} ({job.attempts_used} of {job.max_attempts} used)",
        "error": f"{job.error.code}: {job.error.message}" if job.error.code else "",
        "items that failed": f"{job.item_failure_count:,}" if job.item_failure_count else "",
        "worker": job.worker_id,
        "created by": job.created_by,
        "created": words.moment(job.create_time),
        "started": words.moment(job.start_time),
        "ended": words.moment(job.end_time),
        "retry of": job.retry_of_job_id,
        "does again": "only what failed" if job.retry_scope == job_pb2.RETRY_SCOPE_FAILED_ITEMS else "",
    }
    table = Table(show_header=False, box=None)
    for name, value in rows.items():
        if value:
            table.add_row(Text(name, style="bold"), value)
    if progress.metrics:
        table.add_section()
        table.add_row(Text("metrics", style="bold"), "")
    for name, number in sorted(progress.metrics.items()):
        table.add_row(Text(name, style="bold"), f"{number:,.10g}")
    plain_console().print(table)


@app.command("watch", epilog=EXIT_CODES)
def watch_one(
    context: typer.Context,
    job_id: JobId,
    timeout: Annotated[float | None, typer.Option(min=0.1, help="Watch no longer than so many seconds.")] = None,
    as_json: Json = False,
) -> None:
    """Follow a job to its end.

    Example: nhanhsync jobs watch 01890a5d-ac96-774b-bcce-b302099a8057
    """
    end(session_of(context).run(lambda client: watch(client, job_id, as_json=as_json, timeout=timeout)))


for name, command in (
    ("cancel", cancelling.cancel),
    ("retry", retrying.retry),
    ("pause", pausing.pause),
    ("resume", pausing.resume),
    ("pause-type", pausing.pause_type),
    ("resume-type", pausing.resume_type),
    ("delete", deleting.delete),
    ("failures", job_records.failures),
    ("events", job_records.events),
    ("stats", job_records.stats),
):
    app.command(name, epilog=EXIT_CODES)(command)
