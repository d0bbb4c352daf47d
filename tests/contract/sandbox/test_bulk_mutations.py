"""Bulk mutations: uploads, what may be run, and what comes of each line."""

from typing import Any

import pytest
from sandbox.faults import FaultKind
from sandbox.shopify.bulk import importing
from sandbox.shopify.gids import gid

from tests.contract.sandbox.bulk_calls import (
    IMPORT,
    RUN,
    STAGE,
    VARIABLES,
    VARIANTS,
    look,
    parameters_of,
    results,
    run_lines,
    stage,
    upload,
)
from tests.contract.sandbox.conftest import Caller, calling
from tests.contract.sandbox.test_shopify_writes import SET, asked, entry, items

SPENT = """mutation ($metafields: [MetafieldsSetInput!]!) {
  metafieldsSet(metafields: $metafields) { metafields { value } userErrors { code message elementIndex } }
}"""
FormField = tuple[str, tuple[str | None, str | bytes]]
LINE = b'{"metafields": []}\n'


def spent(customer: int, value: object) -> dict[str, Any]:
    """Variables that set one customer's metafield."""
    one = {"ownerId": gid("Customer", customer), "namespace": "custom", "key": "total_spent"}
    return {"metafields": [{**one, "type": "number_decimal", "value": str(value)}]}


def refusal(payload: dict[str, Any]) -> tuple[str, list[str] | None]:
    """What a refused start says; nothing is started."""
    assert payload["bulkOperation"] is None
    (error,) = payload["userErrors"]
    assert error["message"]
    return error["code"], error["field"]


async def test_each_line_is_run_and_has_its_result(box: Caller) -> None:
    """In another order than they were written in: the number of the line, from 0, says which it was."""
    customers = box.store.shop.customers.ids
    lines = [spent(one, number) for number, one in enumerate(customers)]
    found = await results(box, await run_lines(box, SPENT, lines))
    order = [row["__lineNumber"] for row in found]
    assert sorted(order) == list(range(len(customers))) != order
    for row in found:
        number = row["__lineNumber"]
        payload = {"metafields": [{"value": str(number)}], "userErrors": []}
        assert row == {"data": {"metafieldsSet": payload}, "__lineNumber": number}
    written = {write["target"]: write["new"] for write in await box.history()}
    assert list(written.values()) == [str(number) for number in order]
    assert all(target.startswith(gid("Customer", customers[int(new)])) for target, new in written.items())


async def test_lines_that_go_wrong_are_told_apart(box: Caller) -> None:
    """Refusals of a line stand in its data; a line that cannot be run has errors; the others are written."""
    customer = box.store.shop.customers.ids[0]
    long = {"metafields": spent(customer, 1)["metafields"] * 251}
    lines = [spent(customer, 5), spent(1, 5), {"metafields": "?"}, b"no JSON", b"[1]", b"", long]
    payload = await run_lines(box, SPENT, lines)
    found = {row.pop("__lineNumber"): row for row in await results(box, payload)}
    assert len(found) == len(lines)
    assert found[0]["data"]["metafieldsSet"]["metafields"] == [{"value": "5"}]
    assert found[1]["data"]["metafieldsSet"]["userErrors"][0]["elementIndex"] == 0
    for number in (2, 3, 4, 5, 6):
        assert found[number].keys() == {"errors"}
        assert found[number]["errors"][0]["message"]
    assert found[6]["errors"][0]["extensions"]["code"] == "MAX_INPUT_SIZE_EXCEEDED"
    assert [write["new"] for write in await box.history()] == ["5"]


async def test_keys_and_refused_items_hold_for_lines_too(box: Caller) -> None:
    """A line's own idempotency key, and the plan's bad items of the mutation that is run."""
    good, bad = items(box, 2)
    box.fault(
        "shopify",
        "inventorySetQuantities",
        FaultKind.BAD_ITEM,
        item=gid("InventoryItem", bad),
        code="INVALID_INVENTORY_ITEM",
        times=-1,
    )
    lines = [{"input": asked([entry(item, 41)]), "key": f"key {item}"} for item in (good, bad)]
    found = {row["__lineNumber"]: row["data"] for row in await results(box, await run_lines(box, SET, lines))}
    assert found[0]["inventorySetQuantities"]["userErrors"] == []
    assert found[1]["inventorySetQuantities"]["userErrors"] != []
    (write,) = await box.history()
    assert (write["new"], write["idempotency_key"]) == ("41", f"key {good}")


async def test_a_staged_upload(box: Caller) -> None:
    """It costs 11 points; every parameter is needed as it was given, and the file stands last."""
    document = await box.shopify(STAGE, input=[VARIABLES])
    assert document["extensions"]["cost"]["actualQueryCost"] == 11
    target = await stage(box)
    given = parameters_of(target)
    assert target["resourceUrl"].endswith(given["key"])
    file: FormField = ("file", ("v.jsonl", LINE))
    fields: list[FormField] = [(name, (None, value)) for name, value in given.items()]
    wrong: list[list[FormField]] = [
        [file, *fields],
        [*fields[1:], file],
        [*fields[:-1], file],
        [*fields[:-1], (fields[-1][0], (None, "another")), file],
        [*fields, ("more", (None, "x")), file],
        fields,
    ]
    for files in wrong:
        assert (await box.http.post(target["url"], files=files)).status_code == 403
    assert (await box.http.post(target["url"], content=LINE)).status_code == 403
    assert box.store.shop.bulk.uploads == {}
    content = '{"a": "đ\u2028"}\r\n\r\n{}'.encode()
    assert (await box.http.post(target["url"], files=[*fields, ("file", ("v", content))])).status_code == 201
    assert box.store.shop.bulk.uploads == {given["key"]: content}


@pytest.mark.parametrize("change", [{"httpMethod": "PUT"}, {"mimeType": "text/csv"}, {"resource": "FILE"}])
async def test_places_for_other_files_are_not_given(box: Caller, change: dict[str, str]) -> None:
    """The sandbox says so; by PUT is what is asked for where nothing is said."""
    payload = (await box.data(STAGE, input=[{**VARIABLES, **change}]))["stagedUploadsCreate"]
    assert payload["stagedTargets"] is None
    assert payload["userErrors"][0]["field"] == ["input"]


@pytest.mark.parametrize(
    "mutation",
    [
        "mutation ($id: ID!) { bulkOperationCancel(id: $id) { userErrors { message } } }",
        'mutation { bulkOperationRunQuery(query: "{x}") { userErrors { message } } }',
        "query { shop { name } }",
        "mutation ($m: [MetafieldsSetInput!]!) { metafieldsSet(metafields: $m) { shoeSize } }",
        "mutation {",
        "mutation ($m: [MetafieldsSetInput!]!) { a: metafieldsSet(metafields: $m) { userErrors { message } } "
        "b: metafieldsSet(metafields: $m) { userErrors { message } } }",
        "mutation ($m: [MetafieldsSetInput!]!) { ...f } fragment f on Mutation "
        "{ bulkOperationCancel(id: 1) { userErrors { message } } }",
        "mutation ($p: ID!, $v: [ProductVariantsBulkInput!]!) { productVariantsBulkUpdate(productId: $p, variants: $v) "
        "{ product { variants(first: 1) { nodes { id } } more: variants(first: 1) { nodes { id } } } } }",
    ],
)
async def test_what_cannot_be_run_for_each_line(box: Caller, mutation: str) -> None:
    """Mutations of bulk operations themselves, several at once, two lists, and what is none."""
    path = await upload(box, LINE)
    payload = (await box.data(IMPORT, mutation=mutation, staged=path))["bulkOperationRunMutation"]
    assert refusal(payload) == ("INVALID_MUTATION", ["mutation"])
    assert box.store.shop.bulk.known == {}


async def test_files_that_cannot_be_run(box: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that is not there, or promised and never came; empty ones; one that is too large."""
    unsent = parameters_of(await stage(box))["key"]
    for path in (unsent, "tmp/another"):
        payload = (await box.data(IMPORT, mutation=SPENT, staged=path))["bulkOperationRunMutation"]
        assert refusal(payload) == ("NO_SUCH_FILE", ["stagedUploadPath"])
    monkeypatch.setattr(importing, "LARGEST_FILE", len(LINE) - 1)
    for content in (b"", b"\n\n", LINE):
        path = await upload(box, content)
        payload = (await box.data(IMPORT, mutation=SPENT, staged=path))["bulkOperationRunMutation"]
        assert refusal(payload) == ("INVALID_STAGED_UPLOAD_FILE", ["stagedUploadPath"])
    assert len(LINE) - 1 == importing.LARGEST_FILE
    monkeypatch.undo()
    assert importing.LARGEST_FILE == 100 * 1024 * 1024


@pytest.mark.parametrize(("length", "is_right"), [(9, False), (10, True), (255, True), (256, False)])
async def test_how_long_a_client_identifier_is(box: Caller, length: int, is_right: bool) -> None:
    """From 10 to 255 characters."""
    payload = await run_lines(box, SPENT, [spent(1, 1)], client="x" * length)
    assert (payload["bulkOperation"] is not None) == is_right
    if not is_right:
        assert refusal(payload) == ("INVALID_MUTATION", ["clientIdentifier"])


async def test_five_mutations_at_a_time() -> None:
    """Beside as many queries."""
    async with calling(bulk_seconds=100.0) as box:
        customer = box.store.shop.customers.ids[0]
        begun = [(await run_lines(box, SPENT, [spent(customer, n)]))["bulkOperation"]["id"] for n in range(5)]
        payload = await run_lines(box, SPENT, [spent(customer, 9)])
        assert refusal(payload) == ("OPERATION_IN_PROGRESS", None)
        assert all(one in payload["userErrors"][0]["message"] for one in begun)
        assert (await box.data(RUN, query=VARIANTS))["bulkOperationRunQuery"]["userErrors"] == []
        assert [write["new"] for write in await box.history()] == ["0", "1", "2", "3", "4"]
        current = await box.data("{ currentBulkOperation(type: MUTATION) { id type } }")
        assert current == {"currentBulkOperation": {"id": begun[-1], "type": "MUTATION"}}


async def test_a_mutation_that_fails_halfway_has_written(box: Caller) -> None:
    """What is left tells of half of the lines; all were written."""
    customers = box.store.shop.customers.ids[:6]
    box.fault("shopify", "bulkOperationRunMutation", FaultKind.BULK_FAILED, code="TIMEOUT", item="partial")
    payload = await run_lines(box, SPENT, [spent(one, 1) for one in customers])
    found = await look(box, payload["bulkOperation"])
    assert (found["status"], found["errorCode"], found["objectCount"]) == ("FAILED", "TIMEOUT", "3")
    assert len((await box.http.get(found["partialDataUrl"])).content.splitlines()) == 3
    assert len(await box.history()) == 6
