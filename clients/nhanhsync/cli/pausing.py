"""`nhanhsync jobs pause`, `resume`, `pause-type` and `resume-type`: work that is to wait, and to go on."""

from typing import Annotated

import typer
from rich.text import Text

from nhanhsync.cli import words
from nhanhsync.cli.session import JobId, Json, plain_console, print_json, session_of
from nhanhsync.client import Client
from nhanhsync.jobs.v1 import job_pb2
from nhanhsync.jobs.v1 import job_tracker_service_pb2 as pb

Reason = Annotated[str, typer.Option(help="Why, for the records.")]
Type = Annotated[
    str, typer.Argument(help="The type, such as PRODUCT_SYNC; nhanhsync types list shows them.", metavar="TYPE")
]


def pause(context: typer.Context, job_id: JobId, reason: Reason = "", as_json: Json = False) -> None:
    """Keep a job waiting until it is resumed; its worker gives it back at the next safe place, and its locks stand.

    Example: nhanhsync jobs pause 01890a5d-ac96-774b-bcce-b302099a8057 --reason "the shop is busy"
    """

    async def work(client: Client) -> job_pb2.Job:
        request = pb.PauseJobRequest(job_id=job_id, reason=reason, requested_by=session_of(context).who)
        return (await client.jobs.PauseJob(request)).job

    _print_job(session_of(context).run(work), as_json=as_json)


def resume(context: typer.Context, job_id: JobId, as_json: Json = False) -> None:
    """Let a paused job go on, where it was.

    Example: nhanhsync jobs resume 01890a5d-ac96-774b-bcce-b302099a8057
    """

    async def work(client: Client) -> job_pb2.Job:
        return (
            await client.jobs.ResumeJob(pb.ResumeJobRequest(job_id=job_id, requested_by=session_of(context).who))
        ).job

    _print_job(session_of(context).run(work), as_json=as_json)


def pause_type(
    context: typer.Context,
    type: Type,
    reason: Reason = "",
    release_running: Annotated[
        bool, typer.Option("--release-running", help="Also give back what runs; without it, it goes on to its end.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Let no job of a type begin until the type is resumed, for maintenance.

    Example: nhanhsync jobs pause-type PRODUCT_SYNC --reason "stocktaking" --release-running
    """

    async def work(client: Client) -> pb.PauseJobTypeResponse:
        return await client.jobs.PauseJobType(
            pb.PauseJobTypeRequest(
                type=type, reason=reason, requested_by=session_of(context).who, release_running=release_running
            )
        )

    answer = session_of(context).run(work)
    if as_json:
        print_json(answer)
        return
    console = plain_console()
    console.print(f"{answer.job_type.display_name} is paused: none of its jobs begins.")
    if answer.running_now:
        fate = "are told to be given back" if release_running else "go on to their end"
        console.print(f"Running now: {answer.running_now:,}, which {fate}.")
    console.print(f"To let it go on: nhanhsync jobs resume-type {answer.job_type.type}")


def resume_type(context: typer.Context, type: Type, as_json: Json = False) -> None:
    """Let the jobs of a paused type begin again.

    Example: nhanhsync jobs resume-type PRODUCT_SYNC
    """

    async def work(client: Client) -> job_pb2.JobType:
        request = pb.ResumeJobTypeRequest(type=type, requested_by=session_of(context).who)
        return (await client.jobs.ResumeJobType(request)).job_type

    answer = session_of(context).run(work)
    if as_json:
        print_json(answer)
    else:
        plain_console().print(f"{answer.display_name} goes on.")


def _print_job(job: job_pb2.Job, *, as_json: bool) -> None:
    if as_json:
        print_json(job)
        return
    console = plain_console()
    console.print(Text.assemble(f"{job.display_name} {job.job_id}: ", words.standing(job)))
    if job.paused:
        console.print(f"To let it go on: nhanhsync jobs resume {job.job_id}")
