"""bulkOperationRunQuery and bulkOperationCancel, and how operations of both kinds begin."""

from typing import Any

from graphql import GraphQLResolveInfo

from sandbox.faults import FaultKind, Rule
from sandbox.shopify.bulk.lines import PARENT, lines_of
from sandbox.shopify.bulk.operations import MOST_AT_ONCE, UNDER_WAY, Operation, Status
from sandbox.shopify.bulk.queries import BulkQuery, BulkQueryError, read_query
from sandbox.shopify.bulk.showing import begun_row, operation_row
from sandbox.shopify.context import Call
from sandbox.shopify.gids import gid, number_of

FATES = {
    FaultKind.BULK_FAILED: Status.FAILED,
    FaultKind.BULK_CANCELED: Status.CANCELED,
    FaultKind.BULK_EXPIRED: Status.EXPIRED,
}
CUT_BYTES = 20

Payload = dict[str, Any]

_CHILD_KEY = f'"{PARENT}":'.encode()


def run_query(_root: object, info: GraphQLResolveInfo, query: str, groupObjects: bool = False) -> Payload:  # noqa: N803 - the schema's
    """Start a query."""
    call: Call = info.context
    refusal = no_slot(call, "QUERY")
    if refusal is not None:
        return refusal
    call.unreadable = call.bad_items("bulkOperationRunQuery")
    try:
        result = _result(read_query(query, info.schema), call, query, grouped=groupObjects)
    except BulkQueryError as error:
        return refused("INVALID", str(error), ["query"])
    return begun(call, "QUERY", query, *result)


def cancel(_root: object, info: GraphQLResolveInfo, id: str) -> Payload:
    """Cancel an operation: it takes a moment, or as long as the plan says."""
    call: Call = info.context
    operation = call.shop.bulk.known.get(number_of(id, "BulkOperation") or 0)
    if operation is None:
        return {"bulkOperation": None, "userErrors": [{"field": ["id"], "message": "Bulk operation does not exist"}]}
    now = call.clock.now()
    if operation.status(now) not in UNDER_WAY:
        ended = operation.status(now).value.lower()
        message = f"A bulk operation cannot be canceled when it is {ended}"
        return {"bulkOperation": operation_row(operation, call), "userErrors": [{"field": None, "message": message}]}
    if operation.canceled_at is None:
        is_slow = call.rule is not None and call.rule.kind is FaultKind.BULK_STUCK
        operation.canceled_at = now + (call.rule.seconds if call.rule is not None and is_slow else 0.0)
    return {"bulkOperation": operation_row(operation, call), "userErrors": []}


def begun(call: Call, kind: str, query: str, content: bytes, objects: int, roots: int) -> Payload:
    """Begin an operation whose result is known already."""
    bulk, now = call.shop.bulk, call.clock.now()
    number = bulk.number()
    operation = Operation(number, kind, query, now, now + bulk.seconds, content=content, objects=objects, roots=roots)
    bulk.known[number] = operation
    if call.rule is not None:
        _doom(operation, call.rule)
    return {"bulkOperation": begun_row(operation, call), "userErrors": []}


def no_slot(call: Call, kind: str) -> Payload | None:
    """Refuse to start another operation while as many as may be are under way."""
    running = call.shop.bulk.under_way(kind, call.clock.now())
    if len(running) < MOST_AT_ONCE:
        return None
    ids = ", ".join(gid("BulkOperation", one.number) for one in running)
    message = f"A bulk {kind.lower()} operation for this app and shop is already in progress: {ids}."
    return refused("OPERATION_IN_PROGRESS", message, None)


def refused(code: str, message: str, field: list[str] | None) -> Payload:
    """Start nothing, and say why."""
    return {"bulkOperation": None, "userErrors": [{"code": code, "field": field, "message": message}]}


def _result(wanted: BulkQuery, call: Call, query: str, *, grouped: bool) -> tuple[bytes, int, int]:
    """Write a query's result, with the numbers of its lines and roots; a prepared one is written once for all names."""
    prepared = None if call.unreadable else call.shop.bulk.prepared
    asked = f"{len(call.history.writes)} {grouped} {query.partition('{')[2]}"
    if prepared is not None and asked in prepared:
        return prepared[asked]
    lines, roots = lines_of(wanted, call, grouped=grouped)
    result = b"".join(line + b"\n" for line in lines), len(lines), roots
    if prepared is not None:
        prepared[asked] = result
    return result


def _doom(operation: Operation, rule: Rule) -> None:
    """Let the plan's fault decide what becomes of an operation."""
    lines = operation.content.splitlines(keepends=True)
    half = len(lines) // 2
    match rule.kind:
        case FaultKind.BULK_FAILED | FaultKind.BULK_CANCELED | FaultKind.BULK_EXPIRED:
            operation.fate = FATES[rule.kind]
            operation.error_code = rule.code or "INTERNAL_SERVER_ERROR"
            operation.partial = rule.item == "partial"
            operation.content = b"".join(lines[:half])
            operation.objects = half
            operation.roots = sum(_CHILD_KEY not in line for line in lines[:half])
        case FaultKind.BULK_STUCK:
            operation.due_at = None
        case FaultKind.BULK_CUT_LINE:
            operation.content = operation.content[:-CUT_BYTES]
        case FaultKind.BULK_SHORT:
            operation.content = b"".join(lines[:-1])
        case FaultKind.BULK_TWICE:
            rows = [place for place, line in enumerate(lines) if _CHILD_KEY not in line]
            lines[rows[-1]] = lines[rows[0]]
            operation.content = b"".join(lines)
        case FaultKind.BULK_BAD_LINE:
            operation.content = b"".join([*lines[:half], b"<html>\n", *lines[half + 1 :]])
        case _:
            pass
