"""`nhanhsync jobs delete`: remove jobs that have ended."""

import json
from typing import Annotated

import grpc
import typer

from nhanhsync.cli.exits import Exit
from nhanhsync.cli.screen import JSON_ESCAPES
from nhanhsync.cli.session import Json, plain_console, session_of
from nhanhsync.cli.watching import end
from nhanhsync.client import Client, Refused
from nhanhsync.client.refusals import refused
from nhanhsync.jobs.v1 import job_tracker_service_pb2 as pb


def delete(
    context: typer.Context,
    job_ids: Annotated[list[str], typer.Argument(help="The jobs' ids.", metavar="JOB_ID...")],
    as_json: Json = False,
) -> None:
    """Remove jobs that have ended, with their history and item failures. There is no way back.

    One that is refused does not keep the others; the command then ends with 1.

    Example: nhanhsync jobs delete 01890a5d-ac96-774b-bcce-b302099a8057
    """
    deleted: list[str] = []
    refusals: dict[str, Refused] = {}

    async def work(client: Client) -> None:
        for job_id in dict.fromkeys(job_ids):
            try:
                await client.jobs.DeleteJob(pb.DeleteJobRequest(job_id=job_id))
            except grpc.aio.AioRpcError as error:
                refusals[job_id] = refusal = refused(error)
                if not refusal.reason or refusal.code is grpc.StatusCode.UNAVAILABLE:
                    del refusals[job_id]
                    raise  # not this job's refusal: no other would be answered either
            else:
                deleted.append(job_id)
                if not as_json:
                    plain_console().print(f"{job_id}: deleted")

    try:
        session_of(context).run(work)
    finally:
        if as_json:
            told = [
                {"job_id": job_id, "reason": refusal.reason, "message": refusal.message}
                for job_id, refusal in refusals.items()
            ]
            document = json.dumps({"deleted": deleted, "refused": told}, ensure_ascii=False)
            typer.echo(document.translate(JSON_ESCAPES))
        for job_id, refusal in refusals.items():
            plain_console(stderr=True).print(f"{job_id}: refused: {refusal.message} [{refusal.reason}]")
    end(Exit.REFUSED if refusals else Exit.GOOD)
