"""`nhanhsync stores check`: does a store reach both of its vendors, and may it do there what it has to?"""

from collections.abc import Iterator, Sequence
from typing import Annotated

import typer
from google.protobuf.duration_pb2 import Duration

from nhanhsync.cli import words
from nhanhsync.cli.exits import Exit
from nhanhsync.cli.session import Json, plain_console, plain_table, print_json, session_of
from nhanhsync.cli.watching import end
from nhanhsync.client import Client
from nhanhsync.sync.v1 import store_check_pb2
from nhanhsync.sync.v1 import sync_worker_service_pb2 as pb

Fact = tuple[str, str]


def check_store(
    context: typer.Context,
    store: Annotated[str, typer.Argument(help="The store's id; nhanhsync stores list shows them.", metavar="STORE")],
    as_json: Json = False,
) -> None:
    """Ask both vendors what they grant a store, and hold it against the stores file.

    Ends with 3 where operations of the store would fail, and with 0 where there are warnings at most.

    Example: nhanhsync stores check hanoi
    """

    async def work(client: Client) -> pb.CheckStoreResponse:
        return await client.sync.CheckStore(pb.CheckStoreRequest(store_id=store))

    found = session_of(context).run(work)
    if as_json:
        print_json(found)
    else:
        _show(found)
    failed = store_check_pb2.CHECK_VERDICT_FAILED in (found.nhanh.verdict, found.shopify.verdict)
    end(Exit.FAILED if failed else Exit.GOOD)


def _show(found: pb.CheckStoreResponse) -> None:
    console = plain_console()
    table = plain_table("vendor", "what", "found")
    for vendor, facts in (("Nhanh", _nhanh(found.nhanh)), ("Shopify", _shopify(found.shopify))):
        for what, fact in facts:
            if fact:
                table.add_row(vendor, what, fact)
    console.print(table)
    for vendor, findings in (("Nhanh", found.nhanh.findings), ("Shopify", found.shopify.findings)):
        for finding in findings:
            console.print(f"{_verdict(finding.verdict)} {vendor} {finding.code}: {finding.message}.")


def _nhanh(check: store_check_pb2.NhanhCheck) -> Iterator[Fact]:
    yield "verdict", f"{_verdict(check.verdict)} ({_milliseconds(check.duration)})"
    if check.HasField("token_expire_time"):
        yield "token expires", f"{words.moment(check.token_expire_time)} ({check.token_days_left} days left)"
    yield "depots granted", "all" if check.all_depots_granted else ", ".join(check.granted_depot_ids)
    yield "mapped depots not granted", ", ".join(check.missing_depot_ids)
    yield "permissions", ", ".join(check.permissions)


def _shopify(check: store_check_pb2.ShopifyCheck) -> Iterator[Fact]:
    yield "verdict", f"{_verdict(check.verdict)} ({_milliseconds(check.duration)})"
    yield "shop", f"{check.shop_name} ({check.currency_code})" if check.currency_code else ""
    served, asked = check.api_version_served, check.api_version_asked
    yield "API version", f"{served}, asked for {asked}" if served and served != asked else asked
    yield "scopes granted", ", ".join(check.granted_scopes)
    yield "scopes missing", ", ".join(check.missing_scopes)
    yield "mapped locations unknown", _numbers(check.unknown_location_ids)
    yield "mapped locations switched off", _numbers(check.inactive_location_ids)
    if check.HasField("points_maximum"):
        rate = f"{check.points_restored_per_second:,.0f} a second"
        yield "points", f"{check.points_available:,.0f} of {check.points_maximum:,.0f}, {rate}"
    if check.token_kind == store_check_pb2.SHOPIFY_TOKEN_KIND_STATIC:
        yield "token", "static"
    elif check.token_kind:
        yield "token", f"granted, expires {words.moment(check.token_expire_time)}"


def _verdict(number: store_check_pb2.CheckVerdict.ValueType) -> str:
    return store_check_pb2.CheckVerdict.Name(number).removeprefix("CHECK_VERDICT_")


def _milliseconds(duration: Duration) -> str:
    return f"{duration.ToMicroseconds() / 1_000:,.0f} ms"


def _numbers(gids: Sequence[str]) -> str:
    return ", ".join(gid.rsplit("/", 1)[-1] for gid in gids)
