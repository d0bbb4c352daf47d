"""What the endpoint adds to an answer, and that no request makes it fail."""

from dataclasses import replace

import pytest
from sandbox.faults import FaultKind
from sandbox.shopify.connections import cursor_of
from sandbox.shopify.gids import gid

from tests.unit.sandbox.shopify.conftest import PATH, ShopCaller

PAGE = "query ($first: Int) { customers(first: $first) { nodes { id } } }"


async def test_what_the_api_says_has_a_request_id(caller: ShopCaller) -> None:
    """Refusals too, each one of its own; what a gateway says in HTML has none."""
    headers = {"X-Shopify-Access-Token": caller.shop.access_token}
    answers = [
        await caller.post(PAGE, first=1),
        await caller.post(PAGE, token="another"),
        await caller.http.post(PATH, headers=headers, content=b"{"),
    ]
    caller.fault("*", FaultKind.HTTP_429)
    answers.append(await caller.post(PAGE, first=1))
    assert [answer.status_code for answer in answers] == [200, 401, 400, 429]
    assert len({answer.headers["x-request-id"] for answer in answers}) == 4
    assert {answer.headers["x-shopify-api-version"] for answer in answers} == {"2026-07"}
    caller.fault("*", FaultKind.HTTP_503)
    assert "x-request-id" not in (await caller.post(PAGE, first=1)).headers


@pytest.mark.parametrize("first", [-1, -1_000_000, 251, 2_147_483_647])
async def test_a_size_that_no_page_has_is_refused(caller: ShopCaller, first: int) -> None:
    """At the root and below; it has a cost like any other request."""
    below = "query ($first: Int) { products(first: 1) { nodes { variants(first: $first) { nodes { id } } } } }"
    for document in (PAGE, below):
        found = await caller.document(document, first=first)
        assert [error["extensions"]["code"] for error in found["errors"]] == ["BAD_REQUEST"]
        assert "data" not in found
        assert found["extensions"]["cost"]["requestedQueryCost"] >= 2


@pytest.mark.parametrize(
    "query",
    ["id:>²", f"id:>{'9' * 5_000}", "updated_at:>0001-01-01T00:00:00+14:00", "updated_at:yesterday", "'", "((", ":"],
)
async def test_odd_search_words_are_no_failure(caller: ShopCaller, query: str) -> None:
    """They are searched for, or ignored."""
    document = "query ($query: String) { customers(first: 1, query: $query) { nodes { id } } }"
    assert len((await caller.data(document, query=query))["customers"]["nodes"]) <= 1


@pytest.mark.parametrize(("seconds", "available"), [(0.1, 3), (1.0, 0), (60.0, 0)])
async def test_throttled_by_the_plan_says_how_long_to_wait(caller: ShopCaller, seconds: float, available: int) -> None:
    """The answer shows a bucket that lacks what comes back in these seconds; the bucket itself is untouched."""
    caller.fault("customers", FaultKind.THROTTLED, seconds=seconds)
    cost = (await caller.document(PAGE, first=250))["extensions"]["cost"]
    assert cost == {
        "requestedQueryCost": 13,
        "actualQueryCost": None,
        "throttleStatus": {"maximumAvailable": 2_000, "currentlyAvailable": available, "restoreRate": 100},
    }
    passed = await caller.document(PAGE, first=0)
    assert passed["extensions"]["cost"]["throttleStatus"]["currentlyAvailable"] == 1_998


async def test_a_fault_hits_what_is_asked_through_a_fragment(caller: ShopCaller) -> None:
    """Rules name fields, however a document is written."""
    caller.fault("customers", FaultKind.HTTP_503)
    document = "{ ...Page } fragment Page on QueryRoot { customers(first: 1) { nodes { id } } }"
    assert (await caller.post(document)).status_code == 503
    assert caller.store.calls.faulted == {"shopify customers": 1}


async def test_a_list_is_walked_through_to_its_25_000th_row(caller: ShopCaller) -> None:
    """The page that begins there is refused; a filter makes the list shorter, and the rest can be reached."""
    customers = caller.shop.customers
    one = next(iter(customers.values()))
    for number in range(1, 25_003 - len(customers)):
        customers[number] = replace(one, customer_id=number)
    ids = customers.ids
    document = "query ($after: String, $query: String) { customers(first: 2, after: $after, query: $query) "
    document += "{ nodes { id } pageInfo { hasNextPage } } }"
    reached = await caller.data(document, after=cursor_of((0, ids[24_998])))
    assert reached["customers"]["pageInfo"]["hasNextPage"]
    beyond = {"after": cursor_of((0, ids[24_999]))}
    (error,) = (await caller.document(document, **beyond))["errors"]
    assert error["extensions"]["code"] == "BAD_REQUEST"
    assert "25,000" in error["message"]
    rest = await caller.data(document, **beyond, query=f"id:>={ids[1]}")
    assert [row["id"] for row in rest["customers"]["nodes"]] == [gid("Customer", each) for each in ids[25_000:]]
