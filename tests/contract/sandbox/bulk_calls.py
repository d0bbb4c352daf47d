"""Calls about bulk operations, as an app makes them."""

from typing import Any

import orjson

from tests.contract.sandbox.conftest import Caller

SHOWN = "id status type query errorCode objectCount rootObjectCount fileSize url partialDataUrl createdAt completedAt"
RUN = f"""mutation ($query: String!, $grouped: Boolean! = false) {{
  bulkOperationRunQuery(query: $query, groupObjects: $grouped) {{
    bulkOperation {{ {SHOWN} }} userErrors {{ code field message }}
  }}
}}"""
LOOK = f"query ($id: ID!) {{ bulkOperation(id: $id) {{ {SHOWN} }} }}"
CANCEL = """mutation ($id: ID!) {
  bulkOperationCancel(id: $id) { bulkOperation { id status } userErrors { field message } }
}"""
STAGE = """mutation ($input: [StagedUploadInput!]!) {
  stagedUploadsCreate(input: $input) {
    stagedTargets { url resourceUrl parameters { name value } } userErrors { field message }
  }
}"""
IMPORT = f"""mutation ($mutation: String!, $staged: String!, $client: String) {{
  bulkOperationRunMutation(mutation: $mutation, stagedUploadPath: $staged, clientIdentifier: $client) {{
    bulkOperation {{ {SHOWN} }} userErrors {{ code field message }}
  }}
}}"""
VARIABLES = {
    "resource": "BULK_MUTATION_VARIABLES",
    "filename": "variables.jsonl",
    "mimeType": "text/jsonl",
    "httpMethod": "POST",
}
VARIANTS = "{ productVariants { edges { node { id sku } } } }"


async def run(box: Caller, query: str = VARIANTS, *, grouped: bool = False) -> dict[str, Any]:
    """Start a query that nothing is wrong with."""
    payload = (await box.data(RUN, query=query, grouped=grouped))["bulkOperationRunQuery"]
    assert payload["userErrors"] == []
    found: dict[str, Any] = payload["bulkOperation"]
    return found


async def look(box: Caller, begun: dict[str, Any]) -> dict[str, Any]:
    """Look an operation up."""
    found: dict[str, Any] = (await box.data(LOOK, id=begun["id"]))["bulkOperation"]
    return found


async def finished(box: Caller, query: str = VARIANTS, *, grouped: bool = False) -> dict[str, Any]:
    """Start a query, and look it up when it is done."""
    return await look(box, await run(box, query, grouped=grouped))


async def rows(box: Caller, query: str = VARIANTS, *, grouped: bool = False) -> list[dict[str, Any]]:
    """Run a query, and read its whole result."""
    found = await finished(box, query, grouped=grouped)
    assert found["status"] == "COMPLETED"
    response = await box.http.get(found["url"])
    assert (response.status_code, response.headers["content-type"]) == (200, "application/jsonl")
    assert found["fileSize"] == str(len(response.content))
    read = [orjson.loads(line) for line in response.content.splitlines()]
    assert found["objectCount"] == str(len(read))
    assert found["rootObjectCount"] == str(sum("__parentId" not in row for row in read))
    return read


async def stage(box: Caller) -> dict[str, Any]:
    """Ask for a place for variables."""
    payload = (await box.data(STAGE, input=[VARIABLES]))["stagedUploadsCreate"]
    assert payload["userErrors"] == []
    (target,) = payload["stagedTargets"]
    found: dict[str, Any] = target
    return found


def parameters_of(target: dict[str, Any]) -> dict[str, str]:
    """What an upload to this place has to name."""
    return {each["name"]: each["value"] for each in target["parameters"]}


async def upload(box: Caller, content: bytes) -> str:
    """Upload variables; where they lie."""
    target = await stage(box)
    parameters = parameters_of(target)
    response = await box.http.post(target["url"], data=parameters, files={"file": ("variables.jsonl", content)})
    assert response.status_code == 201
    return parameters["key"]


async def run_lines(box: Caller, mutation: str, lines: list[Any], **more: Any) -> dict[str, Any]:
    """Upload variables and run a mutation with each; what is answered."""
    content = b"".join((line if isinstance(line, bytes) else orjson.dumps(line)) + b"\n" for line in lines)
    path = await upload(box, content)
    found: dict[str, Any] = (await box.data(IMPORT, mutation=mutation, staged=path, **more))["bulkOperationRunMutation"]
    return found


async def results(box: Caller, payload: dict[str, Any]) -> list[dict[str, Any]]:
    """Read the lines of a mutation's result as they stand there."""
    assert payload["userErrors"] == []
    found = await look(box, payload["bulkOperation"])
    assert (found["status"], found["type"]) == ("COMPLETED", "MUTATION")
    content = (await box.http.get(found["url"])).content
    read = [orjson.loads(line) for line in content.splitlines()]
    assert found["objectCount"] == str(len(read))
    return read
