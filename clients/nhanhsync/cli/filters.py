"""Options that say which jobs are meant."""

from typing import Annotated, Any

import typer

from nhanhsync.cli.choices import OptionError, choices, moment_typed, words_of
from nhanhsync.cli.session import usage_error
from nhanhsync.jobs.v1 import job_pb2
from nhanhsync.jobs.v1 import job_tracker_service_pb2 as pb

STATES = words_of(job_pb2.JobState, "JOB_STATE_")
PANEL = "Which jobs"

Stores = Annotated[list[str], typer.Option("--store", help="Jobs of these stores.", rich_help_panel=PANEL)]
Types = Annotated[
    list[str], typer.Option("--type", help="Jobs of these types, such as PRODUCT_SYNC.", rich_help_panel=PANEL)
]
States = Annotated[
    list[str], typer.Option("--state", help="Jobs in these states, such as running.", rich_help_panel=PANEL)
]
CreatedFrom = Annotated[
    str | None,
    typer.Option(
        help="Jobs created at or after this ISO time; Vietnam's unless it names a zone.", rich_help_panel=PANEL
    ),
]
CreatedBefore = Annotated[str | None, typer.Option(help="Jobs created before this time.", rich_help_panel=PANEL)]
Words = Annotated[
    str,
    typer.Option("--text", help="Jobs with this text in id, label, message or creator.", rich_help_panel=PANEL),
]


def job_filter(
    stores: list[str],
    types: list[str],
    states: list[str],
    created_from: str | None,
    created_before: str | None,
    text: str,
) -> pb.JobFilter:
    """Make the filter of what was typed."""
    try:
        wanted: Any = choices(states, STATES, "--state")
        return pb.JobFilter(
            store_ids=stores,
            types=types,
            states=wanted,
            created_from=moment_typed(created_from, "--created-from"),
            created_before=moment_typed(created_before, "--created-before"),
            text=text,
        )
    except OptionError as error:
        raise usage_error(str(error), error.option) from None


def one_or_many(job_id: str | None, wanted: pb.JobFilter, *, only_for_many: dict[str, bool]) -> None:
    """Refuse a call that names a job and a filter, or neither, or has an option of many jobs for one.

    An empty filter selects every job there is: nobody should do that by leaving something out.
    """
    narrowed = wanted != pb.JobFilter()
    if job_id is None and not narrowed:
        raise usage_error("name a job, or choose jobs by --store, --type, --state, --created-from and so on", "JOB_ID")
    if job_id is not None and narrowed:
        raise usage_error("name a job or choose jobs by filter, not both", "JOB_ID")
    misplaced = [option for option, given in only_for_many.items() if given]
    if job_id is not None and misplaced:
        raise usage_error("only for jobs that are chosen by filter", ", ".join(misplaced))
