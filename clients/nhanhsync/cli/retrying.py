"""`nhanhsync jobs retry`: one job, or all that a filter selects."""

import uuid
from typing import Annotated, Any

import typer

from nhanhsync.cli.bulk import Deed, DryRun, Response, Yes, do_to_many
from nhanhsync.cli.choices import POLICIES, OptionError, choice
from nhanhsync.cli.exits import Exit
from nhanhsync.cli.filters import CreatedBefore, CreatedFrom, States, Stores, Types, Words, job_filter, one_or_many
from nhanhsync.cli.session import AnyJobId, Json, plain_console, print_json, session_of, usage_error
from nhanhsync.cli.watching import check_timeout, end, watch
from nhanhsync.client import Client
from nhanhsync.jobs.v1 import job_pb2
from nhanhsync.jobs.v1 import job_tracker_service_pb2 as pb


def retry(
    context: typer.Context,
    job_id: AnyJobId = None,
    failed_items: Annotated[
        bool, typer.Option("--failed-items", help="Do again only the items on record as failed (bulk syncs).")
    ] = False,
    conflict: Annotated[
        str | None,
        typer.Option(
            help="When another job is in the way; fail for one job, queue for many, unless you say otherwise.",
            metavar="|".join(POLICIES),
        ),
    ] = None,
    watch_it: Annotated[bool, typer.Option("--watch", help="Show live progress until the new job ends.")] = False,
    timeout: Annotated[float | None, typer.Option(min=0.1, help="Watch no longer than so many seconds.")] = None,
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
    """Run a job that has ended once more, as a new job, or all jobs that a filter selects.

    With a filter, the jobs are shown first, and nothing is done before you say yes.

    FAILED and PARTIALLY_COMPLETED jobs are retried, CANCELLED ones only with --state cancelled.

    What has been retried already is passed over.

    Example: nhanhsync jobs retry 01890a5d-ac96-774b-bcce-b302099a8057 --watch

    Example: nhanhsync jobs retry 01890a5d-ac96-774b-bcce-b302099a8057 --failed-items

    Example: nhanhsync jobs retry --store hanoi --type PULL_NHANH_CUSTOMERS --created-from 2026-07-01T08:00
    """
    wanted = job_filter(store, type, state, created_from, created_before, text)
    one_or_many(job_id, wanted, only_for_many={"--yes": yes, "--dry-run": dry_run})
    check_timeout(timeout, watched=watch_it)
    try:
        policy: Any = choice(conflict, POLICIES, "--conflict")
    except OptionError as error:
        raise usage_error(str(error), error.option) from None
    scope = job_pb2.RETRY_SCOPE_FAILED_ITEMS if failed_items else job_pb2.RETRY_SCOPE_ALL
    if job_id is None:
        if watch_it:
            raise usage_error("only for one job; nhanhsync jobs list shows many", "--watch")

        async def call(client: Client, dry_run: bool, token: str) -> Response:
            return await client.jobs.RetryJobs(
                pb.RetryJobsRequest(
                    filter=wanted,
                    dry_run=dry_run,
                    confirm_token=token,
                    scope=scope,
                    conflict_policy=policy,
                    created_by=session_of(context).who,
                )
            )

        deed = Deed("retry", "retried", call)
        end(do_to_many(session_of(context), deed, yes=yes, dry_run=dry_run, as_json=as_json))
        return

    async def work(client: Client) -> Exit:
        request = pb.RetryJobRequest(
            job_id=job_id,
            request_id=str(uuid.uuid4()),
            created_by=session_of(context).who,
            scope=scope,
            conflict_policy=policy,
        )
        answer = await client.jobs.RetryJob(request)
        if as_json and not watch_it:
            print_json(answer)
        elif not as_json:
            plain_console().print(f"{answer.job.display_name}: job {answer.job.job_id}")
        return await watch(client, answer.job.job_id, as_json=as_json, timeout=timeout) if watch_it else Exit.GOOD

    end(session_of(context).run(work))
