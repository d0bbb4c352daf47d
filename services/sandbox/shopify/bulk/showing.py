"""bulkOperation, bulkOperations and currentBulkOperation: operations as they stand now."""

from collections.abc import Callable
from typing import Any

from graphql import GraphQLResolveInfo

from sandbox.shopify.bulk.operations import Operation, Status
from sandbox.shopify.connections import Place, connection
from sandbox.shopify.context import Call
from sandbox.shopify.gids import gid, number_of
from sandbox.shopify.rows import Row, moment
from sandbox.shopify.search import read_search

VALUES: dict[str, Callable[[Any], object]] = {
    "id": lambda one: one.number,
    "operation_type": lambda one: one.kind,
    "created_at": lambda one: int(one.created_at),
}
NOT_ENDED = 2**62
"""Sorts behind every time."""


def operation_row(operation: Operation, call: Call) -> Row:
    """Show an operation."""
    now = call.clock.now()
    status = operation.status(now)
    share = operation.share(now)
    ended_at = operation.ended_at(now)
    has_file, is_completed = operation.has_file(now), status is Status.COMPLETED
    address = f"{call.base_url}shopify/{call.shop.shop}/bulk/{operation.number}.jsonl?life={operation.url_lives}"
    return {
        "__typename": "BulkOperation",
        "id": gid("BulkOperation", operation.number),
        "status": status.value,
        "type": operation.kind,
        "query": operation.query,
        "errorCode": operation.error_code if status is Status.FAILED else None,
        "objectCount": str(int(operation.objects * share)),
        "rootObjectCount": str(int(operation.roots * share)),
        "fileSize": str(len(operation.content)) if has_file and is_completed else None,
        "url": address if has_file and is_completed else None,
        "partialDataUrl": address if has_file and not is_completed else None,
        "createdAt": moment(int(operation.created_at)),
        "completedAt": None if ended_at is None else moment(int(ended_at)),
    }


def begun_row(operation: Operation, call: Call) -> Row:
    """Show an operation to whoever has just started it: nothing is done, however quick it will be."""
    nothing = dict.fromkeys(("errorCode", "fileSize", "url", "partialDataUrl", "completedAt"))
    counts = {"objectCount": "0", "rootObjectCount": "0"}
    return {**operation_row(operation, call), "status": Status.CREATED.value, **counts, **nothing}


def found_row(call: Call, text: str) -> Row | None:
    """Show the operation that a global id names; None: there is no such thing."""
    operation = call.shop.bulk.known.get(number_of(text, "BulkOperation") or 0)
    return None if operation is None else operation_row(operation, call)


def one(_root: object, info: GraphQLResolveInfo, id: str) -> Row | None:
    """Find an operation."""
    return found_row(info.context, id)


def many(_root: object, info: GraphQLResolveInfo, **asked: Any) -> dict[str, Any]:  # noqa: ANN401 - arguments
    """List operations by when they were made or when they ended, those that have not ended behind the others."""
    call: Call = info.context
    known, now = call.shop.bulk.known, call.clock.now()
    search = read_search(asked.get("query"), {**VALUES, "status": lambda one: one.status(now).value})
    call.warn(str(info.path.key), asked.get("query"), search.unknown)
    by_end = asked.get("sortKey") == "COMPLETED_AT"

    def place_of(number: int) -> Place:
        ended_at = known[number].ended_at(now) if by_end else 0
        return NOT_ENDED if ended_at is None else int(ended_at), number

    return connection(
        sorted(known, key=place_of),
        lambda number: operation_row(known[number], call),
        lambda number: search.holds(known[number]),
        place_of=place_of,
        first=asked.get("first"),
        after=asked.get("after"),
        reverse=asked.get("reverse", False),
    )


def current(_root: object, info: GraphQLResolveInfo, type: str = "QUERY") -> Row | None:
    """Find the newest operation of a kind."""
    call: Call = info.context
    found = next((one for one in call.shop.bulk.newest_first() if one.kind == type), None)
    return None if found is None else operation_row(found, call)
