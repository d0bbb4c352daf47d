"""`nhanhsync run OPERATION`: start one of the eleven operations, and watch it if asked to."""

from typing import Annotated, Any

import typer
from typer.core import TyperOption

from nhanhsync.cli.choices import POLICIES, OptionError, choice, moment_typed
from nhanhsync.cli.exits import EXIT_CODES, Exit
from nhanhsync.cli.operations import OPERATIONS, Operation, describe
from nhanhsync.cli.session import Json, plain_console, print_json, session_of, usage_error
from nhanhsync.cli.watching import check_timeout, end, watch
from nhanhsync.client import Client
from nhanhsync.jobs.v1 import job_pb2
from nhanhsync.sync.v1 import operations_pb2

EVERYWHERE = frozenset(
    {"operation", "store", "watch_it", "timeout", "conflict", "not_before", "request_id", "priority", "created_by"}
) | {"as_json"}
PULLS, PUSHES = "Pulls", "Bulk syncs"
HELP = f"""Start an operation on a store.

{describe()}

Example: nhanhsync run pull-nhanh-customers --store hanoi --watch

Example: nhanhsync run sync-products --store hanoi --what both --dry-run --watch

Example: nhanhsync run sync-customers --store hanoi --conflict queue --not-before 2026-07-01T02:00

{EXIT_CODES}
"""


def run(
    context: typer.Context,
    operation: Annotated[str, typer.Argument(help="One of the eleven; see above.", metavar="OPERATION")],
    store: Annotated[str, typer.Option(help="The store's id; nhanhsync stores list shows them.")],
    watch_it: Annotated[bool, typer.Option("--watch", help="Show live progress until the job ends.")] = False,
    timeout: Annotated[float | None, typer.Option(min=0.1, help="Watch no longer than so many seconds.")] = None,
    conflict: Annotated[
        str | None,
        typer.Option(
            "--conflict",
            "--conflict-policy",
            help="When another job is in the way: fail, which is usual; queue behind it; use-existing, if it does the very "
            "same; or replace it, if it is of the same kind.",
            metavar="|".join(POLICIES),
        ),
    ] = None,
    not_before: Annotated[
        str | None,
        typer.Option(
            help="Begin no sooner: ISO time, Vietnam's unless it names a zone. Only with --conflict queue or none."
        ),
    ] = None,
    request_id: Annotated[str, typer.Option(help="The same id with the same content starts no second job.")] = "",
    priority: Annotated[int, typer.Option(help="Higher goes first.")] = 0,
    created_by: Annotated[
        str | None, typer.Option(help="Who starts it, for the records; a token's name, or nhanhsync-cli, without it.")
    ] = None,
    as_json: Json = False,
    mode: Annotated[str | None, typer.Option(help="full or incremental.", rich_help_panel=PULLS)] = None,
    method: Annotated[
        str | None,
        typer.Option(
            help="Of a pull from Shopify: pages, bulk, or auto, which is usual: bulk for full ones, pages for incremental ones.",
            rich_help_panel=PULLS,
        ),
    ] = None,
    updated_since: Annotated[
        str | None, typer.Option(help="ISO time; Vietnam's unless it names a zone.", rich_help_panel=PULLS)
    ] = None,
    name: Annotated[str | None, typer.Option(help="Nhanh products with this name.", rich_help_panel=PULLS)] = None,
    category_id: Annotated[list[int], typer.Option(help="Nhanh categories.", rich_help_panel=PULLS)] = [],  # noqa: B006
    brand_id: Annotated[list[int], typer.Option(help="Nhanh brands.", rich_help_panel=PULLS)] = [],  # noqa: B006
    type: Annotated[
        str | None, typer.Option(help="Nhanh customers: retail, wholesale or agent.", rich_help_panel=PULLS)
    ] = None,
    last_bought_from: Annotated[str | None, typer.Option(help="YYYY-MM-DD.", rich_help_panel=PULLS)] = None,
    last_bought_to: Annotated[str | None, typer.Option(help="YYYY-MM-DD.", rich_help_panel=PULLS)] = None,
    search: Annotated[str | None, typer.Option(help="Shopify's customer search.", rich_help_panel=PULLS)] = None,
    status: Annotated[
        list[str],
        typer.Option(
            help="Of products in pulls (Nhanh: new, on-sale, stopped, out-of-stock; Shopify: active, draft, archived), "
            "of mappings in syncs (pending, synced, failed; all without it)."
        ),
    ] = [],  # noqa: B006
    mapping_id: Annotated[list[str], typer.Option(help="These mappings only.", rich_help_panel=PUSHES)] = [],  # noqa: B006
    what: Annotated[str | None, typer.Option(help="inventory, price or both.", rich_help_panel=PUSHES)] = None,
    repush: Annotated[
        bool, typer.Option("--repush", help="Also what has not changed.", rich_help_panel=PUSHES)
    ] = False,
    allow_mass_zero: Annotated[
        bool, typer.Option("--allow-mass-zero", help="Lift the guard against a mass of zeros.", rich_help_panel=PUSHES)
    ] = False,
    max_drop_percent: Annotated[
        int | None,
        typer.Option(min=1, help="The guard's share of items that may become zero.", rich_help_panel=PUSHES),
    ] = None,
    batch_size: Annotated[int | None, typer.Option(min=1, help="Customers a batch (match-customers-batch).")] = None,
    entity: Annotated[str | None, typer.Option(help="retry-failed: products or customers; both without it.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="retry-failed: at most so many.")] = None,
    include_permanent: Annotated[
        bool, typer.Option("--include-permanent", help="retry-failed: also what time alone does not heal.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would change, and change nothing.")] = False,
) -> None:
    """Start an operation; the help text is `HELP`."""
    if operation not in OPERATIONS:
        raise usage_error(f"{operation!r} is none of the operations: {', '.join(OPERATIONS)}", "OPERATION")
    check_timeout(timeout, watched=watch_it)
    chosen = OPERATIONS[operation]
    _check_options(context, chosen)
    try:
        policy: Any = choice(conflict, POLICIES, "--conflict")
        options = operations_pb2.StartOptions(
            store_id=store,
            request_id=request_id,
            conflict_policy=policy,
            priority=_small(priority, "--priority"),
            created_by=session_of(context).who if created_by is None else created_by,
            not_before_time=moment_typed(not_before, "--not-before"),
        )
        request = chosen.build(options, context.params)
    except OptionError as error:
        raise usage_error(str(error), error.option) from None
    except ValueError as error:  # a number that the contract's field cannot hold
        raise usage_error(str(error)) from None

    async def work(client: Client) -> Exit:
        answer = await getattr(client.sync, chosen.call)(request)
        if watch_it:
            if not as_json:
                _say_started(answer.job, created=answer.created)
            return await watch(client, answer.job.job_id, as_json=as_json, timeout=timeout)
        if as_json:
            print_json(answer)
        else:
            _say_started(answer.job, created=answer.created)
            plain_console().print(f"To follow it: nhanhsync jobs watch {answer.job.job_id}")
        return Exit.GOOD

    end(session_of(context).run(work))


def _check_options(context: typer.Context, chosen: Operation) -> None:
    """Refuse options that belong to other operations: passing over them would do something else than was asked for."""
    given = {
        parameter.opts[0]
        for parameter in context.command.params
        if isinstance(parameter, TyperOption)
        and parameter.name not in EVERYWHERE | chosen.options
        and _was_typed(context, str(parameter.name))
    }
    if given:
        own = ", ".join(chosen.typed_options)
        raise usage_error(f"{chosen.name} does not take {', '.join(sorted(given))}; its own options are {own}")


def _was_typed(context: typer.Context, parameter: str) -> bool:
    source = context.get_parameter_source(parameter)
    return source is not None and source.name == "COMMANDLINE"


def _small(number: int, option: str) -> int:
    if not -(2**31) <= number < 2**31:
        raise OptionError(option, f"{number} is out of range")
    return number


def _say_started(job: job_pb2.Job, *, created: bool) -> None:
    plain_console().print(f"{job.display_name}: job {job.job_id}" + ("" if created else " (started before)"))
