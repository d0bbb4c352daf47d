"""Calls on many jobs: what a filter selects is shown, confirmed by a person, and then done, call after call."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Annotated

import grpc
import typer
from rich.console import Console

from nhanhsync.cli import words
from nhanhsync.cli.exits import Exit
from nhanhsync.cli.session import Session, plain_console, plain_table, print_json
from nhanhsync.client import Client
from nhanhsync.jobs.v1 import error_reason_pb2, job_pb2
from nhanhsync.jobs.v1 import job_tracker_service_pb2 as pb

SHOWN = 10
"""So many of the jobs are shown before anything is done to them."""

KEPT = 100
"""So many ids and refusals are told, of all calls together; JobTracker tells as many of each."""

PANEL = "Many jobs at once"

Yes = Annotated[
    bool, typer.Option("--yes", "-y", help="Do not ask: act on what the filter selects.", rich_help_panel=PANEL)
]
DryRun = Annotated[
    bool,
    typer.Option("--dry-run", help="Show which jobs the filter selects, and change nothing.", rich_help_panel=PANEL),
]

Response = pb.CancelJobsResponse | pb.RetryJobsResponse
Call = Callable[[Client, bool, str], Awaitable[Response]]
"""Makes the call: as a dry run or not, with this confirm token."""


@dataclass(frozen=True)
class Deed:
    """What is done to many jobs, and how people say it."""

    verb: str
    done: str
    call: Call


@dataclass
class Sum:
    """What the calls so far did, all together."""

    calls: int = 0
    outcome: pb.BulkOutcome = field(default_factory=pb.BulkOutcome)
    created_job_ids: list[str] = field(default_factory=list)

    def add(self, response: Response) -> None:
        """Count a call's outcome in."""
        came, total = response.outcome, self.outcome
        if not self.calls:
            total.matched_count = came.matched_count
        self.calls += 1
        total.changed_count += came.changed_count
        total.passed_over_count += came.passed_over_count
        total.refused_count += came.refused_count
        total.job_ids.extend(came.job_ids[: KEPT - len(total.job_ids)])
        total.refusals.extend(came.refusals[: KEPT - len(total.refusals)])
        total.more = came.more
        if isinstance(response, pb.RetryJobsResponse):
            self.created_job_ids += response.created_job_ids

    def response(self, like: Response) -> Response:
        """Write it as the answer of one call of this kind."""
        if isinstance(like, pb.RetryJobsResponse):
            return pb.RetryJobsResponse(outcome=self.outcome, created_job_ids=self.created_job_ids)
        return pb.CancelJobsResponse(outcome=self.outcome)


def do_to_many(session: Session, deed: Deed, *, yes: bool, dry_run: bool, as_json: bool) -> Exit:
    """Show what would be done, ask, do it, and say what came of it; whatever stops it half-way, what was done is told.

    With JSON, what is meant for people goes to stderr.
    """
    console = plain_console(stderr=as_json)
    tried, jobs = session.run(lambda client: _try(client, deed))
    count = tried.outcome.matched_count
    if not (as_json and (yes or dry_run)):
        _show(console, deed, count, jobs)
    if dry_run or not count:
        if as_json:
            print_json(tried)
        return Exit.GOOD
    if not yes and not _agreed(console, f"{deed.verb.capitalize()} {_counted(count)}?"):
        console.print("Nothing was changed.")
        return Exit.REFUSED
    total = Sum()
    try:
        session.run(lambda client: _do(client, deed, tried.outcome.confirm_token, total))
    finally:
        if total.calls and as_json:
            print_json(total.response(tried))
        elif total.calls:
            _tell(console, deed, total)
    return Exit.REFUSED if total.outcome.refused_count or total.outcome.more else Exit.GOOD


async def _try(client: Client, deed: Deed) -> tuple[Response, list[job_pb2.Job]]:
    tried = await deed.call(client, True, "")
    first = tried.outcome.job_ids[:SHOWN]
    return tried, list(await asyncio.gather(*(_job(client, job_id) for job_id in first)))


async def _job(client: Client, job_id: str) -> job_pb2.Job:
    try:
        return (await client.jobs.GetJob(pb.GetJobRequest(job_id=job_id))).job
    except grpc.aio.AioRpcError as error:
        if error.code() is not grpc.StatusCode.NOT_FOUND:
            raise
        return job_pb2.Job(job_id=job_id)  # somebody deleted it just now


async def _do(client: Client, deed: Deed, token: str, total: Sum) -> None:
    """Call until nothing is left. A call that neither goes on nor changes anything would only be made again for ever."""
    while True:
        response = await deed.call(client, False, token)
        total.add(response)
        outcome = response.outcome
        following = outcome.confirm_token or token
        if not outcome.more or (following == token and not outcome.changed_count):
            return
        token = following


def _show(console: Console, deed: Deed, count: int, jobs: list[job_pb2.Job]) -> None:
    if not count:
        console.print(f"No job to {deed.verb}.")
        return
    table = plain_table("job", "type", "store", "state", "created")
    for job in jobs:
        state = words.standing(job) if job.state else "gone"
        table.add_row(job.job_id, words.label(job), job.store_id, state, words.moment(job.create_time))
    console.print(table)
    rest = f", of which {len(jobs)} are shown" if count > len(jobs) else ""
    console.print(f"{_counted(count)} would be {deed.done}{rest}.")


def _tell(console: Console, deed: Deed, total: Sum) -> None:
    outcome = total.outcome
    told = f"{outcome.changed_count:,} {deed.done}"
    if outcome.passed_over_count:
        told += f", {outcome.passed_over_count:,} passed over (they needed nothing any more)"
    if outcome.refused_count:
        told += f", {outcome.refused_count:,} refused"
    console.print(f"{told}.")
    if outcome.refusals:
        table = plain_table("job", "refused because", "")
        for refusal in outcome.refusals:
            reason = error_reason_pb2.ErrorReason.Name(refusal.reason).removeprefix("ERROR_REASON_")
            table.add_row(refusal.job_id, reason, refusal.message)
        console.print(table)
    if total.created_job_ids:
        first, rest = total.created_job_ids[:SHOWN], len(total.created_job_ids[SHOWN:])
        console.print(f"New jobs: {', '.join(first)}" + (f" and {rest:,} more" if rest else ""))
    if outcome.more:
        console.print("More jobs are left; run the command again.")


def _agreed(console: Console, question: str) -> bool:
    """Ask, where the console is; anything but a yes is a no, an input that is at its end too."""
    console.print(f"{question} [y/N]", end=" ")
    try:
        answer = sys.stdin.readline()
    except KeyboardInterrupt:
        console.print()
        raise typer.Exit(Exit.INTERRUPTED) from None
    return answer.strip().lower() in ("y", "yes")


def _counted(count: int) -> str:
    return f"{count:,} {'job' if count == 1 else 'jobs'}"
