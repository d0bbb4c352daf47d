"""What every command needs: where the services are, how to print, and what becomes of errors."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Annotated, TypeVar

import grpc
import typer
from google.protobuf.json_format import MessageToJson
from google.protobuf.message import Message
from rich.console import Console

from nhanhsync.cli.exits import Exit
from nhanhsync.client import Client, GaveUpError, Refused, connect
from nhanhsync.client.refusals import refused

Result = TypeVar("Result")

PLAIN_WIDTH = 160
"""Without a terminal, lines are as wide as tables need."""

Json = Annotated[bool, typer.Option("--json", help="Print JSON: one document, or one object a line for streams.")]


def plain_console(*, stderr: bool = False) -> Console:
    """Make a console; what is piped has no colours and is not cut at 80 columns."""
    console = Console(stderr=stderr, highlight=False)
    return console if console.is_terminal else Console(stderr=stderr, highlight=False, width=PLAIN_WIDTH)


@dataclass(frozen=True)
class Session:
    """One run of the command."""

    job_tracker: str
    sync_worker: str

    def run(self, work: Callable[[Client], Awaitable[Result]]) -> Result:
        """Do something with a client; refusals and silence end the command with a sentence that says what to do."""

        async def connected() -> Result:
            async with connect(job_tracker=self.job_tracker, sync_worker=self.sync_worker) as client:
                return await work(client)

        try:
            return asyncio.run(connected())
        except Refused as error:
            self._say(error)
        except grpc.aio.AioRpcError as error:
            self._say(refused(error))
        except GaveUpError as error:
            plain_console(stderr=True).print(f"gave up: {error}", markup=False)
        except KeyboardInterrupt:
            raise typer.Exit(Exit.INTERRUPTED) from None
        raise typer.Exit(Exit.REFUSED)

    def _say(self, error: Refused) -> None:
        console = plain_console(stderr=True)
        if error.code is grpc.StatusCode.UNAVAILABLE and not error.reason:
            console.print(
                f"not reached: {error.message}\n"
                f"JobTracker is looked for at {self.job_tracker}, SyncWorker at {self.sync_worker}. Are they running "
                "(nhanhsync up)? Other addresses: --job-tracker and --sync-worker, or NHANHSYNC_JOB_TRACKER and "
                "NHANHSYNC_SYNC_WORKER.",
                markup=False,
            )
            return
        console.print(f"refused: {error.message}" + (f" [{error.reason}]" if error.reason else ""), markup=False)
        for violation in error.violations:
            console.print(f"  {violation.field}: {violation.description}", markup=False)
        if error.resource:
            console.print(f"  about: {error.resource}", markup=False)
        if error.retry_seconds is not None:
            console.print(f"  try again in {error.retry_seconds:.0f} s", markup=False)


def session_of(context: typer.Context) -> Session:
    """Find this run's session."""
    found = context.find_object(Session)
    if found is None:
        raise RuntimeError("the command's callback has not run")
    return found


def usage_error(message: str, hint: str | None = None) -> typer.BadParameter:
    """Make an error of usage: it ends the command with 2."""
    return typer.BadParameter(message, param_hint=hint)


def print_json(message: Message) -> None:
    """Print a message on one line, with the contract's own field names."""
    typer.echo(json_line(message))


def json_line(message: Message) -> str:
    """Write a message on one line."""
    return MessageToJson(message, preserving_proto_field_name=True, indent=None, ensure_ascii=False)


def print_json_list(name: str, messages: Iterable[Message]) -> None:
    """Print messages as one document."""
    typer.echo(f'{{"{name}": [{", ".join(json_line(message) for message in messages)}]}}')
