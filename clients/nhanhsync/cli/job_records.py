"""What JobTracker keeps of jobs: failures of items, history, counts."""

from typing import Annotated

import typer

from nhanhsync.cli import words
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
from nhanhsync.client import Client
from nhanhsync.jobs.v1 import job_pb2
from nhanhsync.jobs.v1 import job_tracker_service_pb2 as pb


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
    table = plain_table("item", "stage", "origin", "code", "message", "can be retried", "attempts", "last")
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
    table = plain_table("revision", "time", "what", "state", "attempt", "who", "why")
    for event in found:
        kind = job_pb2.JobEventKind.Name(event.kind).removeprefix("JOB_EVENT_KIND_")
        why = " ".join(part for part in (event.reason, event.message) if part)
        table.add_row(
            *(str(event.revision), words.moment(event.time), kind, words.state(event.to_state)),
            *(str(event.attempt), event.actor, why),
        )
    plain_console().print(table)


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
    table = plain_table("type", "variant", "state", "jobs")
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
        console.print(f"not yet completed: {one.display_name}{variant}")
    console.print(f"{coverage.completed}/{coverage.registered} operations completed")
