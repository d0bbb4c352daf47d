"""`nhanhsync jobs cancel`: one job, or all that a filter selects."""

from typing import Annotated

import typer
from rich.text import Text

from nhanhsync.cli import words
from nhanhsync.cli.bulk import Deed, DryRun, Response, Yes, do_to_many
from nhanhsync.cli.filters import CreatedBefore, CreatedFrom, States, Stores, Types, Words, job_filter, one_or_many
from nhanhsync.cli.session import AnyJobId, Json, plain_console, print_json, session_of
from nhanhsync.cli.watching import end
from nhanhsync.client import Client
from nhanhsync.jobs.v1 import job_pb2
from nhanhsync.jobs.v1 import job_tracker_service_pb2 as pb


def cancel(
    context: typer.Context,
    job_id: AnyJobId = None,
    reason: Annotated[str, typer.Option(help="Why, for the records.")] = "",
    store: Stores = [],  # noqa: B006
    type: Types = [],  # noqa: B006
    state: States = [],  # noqa: B006
    created_from: CreatedFrom = None,
    created_before: CreatedBefore = None,
    text: Words = "",
    yes: Yes = False,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Ask for a job to be cancelled, or for all jobs that a filter selects; their workers stop at the next safe place.

    With a filter, the jobs are shown first, and nothing is done before you say yes.

    Only jobs that wait or run are touched, and only those that were there when they were shown.

    Example: nhanhsync jobs cancel 01890a5d-ac96-774b-bcce-b302099a8057 --reason "wrong store"

    Example: nhanhsync jobs cancel --store hanoi --state pending --created-before 2026-07-01
    """
    wanted = job_filter(store, type, state, created_from, created_before, text)
    one_or_many(job_id, wanted, only_for_many={"--yes": yes, "--dry-run": dry_run})
    if job_id is None:

        async def call(client: Client, dry_run: bool, token: str) -> Response:
            return await client.jobs.CancelJobs(
                pb.CancelJobsRequest(
                    filter=wanted,
                    dry_run=dry_run,
                    confirm_token=token,
                    reason=reason,
                    requested_by=session_of(context).who,
                )
            )

        deed = Deed("cancel", "cancelled", call)
        end(do_to_many(session_of(context), deed, yes=yes, dry_run=dry_run, as_json=as_json))
        return

    async def work(client: Client) -> job_pb2.Job:
        request = pb.CancelJobRequest(job_id=job_id, reason=reason, requested_by=session_of(context).who)
        return (await client.jobs.CancelJob(request)).job

    job = session_of(context).run(work)
    if as_json:
        print_json(job)
    else:
        plain_console().print(Text.assemble(f"{job.display_name} {job.job_id}: ", words.standing(job)))
