"""`nhanhsync workers …` and `nhanhsync types …`: who works, and on what."""

import typer

from nhanhsync.cli import words
from nhanhsync.cli.exits import EXIT_CODES
from nhanhsync.cli.session import LARGEST_PAGE, Json, Limit, plain_console, plain_table, print_json_list, session_of
from nhanhsync.client import Client
from nhanhsync.jobs.v1 import job_pb2
from nhanhsync.jobs.v1 import job_tracker_service_pb2 as pb

workers = typer.Typer(no_args_is_help=True, help="The processes that claim jobs.")
types = typer.Typer(no_args_is_help=True, help="The kinds of job that are registered.")


@workers.command("list", epilog=EXIT_CODES)
def list_workers(context: typer.Context, limit: Limit = 50, as_json: Json = False) -> None:
    """List the workers that were heard of within a day, and the jobs that each holds.

    One that does not listen hears of a cancel or a pause only with its next report.

    Example: nhanhsync workers list
    """

    async def work(client: Client) -> list[job_pb2.Worker]:
        found: list[job_pb2.Worker] = []
        token = ""
        while len(found) < limit:
            size = min(limit - len(found), LARGEST_PAGE)
            page = await client.jobs.ListWorkers(pb.ListWorkersRequest(page_size=size, page_token=token))
            found += page.workers
            token = page.next_page_token
            if not token:
                break
        return found

    found = session_of(context).run(work)
    if as_json:
        print_json_list("workers", found)
        return
    table = plain_table("worker", "types", "first heard of", "last heard of", "listens", "holds")
    for worker in found:
        table.add_row(
            *(worker.worker_id, ", ".join(worker.types)),
            *(words.moment(worker.first_seen_time), words.moment(worker.last_seen_time)),
            *("yes" if worker.listening else "no", ", ".join(worker.held_job_ids)),
        )
    plain_console().print(table if found else "No workers.")


@types.command("list", epilog=EXIT_CODES)
def list_types(context: typer.Context, as_json: Json = False) -> None:
    """List the registered types, and which of them are paused.

    Example: nhanhsync types list
    """

    async def work(client: Client) -> list[job_pb2.JobType]:
        return list((await client.jobs.ListJobTypes(pb.ListJobTypesRequest())).job_types)

    found = session_of(context).run(work)
    if as_json:
        print_json_list("job_types", found)
        return
    table = plain_table("type", "label", "variants", "retries failed items", "paused")
    for kind in found:
        heals = "yes" if kind.retries_failed_items else "no"
        paused = _paused(kind.pause) if kind.HasField("pause") else ""
        table.add_row(kind.type, kind.display_name, ", ".join(kind.variants), heals, paused)
    plain_console().print(table if found else "No types.")


def _paused(pause: job_pb2.TypePause) -> str:
    by = f" by {pause.paused_by}" if pause.paused_by else ""
    why = f": {pause.reason}" if pause.reason else ""
    return f"since {words.moment(pause.pause_time)}{by}{why}"
