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
from rich.table import Column, Table

from nhanhsync.cli.exits import Exit
from nhanhsync.cli.screen import JSON_ESCAPES, Screen
from nhanhsync.client import Client, GaveUpError, Refused
from nhanhsync.client.refusals import refused
from nhanhsync.client.security import PLAINTEXT, Security

Result = TypeVar("Result")


LARGEST_PAGE = 500
"""No list of either service gives more rows at once."""

PLAIN_WIDTH = 10_000
"""Without a terminal, lines are as wide as tables need: what a program reads is not folded."""

JobId = Annotated[str, typer.Argument(help="The job's id.", metavar="JOB_ID")]
AnyJobId = Annotated[str | None, typer.Argument(help="The job's id; or choose jobs by filter.", metavar="JOB_ID")]
Limit = Annotated[int, typer.Option(min=1, max=1_000_000, help="At most so many rows.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON: one document, or one object a line for streams.")]


def plain_console(*, stderr: bool = False) -> Console:
    """Make a console; what is piped has no colours and is not cut at 80 columns.

    It takes text as it is: a product's name may hold brackets and colons, which are no markup.
    """
    console = Screen(stderr=stderr)
    if not console.is_terminal:
        console.width = PLAIN_WIDTH
    return console


def plain_table(*heads: str) -> Table:
    """Make a table that folds what has no room rather than cutting it: half an id is none."""
    return Table(*(Column(head, overflow="fold") for head in heads))


@dataclass(frozen=True)
class Session:
    """One run of the command."""

    job_tracker: str
    sync_worker: str
    security: Security = PLAINTEXT

    @property
    def who(self) -> str:
        """Who asks, for the records: with a token its name, which the service knows better than we."""
        return "nhanhsync-cli" if self.security.token is None else ""

    def run(self, work: Callable[[Client], Awaitable[Result]]) -> Result:
        """Do something with a client; refusals and silence end the command with a sentence that says what to do."""

        async def connected() -> Result:
            async with Client(self.job_tracker, self.sync_worker, security=self.security) as client:
                return await work(client)

        try:
            return asyncio.run(connected())
        except Refused as error:
            self._say(error)
        except grpc.aio.AioRpcError as error:
            self._say(refused(error))
        except GaveUpError as error:
            self._not_reached(str(error))
        except KeyboardInterrupt:
            raise typer.Exit(Exit.INTERRUPTED) from None
        raise typer.Exit(Exit.REFUSED)

    def _say(self, error: Refused) -> None:
        console = plain_console(stderr=True)
        if error.code is grpc.StatusCode.UNAVAILABLE and not error.reason:
            self._not_reached(error.message)
            return
        if error.code is grpc.StatusCode.UNAUTHENTICATED:
            error.message += " (NHANHSYNC_TOKEN or --token-file)"
        console.print(f"refused: {error.message}" + (f" [{error.reason}]" if error.reason else ""))
        for violation in error.violations:
            console.print(f"  {violation.field}: {violation.description}")
        if error.resource:
            console.print(f"  about: {error.resource}")
        if error.retry_seconds is not None:
            console.print(f"  try again in {error.retry_seconds:.0f} s")

    def _not_reached(self, why: str) -> None:
        plain_console(stderr=True).print(
            f"not reached: {why}\n"
            f"JobTracker is looked for at {self.job_tracker}, SyncWorker at {self.sync_worker}. Are they running "
            "(nhanhsync up)? Other addresses: --job-tracker and --sync-worker, or NHANHSYNC_JOB_TRACKER and "
            "NHANHSYNC_SYNC_WORKER."
        )


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
    """Write a message on one line; letters stay letters, control characters are escaped."""
    line = MessageToJson(message, preserving_proto_field_name=True, indent=None, ensure_ascii=False)
    return line.translate(JSON_ESCAPES)


def print_json_list(name: str, messages: Iterable[Message]) -> None:
    """Print messages as one document."""
    typer.echo(f'{{"{name}": [{", ".join(json_line(message) for message in messages)}]}}')
