"""`nhanhsync health` and `nhanhsync version`."""

import asyncio
import importlib.metadata
import json
from typing import Any

import grpc
import typer
from grpc_health.v1 import health_pb2, health_pb2_grpc
from rich.text import Text

from nhanhsync.cli.exits import Exit
from nhanhsync.cli.session import Json, Session, plain_console, session_of
from nhanhsync.cli.watching import end

TIMEOUT_SECONDS = 5.0


def health(context: typer.Context, as_json: Json = False) -> None:
    """Ask both services whether they serve.

    Example: nhanhsync health
    """
    answers = asyncio.run(_ask(session_of(context)))
    if as_json:
        typer.echo(json.dumps(answers))
    else:
        console = plain_console()
        for service, answer in answers.items():
            status = Text(answer["status"], style="green" if answer["status"] == "SERVING" else "red")
            console.print(Text.assemble(f"{service:<12} {answer['address']:<22} ", status))
    good = all(answer["status"] == "SERVING" for answer in answers.values())
    end(Exit.GOOD if good else Exit.REFUSED)


def version(as_json: Json = False) -> None:
    """Print the installed version.

    Example: nhanhsync version
    """
    installed = importlib.metadata.version("nhanhsync")
    typer.echo(json.dumps({"version": installed}) if as_json else installed)


async def _ask(session: Session) -> dict[str, dict[str, str]]:
    asked = {
        "JobTracker": (session.job_tracker, "nhanhsync.jobs.v1.JobTracker"),
        "SyncWorker": (session.sync_worker, "nhanhsync.sync.v1.SyncWorker"),
    }
    statuses = await asyncio.gather(*(_status(session, address, service) for address, service in asked.values()))
    return {
        name: {"address": address, "status": status}
        for (name, (address, _)), status in zip(asked.items(), statuses, strict=True)
    }


async def _status(session: Session, address: str, service: str) -> str:
    async with session.security.aio_channel(address) as channel:
        stub: Any = health_pb2_grpc.HealthStub(channel)
        try:
            answer = await stub.Check(health_pb2.HealthCheckRequest(service=service), timeout=TIMEOUT_SECONDS)
        except grpc.aio.AioRpcError as error:
            return "NOT REACHED" if error.code() is grpc.StatusCode.UNAVAILABLE else error.code().name
    return health_pb2.HealthCheckResponse.ServingStatus.Name(answer.status)
