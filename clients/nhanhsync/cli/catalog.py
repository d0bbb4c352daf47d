"""`nhanhsync mappings …`, `unmatched …`, `stores …`: what SyncWorker knows of shops."""

from collections.abc import Sequence
from typing import Annotated, Any

import typer

from nhanhsync.cli import words
from nhanhsync.cli.choices import OptionError, choice, choices, words_of
from nhanhsync.cli.exits import EXIT_CODES
from nhanhsync.cli.operations import ENTITIES, MAPPING_STATUSES
from nhanhsync.cli.session import (
    LARGEST_PAGE,
    Json,
    Limit,
    plain_console,
    plain_table,
    print_json_list,
    session_of,
    usage_error,
)
from nhanhsync.client import Client
from nhanhsync.sync.v1 import catalog_pb2, operations_pb2
from nhanhsync.sync.v1 import sync_worker_service_pb2 as pb

mappings = typer.Typer(no_args_is_help=True, help="Links between Nhanh and Shopify.")
unmatched = typer.Typer(no_args_is_help=True, help="What the last match left alone, and why.")
stores = typer.Typer(no_args_is_help=True, help="The shops that SyncWorker serves.")

SIDES = words_of(catalog_pb2.Side, "SIDE_")
REASONS = words_of(catalog_pb2.UnmatchedReason, "UNMATCHED_REASON_")

Store = Annotated[str, typer.Option(help="The store's id.")]


@mappings.command("list", epilog=EXIT_CODES)
def list_mappings(
    context: typer.Context,
    store: Store,
    entity: Annotated[str | None, typer.Option(help="products or customers; both without it.")] = None,
    status: Annotated[
        list[str], typer.Option(help="pending, synced, failed or pending-approval; all without it.")
    ] = [],  # noqa: B006
    limit: Limit = 50,
    as_json: Json = False,
) -> None:
    """List links, in order of Nhanh's id.

    Example: nhanhsync mappings list --store hanoi --entity products --status failed
    """
    try:
        wanted: Any = choice(entity, ENTITIES, "--entity")
        statuses: Any = choices(status, MAPPING_STATUSES, "--status")
    except OptionError as error:
        raise usage_error(str(error), error.option) from None

    async def work(client: Client) -> list[catalog_pb2.Mapping]:
        found: list[catalog_pb2.Mapping] = []
        token = ""
        while len(found) < limit:
            request = pb.ListMappingsRequest(
                store_id=store,
                entity=wanted,
                statuses=statuses,
                page_size=min(limit - len(found), LARGEST_PAGE),
                page_token=token,
            )
            page = await client.sync.ListMappings(request)
            found += page.mappings
            token = page.next_page_token
            if not token:
                break
        return found

    found = session_of(context).run(work)
    if as_json:
        print_json_list("mappings", found)
        return
    table = plain_table(
        "mapping", "Nhanh", "name", "Shopify", "name", "status", "by", "sure", "pushed", "why it failed"
    )
    for row in found:
        status_name = operations_pb2.MappingStatus.Name(row.status).removeprefix("MAPPING_STATUS_")
        why = f"{row.failure.code}: {row.failure.message}" if row.failure.code else ""
        table.add_row(
            *(row.mapping_id, row.nhanh_id, row.nhanh_name, _number(row.shopify_id), row.shopify_name, status_name),
            *(row.rule, f"{row.confidence:.2f}", words.moment(row.push_time), why),
        )
    plain_console().print(table if found else "No mappings.")


@unmatched.command("list", epilog=EXIT_CODES)
def list_unmatched(
    context: typer.Context,
    store: Store,
    entity: Annotated[str, typer.Option(help="products or customers.")],
    side: Annotated[str | None, typer.Option(help="nhanh or shopify; both without it.")] = None,
    reason: Annotated[str | None, typer.Option(help=f"One of {', '.join(REASONS)}.")] = None,
    limit: Limit = 50,
    as_json: Json = False,
) -> None:
    """List what the last match left alone.

    Example: nhanhsync unmatched list --store hanoi --entity customers --reason contested
    """
    try:
        request = pb.ListUnmatchedRequest(
            store_id=store,
            entity=_any(choice(entity, ENTITIES, "--entity")),
            side=_any(choice(side, SIDES, "--side")),
            reason=_any(choice(reason, REASONS, "--reason")),
        )
    except OptionError as error:
        raise usage_error(str(error), error.option) from None

    async def work(client: Client) -> list[catalog_pb2.UnmatchedRow]:
        found: list[catalog_pb2.UnmatchedRow] = []
        while len(found) < limit:
            request.page_size = min(limit - len(found), LARGEST_PAGE)
            page = await client.sync.ListUnmatched(request)
            found += page.rows
            request.page_token = page.next_page_token
            if not page.next_page_token:
                break
        return found

    found = session_of(context).run(work)
    if as_json:
        print_json_list("rows", found)
        return
    table = plain_table("side", "id", "name", "reason", "candidates", "keys")
    for row in found:
        table.add_row(
            catalog_pb2.Side.Name(row.side).removeprefix("SIDE_"),
            *(_number(row.vendor_id), row.name),
            catalog_pb2.UnmatchedReason.Name(row.reason).removeprefix("UNMATCHED_REASON_"),
            *(_listed(row.candidate_ids), ", ".join(row.keys)),
        )
    plain_console().print(table if found else "Nothing was left alone.")


@stores.command("list", epilog=EXIT_CODES)
def list_stores(context: typer.Context, as_json: Json = False) -> None:
    """List the shops that SyncWorker serves.

    Example: nhanhsync stores list
    """

    async def work(client: Client) -> Sequence[catalog_pb2.Store]:
        return (await client.sync.ListStores(pb.ListStoresRequest())).stores

    found = session_of(context).run(work)
    if as_json:
        print_json_list("stores", found)
        return
    table = plain_table("store", "name", "Nhanh business", "Shopify shop", "depots to locations")
    for store in found:
        places = ", ".join(f"{one.depot_id} → {_number(one.location_id)}" for one in store.locations)
        table.add_row(store.store_id, store.name, store.nhanh_business_id, store.shopify_shop, places)
    plain_console().print(table)


def _any(number: int) -> Any:  # noqa: ANN401 - an enum's value
    return number


def _number(gid: str) -> str:
    """Show the number of a global id: the kind stands in the column's head."""
    return gid.rsplit("/", 1)[-1]


def _listed(gids: Sequence[str]) -> str:
    return ", ".join(map(_number, gids))
