"""`nhanhsync stores reset-pulls`: unfinished pulls begin anew."""

from typing import Annotated, Any

import typer

from nhanhsync.cli.choices import OptionError, choice, words_of
from nhanhsync.cli.session import Json, plain_console, print_json, session_of, usage_error
from nhanhsync.client import Client
from nhanhsync.sync.v1 import sync_worker_service_pb2 as pb

PULLS = words_of(pb.PullOperation, "PULL_OPERATION_")


def reset_pulls(
    context: typer.Context,
    store: Annotated[str, typer.Argument(help="The store's id; nhanhsync stores list shows them.", metavar="STORE")],
    pull: Annotated[str | None, typer.Option(help=f"One of {', '.join(PULLS)}; all four without it.")] = None,
    as_json: Json = False,
) -> None:
    """Forget how far a store's unfinished pulls have come: the next ones begin anew.

    Rows stay, and so does what finished pulls have covered. A pull that is waiting or under way is in the way: cancel it first.

    Example: nhanhsync stores reset-pulls hanoi --pull nhanh-customers
    """
    try:
        operation: Any = choice(pull, PULLS, "--pull")
    except OptionError as error:
        raise usage_error(str(error), error.option) from None

    async def work(client: Client) -> pb.ResetPullCheckpointResponse:
        return await client.sync.ResetPullCheckpoint(pb.ResetPullCheckpointRequest(store_id=store, operation=operation))

    found = session_of(context).run(work)
    if as_json:
        print_json(found)
    elif found.cleared == 1:
        plain_console().print("1 unfinished pull will begin anew.")
    else:
        plain_console().print(f"{found.cleared or 'No'} unfinished pulls will begin anew.")
