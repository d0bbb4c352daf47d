"""Every fault that the plan can do to Shopify's calls."""

import asyncio
import json
from typing import Any

import httpx
import pytest
from sandbox.faults import FaultKind
from sandbox.shopify.gids import gid

from tests.contract.sandbox.conftest import Caller, calling
from tests.contract.sandbox.test_shopify_reads import CUSTOMERS, walk
from tests.contract.sandbox.test_shopify_writes import SET, asked, entry, items, set_quantities


async def page(box: Caller, **variables: Any) -> dict[str, Any]:
    """Read a page of ten customers."""
    found: dict[str, Any] = (await box.data(CUSTOMERS, **{"first": 10, **variables}))["customers"]
    return found


def amounts(rows: list[dict[str, Any]]) -> dict[str, str]:
    """List what each variant or customer shows as its amount."""
    return {row["id"]: row["price"] if "price" in row else row["amountSpent"]["amount"] for row in rows}


async def assert_healed(box: Caller) -> None:
    """The next call is answered, and one was hit."""
    assert len((await page(box))["nodes"]) == 10
    assert box.store.calls.faulted == {"shopify customers": 1}
    assert not box.store.calls.refused


@pytest.mark.parametrize(
    ("kind", "status", "form"),
    [
        (FaultKind.HTTP_429, 429, "application/json"),
        (FaultKind.HTTP_503, 503, "text/html"),
        (FaultKind.HTML, 200, "text/html"),
        (FaultKind.TIMEOUT, 504, "text/html"),
        (FaultKind.INVALID_TOKEN, 401, "application/json"),
    ],
)
async def test_answers_that_are_none(box: Caller, kind: FaultKind, status: int, form: str) -> None:
    """Each has its status; a 429 says how long to wait, a time-out keeps silent first."""
    box.fault("shopify", "customers", kind, seconds=9.0)
    response = await box.post_shopify(CUSTOMERS, first=10)
    assert response.status_code == status
    assert response.headers["content-type"].startswith(form)
    assert response.headers.get("retry-after") == ("9.0" if kind is FaultKind.HTTP_429 else None)
    assert box.clock.elapsed == (9.0 if kind is FaultKind.TIMEOUT else 0.0)
    await assert_healed(box)


@pytest.mark.parametrize("code", ["402", "423", "430", "500", "502", "540"])
@pytest.mark.parametrize("message", ["", "Unavailable Shop"])
async def test_any_status(box: Caller, code: str, message: str) -> None:
    """HTML as a gateway answers, or JSON as the API does."""
    box.fault("shopify", "customers", FaultKind.HTTP_STATUS, code=code, message=message)
    response = await box.post_shopify(CUSTOMERS, first=10)
    assert response.status_code == int(code)
    if message:
        assert response.json() == {"errors": message}
    else:
        assert response.headers["content-type"].startswith("text/html")
    await assert_healed(box)


VARIANTS = "{ productVariants(first: 250) { nodes { id price product { id } } } }"
BUYERS = "{ customers(first: 250) { nodes { id amountSpent { amount } } } }"
BELOW = "{ products(first: 250) { nodes { id variants(first: 10) { nodes { id price } } } } }"


@pytest.mark.parametrize("prepared", [False, True])
@pytest.mark.parametrize(
    ("root", "document"), [("productVariants", VARIANTS), ("customers", BUYERS), ("products", BELOW)]
)
async def test_an_amount_that_cannot_be_read(prepared: bool, root: str, document: str) -> None:
    """One row of a page has a text for its price or for what was spent; the others, and the next page, are as they are."""

    async def shown() -> dict[str, str]:
        rows = (await box.data(document))[root]["nodes"]
        return amounts([each for row in rows for each in row["variants"]["nodes"]] if root == "products" else rows)

    async with calling(prepared=prepared) as box:
        right = await shown()
        bad = sorted(right)[3]
        for message in ("", "NaN"):
            box.fault("shopify", root, FaultKind.BAD_ITEM, item=bad, message=message)
            assert await shown() == {**right, bad: message or "unreadable"}
            assert await shown() == right


@pytest.mark.parametrize("prepared", [False, True])
async def test_an_amount_that_cannot_be_read_in_a_line(prepared: bool) -> None:
    """One line of a bulk query's result, whether it is a root or stands below one; the next result is right."""
    run = "mutation ($query: String!) { bulkOperationRunQuery(query: $query) { bulkOperation { id } } }"
    look = "query ($id: ID!) { bulkOperation(id: $id) { url } }"

    async def shown(query: str) -> dict[str, str]:
        begun = (await box.data(run, query=query))["bulkOperationRunQuery"]["bulkOperation"]
        url = (await box.data(look, id=begun["id"]))["bulkOperation"]["url"]
        lines = [json.loads(line) for line in (await box.http.get(url)).text.splitlines()]
        return amounts([line for line in lines if "price" in line or "amountSpent" in line])

    async with calling(prepared=prepared) as box:
        for query in (
            "{ productVariants { edges { node { id price } } } }",
            "{ customers { edges { node { id amountSpent { amount } } } } }",
            "{ products { edges { node { id variants { edges { node { id price } } } } } } }",
        ):
            right = await shown(query)
            bad = sorted(right)[3]
            box.fault("shopify", "bulkOperationRunQuery", FaultKind.BAD_ITEM, item=bad)
            assert await shown(query) == {**right, bad: "unreadable"}
            assert await shown(query) == right


async def test_a_call_refused_for_its_key(box: Caller) -> None:
    """A bad item that names none refuses inventorySetQuantities whole, with any code; the same key passes later."""
    item = items(box, 1)[0]
    given = asked([entry(item, 7)])
    for code in ("IDEMPOTENCY_CONCURRENT_REQUEST", "IDEMPOTENCY_PREVIOUS_ATTEMPT_FAILED"):
        box.fault("shopify", "inventorySetQuantities", FaultKind.BAD_ITEM, code=code, message="Not now.")
        payload = await set_quantities(box, given, "k")
        assert payload["inventoryAdjustmentGroup"] is None
        assert [(error["code"], error["field"]) for error in payload["userErrors"]] == [(code, None)]
    assert await box.history() == []
    assert (await set_quantities(box, given, "k"))["userErrors"] == []


@pytest.mark.parametrize("kind", [FaultKind.THROTTLED, FaultKind.LOCK])
async def test_throttled_by_the_plan(box: Caller, kind: FaultKind) -> None:
    """HTTP 200, THROTTLED and no data; it is counted as a fault, not as refused by the limit."""
    box.fault("shopify", "customers", kind)
    document = await box.shopify(CUSTOMERS, first=10)
    assert document["errors"][0]["extensions"]["code"] == "THROTTLED"
    assert "data" not in document
    assert document["extensions"]["cost"]["actualQueryCost"] is None
    await assert_healed(box)


@pytest.mark.parametrize("kind", [FaultKind.SHORT_PAGE, FaultKind.EMPTY_PAGE])
@pytest.mark.parametrize("root", ["customers", "locations"])
async def test_odd_pages_lose_no_row(box: Caller, kind: FaultKind, root: str) -> None:
    """Three in a row, at the beginning and later: each has a cursor of its own, and every row comes once."""
    query = f"query ($first: Int!, $after: String) {{ {root}(first: $first, after: $after) "
    query += "{ nodes { id } pageInfo { hasNextPage endCursor } } }"
    first = 20 if root == "customers" else 2
    whole = await walk(box, query, root, first)
    for skip in (0, 1):
        box.fault("shopify", root, kind, skip=skip, times=3)
        rows: list[dict[str, Any]] = []
        cursors: list[str | None] = [None]
        more = True
        while more:
            found = (await box.data(query, first=first, after=cursors[-1]))[root]
            rows += found["nodes"]
            more = found["pageInfo"]["hasNextPage"]
            if more:
                assert found["pageInfo"]["endCursor"] not in cursors
                cursors.append(found["pageInfo"]["endCursor"])
        assert rows == whole


async def test_a_repeated_cursor(box: Caller) -> None:
    """The page leads to itself."""
    after = (await page(box))["pageInfo"]["endCursor"]
    box.fault("shopify", "customers", FaultKind.REPEAT_CURSOR)
    assert (await page(box, after=after))["pageInfo"] == {"hasNextPage": True, "endCursor": after}


async def test_a_write_whose_answer_is_lost(box: Caller) -> None:
    """It is applied, the connection is cut; the same key tells what came of it, and writes nothing again."""
    item = items(box, 1)[0]
    given = asked([entry(item, 77)])
    box.fault("shopify", "inventorySetQuantities", FaultKind.DROP_AFTER_COMMIT)
    with pytest.raises(httpx.RemoteProtocolError):
        await box.post_shopify(SET, input=given, key="k")
    (write,) = await box.history()
    assert (write["new"], write["idempotency_key"]) == ("77", "k")
    payload = await set_quantities(box, given, "k")
    assert payload["inventoryAdjustmentGroup"]["id"]
    assert payload["userErrors"] == []
    assert await box.history() == [write]


async def test_a_held_write_is_applied_when_it_is_let_go(box: Caller) -> None:
    """Not before; another operation goes on meanwhile."""
    item = items(box, 1)[0]
    box.fault("shopify", "inventorySetQuantities", FaultKind.HOLD)
    held = asyncio.create_task(set_quantities(box, asked([entry(item, 5)])))
    await box.until_held("shopify inventorySetQuantities")
    assert len((await page(box))["nodes"]) == 10
    assert await box.history() == []
    assert not held.done()
    answer = await box.http.put("/_sandbox/faults", json={"rules": []})
    assert answer.json() == {"rules": 0}
    assert (await held)["userErrors"] == []
    assert [write["target"] for write in await box.history()] == [
        f"{gid('InventoryItem', item)} {gid('Location', 64_000_000_007)}"
    ]


async def test_a_fault_of_another_store_hits_nobody_here(box: Caller) -> None:
    """Rules name a store, or all of them."""
    box.fault("shopify", "*", FaultKind.HTTP_503, store="danang", times=-1)
    assert len((await page(box))["nodes"]) == 10
    box.fault("shopify", "*", FaultKind.HTTP_503, store="*", times=-1)
    assert (await box.post_shopify(CUSTOMERS, first=1)).status_code == 503
