"""`nhanhsync jobs …`: look at jobs, follow, cancel and retry them."""

from collections.abc import AsyncIterator
from typing import Annotated, Any

import typer
from rich.table import Table

from nhanhsync.cli import words
from nhanhsync.cli.exits import EXIT_CODES, Exit
from nhanhsync.cli.operations import OptionError, choices, words_of
from nhanhsync.cli.session import Json, plain_console, print_json, print_json_list, session_of, usage_error
from nhanhsync.cli.watching import end, watch
from nhanhsync.client import Client
from nhanhsync.jobs.v1 import job_pb2
from nhanhsync.jobs.v1 import job_tracker_service_pb2 as pb

app = typer.Typer(no_args_is_help=True, help="Look at jobs, follow, cancel and retry them.")

STATES = words_of(job_pb2.JobState, "JOB_STATE_")
LARGEST_PAGE = 500

JobId = Annotated[str, typer.Argument(help="The job's id.", metavar="JOB_ID")]
Limit = Annotated[int, typer.Option(min=1, max=100_000, help="At most so many rows.")]


@app.command("list")
def list_jobs(
    context: typer.Context,
    store: Annotated[list[str], typer.Option(help="Jobs of these stores.")] = [],  # noqa: B006
    type: Annotated[list[str], typer.Option(help="Jobs of these types, such as PRODUCT_SYNC.")] = [],  # noqa: B006
    state: Annotated[list[str], typer.Option(help="Jobs in these states, such as running.")] = [],  # noqa: B006
    text: Annotated[str, typer.Option(help="Jobs with this text in label, message or creator.")] = "",
    limit: Limit = 50,
    as_json: Json = False,
) -> None:
    """List jobs, the newest first.

    Example: nhanhsync jobs list --store hanoi --state failed --state partially-completed
    """
    try:
        states: Any = choices(state, STATES, "--state")
    except OptionError as error:
        raise usage_error(str(error), error.option) from None
    wanted = pb.JobFilter(store_ids=store, types=type, states=states, text=text)

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
    table = Table("job", "type", "store", "state", "progress", "failed", "speed", "duration", "started")
    for job in jobs:
        progress = job.progress
        table.add_row(
            *(job.job_id, job.display_name, job.store_id, words.state(job.state), words.share(progress)),
            *(f"{progress.failed:,}", words.rate(progress), words.duration(job), words.moment(job.start_time)),
        )
    plain_console().print(table if jobs else "No jobs.")


@app.command()
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
    rows = {
        "job": job.job_id,
        "type": f"{job.display_name} ({job.type}{f' {job.variant}' if job.variant else ''})",
        "store": job.store_id,
        "state": words.state(job.state) + (" (cancel requested)" if job.cancel_requested else ""),
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
    }
    table = Table(show_header=False, box=None)
    for name, value in rows.items():
        if value:
            table.add_row(f"[bold]{name}[/]", value)
    for name, number in sorted(progress.metrics.items()):
        table.add_row(f"[bold]{name}[/]", f"{number:,.10g}")
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


@app.command()
def cancel(
    context: typer.Context,
    job_id: JobId,
    reason: Annotated[str, typer.Option(help="Why, for the records.")] = "",
    as_json: Json = False,
) -> None:
    """Ask for a job to be cancelled; its worker stops at the next safe place.

    Example: nhanhsync jobs cancel 01890a5d-ac96-774b-bcce-b302099a8057 --reason "wrong store"
    """

    async def work(client: Client) -> job_pb2.Job:
        request = pb.CancelJobRequest(job_id=job_id, reason=reason, requested_by="nhanhsync-cli")
        return (await client.jobs.CancelJob(request)).job

    job = session_of(context).run(work)
    if as_json:
        print_json(job)
    else:
        plain_console().print(f"{job.display_name} {job.job_id}: {words.state(job.state)}")


@app.command(epilog=EXIT_CODES)
def retry(
    context: typer.Context,
    job_id: JobId,
    watch_it: Annotated[bool, typer.Option("--watch", help="Show live progress until the new job ends.")] = False,
    as_json: Json = False,
) -> None:
    """Run a job that has ended once more, as a new job.

    Example: nhanhsync jobs retry 01890a5d-ac96-774b-bcce-b302099a8057 --watch
    """

    async def work(client: Client) -> Exit:
        request = pb.RetryJobRequest(job_id=job_id, created_by="nhanhsync-cli")
        answer = await client.jobs.RetryJob(request)
        if watch_it:
            return await watch(client, answer.job.job_id, as_json=as_json, timeout=None)
        if as_json:
            print_json(answer)
        else:
            plain_console().print(f"{answer.job.display_name}: job {answer.job.job_id}", markup=False)
        return Exit.GOOD

    end(session_of(context).run(work))


@app.command()
def failures(context: typer.Context, job_id: JobId, limit: Limit = 100, as_json: Json = False) -> None:
    """Say which items of a job failed, and why.

    Example: nhanhsync jobs failures 01890a5d-ac96-774b-bcce-b302099a8057
    """

    async def work(client: Client) -> tuple[list[job_pb2.ItemFailure], int]:
        found: list[job_pb2.ItemFailure] = []
        token, total = "", 0
        while len(found) < limit:
            size = min(limit - len(found), LARGEST_PAGE)
            page = await client.jobs.ListItemFailures(
                pb.ListItemFailuresRequest(job_id=job_id, page_size=size, page_token=token)
            )
            found += page.item_failures
            total, token = page.total_count, page.next_page_token
            if not token:
                break
        return found, total

    found, total = session_of(context).run(work)
    if as_json:
        print_json_list("item_failures", found)
        return
    table = Table("item", "stage", "origin", "code", "message", "can be retried", "attempts", "last")
    for failure in found:
        origin = job_pb2.ItemFailureOrigin.Name(failure.origin).removeprefix("ITEM_FAILURE_ORIGIN_")
        table.add_row(
            *(failure.item_key, failure.stage, origin, failure.code, failure.message),
            *("yes" if failure.retryable else "no", str(failure.attempts), words.moment(failure.last_time)),
        )
    console = plain_console()
    console.print(table if found else "No item failed.")
    if total > len(found):
        console.print(f"{len(found):,} of {total:,}; --limit shows more.")


@app.command()
def events(context: typer.Context, job_id: JobId, as_json: Json = False) -> None:
    """Tell a job's history: states, attempts, cancel requests, lost leases.

    Example: nhanhsync jobs events 01890a5d-ac96-774b-bcce-b302099a8057
    """

    async def work(client: Client) -> list[job_pb2.JobEvent]:
        found: list[job_pb2.JobEvent] = []
        token = ""
        while True:
            page = await client.jobs.ListJobEvents(
                pb.ListJobEventsRequest(job_id=job_id, page_size=LARGEST_PAGE, page_token=token)
            )
            found += page.events
            token = page.next_page_token
            if not token:
                return found

    found = session_of(context).run(work)
    if as_json:
        print_json_list("events", found)
        return
    table = Table("revision", "time", "what", "state", "attempt", "who", "why")
    for event in found:
        kind = job_pb2.JobEventKind.Name(event.kind).removeprefix("JOB_EVENT_KIND_")
        why = " ".join(part for part in (event.reason, event.message) if part)
        table.add_row(
            *(str(event.revision), words.moment(event.time), kind, words.state(event.to_state)),
            *(str(event.attempt), event.actor, why),
        )
    plain_console().print(table)


@app.command()
def stats(
    context: typer.Context,
    store: Annotated[list[str], typer.Option(help="Jobs of these stores.")] = [],  # noqa: B006
    as_json: Json = False,
) -> None:
    """Count jobs by type and state, and say which of the registered operations have completed.

    Example: nhanhsync jobs stats
    """

    async def work(client: Client) -> pb.GetJobStatsResponse:
        return await client.jobs.GetJobStats(pb.GetJobStatsRequest(store_ids=store))

    answer = session_of(context).run(work)
    if as_json:
        print_json(answer)
        return
    console = plain_console()
    table = Table("type", "variant", "state", "jobs")
    for count in answer.counts:
        table.add_row(count.type, count.variant, words.state(count.state), f"{count.count:,}")
    console.print(table if answer.counts else "No jobs.")
    console.print(f"running now: {answer.running_now:,}, waiting: {answer.pending_now:,}")
    print_coverage(answer.coverage)


def print_coverage(coverage: pb.Coverage) -> None:
    """Say which of the registered operations have a completed job."""
    console = plain_console()
    missing = [one for one in coverage.operations if not one.completed_jobs]
    for one in missing:
        variant = f" ({one.variant})" if one.variant else ""
        console.print(f"not yet completed: {one.display_name}{variant}", markup=False)
    console.print(f"{coverage.completed}/{coverage.registered} operations completed")
