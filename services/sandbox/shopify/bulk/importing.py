"""stagedUploadsCreate and bulkOperationRunMutation: a mutation that is run once for each line of an uploaded file.

https://shopify.dev/docs/api/usage/bulk-operations/imports
"""

from random import Random
from typing import TYPE_CHECKING, Any

import orjson
from graphql import (
    FieldNode,
    GraphQLResolveInfo,
    GraphQLSchema,
    OperationType,
    TypeInfo,
    TypeInfoVisitor,
    Visitor,
    get_named_type,
    visit,
)

from sandbox.shopify.arrays import array_refusal
from sandbox.shopify.bulk.starting import Payload, begun, no_slot, refused
from sandbox.shopify.context import Call
from sandbox.shopify.cost import Costing
from sandbox.shopify.selections import fields_of

if TYPE_CHECKING:
    from sandbox.shopify.schema import Checked

LARGEST_FILE = 100 * 1024**2
IDENTIFIER_LENGTHS = range(10, 256)
MOST_CONNECTIONS = 1
BULK_MUTATIONS = frozenset({"bulkOperationRunQuery", "bulkOperationRunMutation", "bulkOperationCancel"})
UPLOAD_PARAMETERS = {"success_action_status": "201", "acl": "private", "x-goog-algorithm": "GOOG4-RSA-SHA256"}


def stage_uploads(_root: object, info: GraphQLResolveInfo, input: list[dict[str, Any]]) -> Payload:
    """Promise places for files."""
    call: Call = info.context
    asked_for = {("BULK_MUTATION_VARIABLES", "text/jsonl", "POST")}
    if {(each["resource"], each["mimeType"], each["httpMethod"]) for each in input} != asked_for:
        message = "The sandbox takes BULK_MUTATION_VARIABLES of the type text/jsonl by POST only."
        return {"stagedTargets": None, "userErrors": [{"field": ["input"], "message": message}]}
    bulk = call.shop.bulk
    url = f"{call.base_url}shopify/{call.shop.shop}/bulk/uploads"
    targets = []
    for asked in input:
        path = f"tmp/{call.shop.shop}/bulk/{bulk.number()}/{asked['filename']}"
        bulk.promised[path] = {"Content-Type": asked["mimeType"], "key": path, **UPLOAD_PARAMETERS}
        parameters = [{"name": name, "value": value} for name, value in bulk.promised[path].items()]
        targets.append({"url": url, "resourceUrl": f"{url}/{path}", "parameters": parameters})
    return {"stagedTargets": targets, "userErrors": []}


def run_mutation(
    _root: object,
    info: GraphQLResolveInfo,
    mutation: str,
    stagedUploadPath: str,  # noqa: N803 - the schema's name
    clientIdentifier: str | None = None,  # noqa: N803 - the schema's name
    groupObjects: bool = True,  # noqa: N803 - deprecated, and without effect
) -> Payload:
    """Run a mutation once for each line of an uploaded file, in another order than that of the lines.

    All is written at once, however long the operation is said to take.
    """
    from sandbox.shopify.schema import checked  # it knows this resolver

    call: Call = info.context
    refusal = no_slot(call, "MUTATION")
    if refusal is not None:
        return refusal
    if clientIdentifier is not None and len(clientIdentifier) not in IDENTIFIER_LENGTHS:
        return refused("INVALID_MUTATION", "Client identifier must have 10 to 255 characters.", ["clientIdentifier"])
    found = checked(mutation)
    reason = _why_not(found, info.schema)
    if reason is not None:
        return refused("INVALID_MUTATION", f"Invalid bulk mutation: {reason}", ["mutation"])
    uploaded = call.shop.bulk.uploads.get(stagedUploadPath)
    if uploaded is None:
        return refused("NO_SUCH_FILE", "The JSONL file could not be found.", ["stagedUploadPath"])
    if not uploaded.strip() or len(uploaded) > LARGEST_FILE:
        return refused("INVALID_STAGED_UPLOAD_FILE", "The file is empty or larger than 100 MB.", ["stagedUploadPath"])
    lines = list(enumerate(uploaded.splitlines()))
    Random(len(lines)).shuffle(lines)  # noqa: S311 - no secret
    content = b"".join(
        orjson.dumps({**_run_line(found, line, call, info.schema), "__lineNumber": number}) + b"\n"
        for number, line in lines
    )
    return begun(call, "MUTATION", mutation, content, len(lines), len(lines))


def _run_line(found: "Checked", line: bytes, call: Call, schema: GraphQLSchema) -> dict[str, Any]:
    """Run the mutation with one line's variables."""
    from sandbox.shopify.execution import carry_out  # it knows the schema, which knows run_mutation

    try:
        variables = orjson.loads(line)
    except orjson.JSONDecodeError:
        variables = None
    if not isinstance(variables, dict) or found.document is None or found.operation is None:
        return {"errors": [{"message": "The line is not a JSON object."}]}
    refusal = array_refusal(Costing(schema, found.fragments, found.operation, variables).arguments())
    if refusal is not None:
        return {"errors": [refusal]}
    result = carry_out(found.document, variables, call)
    return {"errors": [error.formatted for error in result.errors]} if result.errors else {"data": result.data}


def _why_not(found: "Checked", schema: GraphQLSchema) -> str | None:
    """Tell why a document cannot be run for each line; None: it can."""
    if found.operation is None or found.document is None:
        return found.errors[0].message
    names = [each.name.value for each in fields_of(found.operation.selection_set, found.fragments)]
    if found.operation.operation is not OperationType.MUTATION or len(names) != 1:
        return "it must be one mutation"
    if names[0] in BULK_MUTATIONS:
        return f"{names[0]} cannot be run in bulk"
    counter = _ConnectionCounter(TypeInfo(schema))
    visit(found.document, TypeInfoVisitor(counter.types, counter))
    return f"it has more than {MOST_CONNECTIONS} connection" if counter.number > MOST_CONNECTIONS else None


class _ConnectionCounter(Visitor):
    """Counts the connections of a document."""

    def __init__(self, types: TypeInfo) -> None:
        super().__init__()
        self.types = types
        self.number = 0

    def enter_field(self, _field: FieldNode, *_rest: object) -> None:
        """Look at one field."""
        kind = get_named_type(self.types.get_type())
        self.number += kind is not None and kind.name.endswith("Connection")
