"""bulkOperation, bulkOperations and currentBulkOperation: operations as they stand now."""

from collections.abc import Callable
from typing import Any

from graphql import GraphQLResolveInfo

from sandbox.shopify.bulk.operations import Operation, Status
from sandbox.shopify.connections import connection
from sandbox.shopify.context import Call
from sandbox.shopify.gids import gid, number_of
from sandbox.shopify.rows import Row, moment
from sandbox.shopify.search import read_search

VALUES: dict[str, Callable[[Any], object]] = {
    "id": lambda one: one.number,
    "operation_type": lambda one: one.kind,
    "created_at": lambda one: int(one.created_at),
}


def operation_row(operation: Operation, call: Call) -> Row:
    """Show an operation."""
    now = call.clock.now()
    status = operation.status(now)
    share = operation.share(now)
    is_done = status is Status.COMPLETED and bool(operation.content)
    has_part = status is Status.FAILED and operation.partial
    address = f"{call.base_url}shopify/{call.shop.shop}/bulk/{operation.number}.jsonl?life={operation.url_lives}"
    ended = operation.canceled_at or operation.due_at
    return {
        "__typename": "BulkOperation",
        "id": gid("BulkOperation", operation.number),
        "status": status.value,
        "type": operation.kind,
        "query": operation.query,
        "errorCode": operation.error_code if status is Status.FAILED else None,
        "objectCount": str(int(operation.objects * share)),
        "rootObjectCount": str(int(operation.roots * share)),
        "fileSize": str(len(operation.content)) if is_done else None,
        "url": address if is_done else None,
        "partialDataUrl": address if has_part else None,
        "createdAt": moment(int(operation.created_at)),
        "completedAt": moment(int(ended)) if ended is not None and share == 1.0 else None,
    }


def one(_root: object, info: GraphQLResolveInfo, id: str) -> Row | None:
    """Find an operation."""
    call: Call = info.context
    operation = call.shop.bulk.known.get(number_of(id, "BulkOperation") or 0)
    return None if operation is None else operation_row(operation, call)


def many(_root: object, info: GraphQLResolveInfo, **asked: Any) -> dict[str, Any]:  # noqa: ANN401 - arguments
    """List operations by when they were made."""
    call: Call = info.context
    known = call.shop.bulk.known
    now = call.clock.now()
    search = read_search(asked.get("query"), {**VALUES, "status": lambda one: one.status(now).value})
    call.warn(str(info.path.key), asked.get("query"), search.unknown)
    return connection(
        sorted(known),
        lambda number: operation_row(known[number], call),
        lambda number: search.holds(known[number]),
        first=asked.get("first"),
        after=asked.get("after"),
        reverse=asked.get("reverse", False),
    )


def current(_root: object, info: GraphQLResolveInfo, type: str = "QUERY") -> Row | None:
    """Find the newest operation of a kind."""
    call: Call = info.context
    found = next((one for one in call.shop.bulk.newest_first() if one.kind == type), None)
    return None if found is None else operation_row(found, call)
