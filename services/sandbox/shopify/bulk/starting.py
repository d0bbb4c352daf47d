"""bulkOperationRunQuery, bulkOperationRunMutation, bulkOperationCancel and stagedUploadsCreate."""

from random import Random
from typing import Any

import orjson
from graphql import GraphQLError, GraphQLResolveInfo, OperationDefinitionNode, OperationType, parse, validate

from sandbox.faults import FaultKind, Rule
from sandbox.shopify.bulk.lines import BulkQuery, BulkQueryError, lines_of, read_query
from sandbox.shopify.bulk.operations import MOST_AT_ONCE, UNDER_WAY, Operation, Status
from sandbox.shopify.bulk.showing import operation_row
from sandbox.shopify.context import Call
from sandbox.shopify.gids import gid, number_of

LARGEST_UPLOAD = 100 * 1024**2
IDENTIFIER_LENGTHS = range(10, 256)
BULK_MUTATIONS = frozenset({"bulkOperationRunQuery", "bulkOperationRunMutation", "bulkOperationCancel"})
FATES = {
    FaultKind.BULK_FAILED: Status.FAILED,
    FaultKind.BULK_CANCELED: Status.CANCELED,
    FaultKind.BULK_EXPIRED: Status.EXPIRED,
}

Payload = dict[str, Any]


def run_query(_root: object, info: GraphQLResolveInfo, query: str, groupObjects: bool = False) -> Payload:  # noqa: N803 - the schema's
    """Start a query."""
    call: Call = info.context
    refusal = _no_slot(call, "QUERY")
    if refusal is not None:
        return refusal
    try:
        wanted = read_query(query, info.schema)
    except (BulkQueryError, GraphQLError) as error:
        return _refused("INVALID", str(error), ["query"])
    call.unreadable = call.bad_items("bulkOperationRunQuery")
    operation = _begun(call, "QUERY", query, *_result(wanted, call, query, grouped=groupObjects))
    _doom(operation, call.rule)
    return {"bulkOperation": operation_row(operation, call), "userErrors": []}


def run_mutation(
    _root: object,
    info: GraphQLResolveInfo,
    mutation: str,
    stagedUploadPath: str,  # noqa: N803 - the schema's name
    clientIdentifier: str | None = None,  # noqa: N803 - the schema's name
    groupObjects: bool = True,  # noqa: N803 - the schema's
) -> Payload:
    """Run a mutation once for each line of an uploaded file."""
    from sandbox.shopify.execution import carry_out  # it knows the schema, which knows this resolver

    call: Call = info.context
    refusal = _no_slot(call, "MUTATION")
    if refusal is not None:
        return refusal
    if clientIdentifier is not None and len(clientIdentifier) not in IDENTIFIER_LENGTHS:
        return _refused("INVALID_MUTATION", "Client identifier must have 10 to 255 characters.", ["clientIdentifier"])
    try:
        document = parse(mutation)
        faults = validate(info.schema, document)
        operation = document.definitions[0]
    except GraphQLError as error:
        faults, operation = [error], None
    if faults or not _is_mutation(operation):
        reason = faults[0].message if faults else "it must be one mutation, and none of bulk operations"
        return _refused("INVALID_MUTATION", f"Invalid bulk mutation: {reason}", ["mutation"])
    uploaded = call.shop.bulk.uploads.get(stagedUploadPath)
    if uploaded is None:
        return _refused("NO_SUCH_FILE", "The JSONL file could not be found.", ["stagedUploadPath"])
    if not uploaded.strip() or len(uploaded) > LARGEST_UPLOAD:
        return _refused("INVALID_STAGED_UPLOAD_FILE", "The file is empty or larger than 100 MB.", ["stagedUploadPath"])
    given = list(enumerate(uploaded.splitlines()))
    Random(len(given)).shuffle(given)  # noqa: S311 - lines run in no order, and this is no secret
    results = []
    for number, line in given:
        try:
            variables = orjson.loads(line)
            found = carry_out(document, variables, call)
            result: Payload = {"data": found.data}
            if found.errors:
                result = {"errors": [error.formatted for error in found.errors]}
        except (orjson.JSONDecodeError, TypeError):
            result = {"errors": [{"message": "The line is not a JSON object."}]}
        results.append(orjson.dumps({**result, "__lineNumber": number}))
    content = b"".join(line + b"\n" for line in results)
    begun = _begun(call, "MUTATION", mutation, content, len(results), len(results))
    _doom(begun, call.rule)
    return {"bulkOperation": operation_row(begun, call), "userErrors": []}


def cancel(_root: object, info: GraphQLResolveInfo, id: str) -> Payload:
    """Cancel an operation: it takes a moment."""
    call: Call = info.context
    operation = call.shop.bulk.known.get(number_of(id, "BulkOperation") or 0)
    if operation is None:
        return {"bulkOperation": None, "userErrors": [{"field": ["id"], "message": "Bulk operation does not exist."}]}
    now = call.clock.now()
    if operation.status(now) not in UNDER_WAY:
        message = "A bulk operation cannot be canceled when it is not running."
        return {
            "bulkOperation": operation_row(operation, call),
            "userErrors": [{"field": None, "message": message}],
        }
    operation.canceled_at = now
    return {"bulkOperation": operation_row(operation, call), "userErrors": []}


def stage_uploads(_root: object, info: GraphQLResolveInfo, input: list[dict[str, Any]]) -> Payload:
    """Promise places for files."""
    call: Call = info.context
    targets = []
    for asked in input:
        if asked["resource"] != "BULK_MUTATION_VARIABLES":
            error = {"field": ["input", "resource"], "message": "The sandbox takes variables of bulk mutations only."}
            return {"stagedTargets": None, "userErrors": [error]}
        path = f"tmp/{call.shop.shop}/bulk/{call.shop.bulk.number()}/{asked['filename']}"
        call.shop.bulk.promised.add(path)
        url = f"{call.base_url}shopify/{call.shop.shop}/bulk/uploads"
        parameters = [{"name": "key", "value": path}, {"name": "Content-Type", "value": asked["mimeType"]}]
        targets.append({"url": url, "resourceUrl": None, "parameters": parameters})
    return {"stagedTargets": targets, "userErrors": []}


def _result(wanted: BulkQuery, call: Call, query: str, *, grouped: bool) -> tuple[bytes, int, int]:
    """Write a query's result, with the numbers of its lines and roots; a prepared one is written once."""
    prepared = None if call.unreadable else call.shop.bulk.prepared
    asked = f"{grouped} {query.partition('{')[2]}"
    if prepared is not None and asked in prepared:
        return prepared[asked]
    lines, roots = lines_of(wanted, call, grouped=grouped)
    result = b"".join(line + b"\n" for line in lines), len(lines), roots
    if prepared is not None:
        prepared[asked] = result
    return result


def _begun(call: Call, kind: str, query: str, content: bytes, objects: int, roots: int) -> Operation:
    bulk, now = call.shop.bulk, call.clock.now()
    number = bulk.number()
    operation = Operation(number, kind, query, now, now + bulk.seconds, content=content, objects=objects, roots=roots)
    bulk.known[number] = operation
    return operation


def _doom(operation: Operation, rule: Rule | None) -> None:
    """Let the plan's fault decide what becomes of an operation."""
    kind = None if rule is None else rule.kind
    if rule is None or kind is None:
        return
    if kind in FATES:
        operation.fate = FATES[kind]
        operation.error_code = (rule.code or "INTERNAL_SERVER_ERROR") if kind is FaultKind.BULK_FAILED else None
        operation.partial = rule.item == "partial"
        lines = operation.content.splitlines(keepends=True)
        operation.content = b"".join(lines[: len(lines) // 2])
    elif kind is FaultKind.BULK_STUCK:
        operation.due_at = None
    elif kind is FaultKind.BULK_CUT_LINE:
        operation.content = operation.content[:-20]
    elif kind is FaultKind.BULK_SHORT:
        operation.content = b"".join(operation.content.splitlines(keepends=True)[:-1])
    elif kind is FaultKind.BULK_BAD_LINE:
        lines = operation.content.splitlines(keepends=True)
        operation.content = b"".join([*lines[: len(lines) // 2], b"<html>\n", *lines[len(lines) // 2 + 1 :]])


def _no_slot(call: Call, kind: str) -> Payload | None:
    running = call.shop.bulk.under_way(kind, call.clock.now())
    if len(running) < MOST_AT_ONCE:
        return None
    ids = ", ".join(gid("BulkOperation", one.number) for one in running)
    return _refused(
        "OPERATION_IN_PROGRESS",
        f"A bulk {kind.lower()} operation for this app and shop is already in progress: {ids}.",
        None,
    )


def _refused(code: str, message: str, field: list[str] | None) -> Payload:
    return {"bulkOperation": None, "userErrors": [{"code": code, "field": field, "message": message}]}


def _is_mutation(operation: object) -> bool:
    if not isinstance(operation, OperationDefinitionNode) or operation.operation is not OperationType.MUTATION:
        return False
    names = [getattr(getattr(each, "name", None), "value", "") for each in operation.selection_set.selections]
    return len(names) == 1 and names[0] not in BULK_MUTATIONS
