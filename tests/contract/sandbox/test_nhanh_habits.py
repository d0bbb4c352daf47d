"""What Nhanh's documentation leaves open, and pages that are odd, over HTTP."""

from typing import Any

import pytest
from sandbox.faults import FaultKind
from sandbox.nhanh.habits import NhanhHabits

from tests.contract.sandbox.conftest import Caller, calling


async def rows_and_cursors(box: Caller, path: str, **filters: Any) -> tuple[list[dict[str, Any]], list[object]]:
    """Read a list to its end, ten rows a page, whatever form it has."""
    rows: list[dict[str, Any]] = []
    cursors: list[object] = []
    paginator: dict[str, Any] = {"size": 10}
    while True:
        answer = await box.nhanh(path, {"filters": filters, "paginator": paginator})
        data = answer["data"]
        rows += data.values() if isinstance(data, dict) else data
        if "paginator" not in answer:
            return rows, cursors
        paginator["next"] = answer["paginator"]["next"]
        cursors.append(paginator["next"])


async def test_cursors_of_one_list_have_several_forms(box: Caller) -> None:
    """Objects with numbers, objects with text, and lists."""
    _, cursors = await rows_and_cursors(box, "product/list")
    forms = {
        (type(each), *(type(part) for part in (each.values() if isinstance(each, dict) else each))) for each in cursors
    }
    assert forms == {(dict, int), (dict, str), (list, int)}


@pytest.mark.parametrize("path", ["customer/list", "product/list", "product/inventory"])
async def test_odd_pages_lose_no_row(path: str) -> None:
    """Short, empty and keyed pages and rows that come twice: every row is there, and those that come twice are the same."""
    async with calling(nhanh=NhanhHabits(oddities=0.6), products=80, customers=200) as box:
        rows, cursors = await rows_and_cursors(box, path)
        business = box.store.business
        key = "productId" if path == "product/inventory" else "id"
        ids = {"customer/list": business.customers, "product/list": business.products}.get(path, business.stock)
        assert {row[key] for row in rows} == set(ids)
        assert len(rows) > len(ids)
        assert len({repr(row) for row in rows}) == len(ids)
        assert len(cursors) > len(ids) / 10 + 1
        assert await rows_and_cursors(box, path) == (rows, cursors)


async def test_rows_come_twice_within_a_page_and_across_pages(box: Caller) -> None:
    """The first row of a page again at its end, and the last of the page before."""
    ids = list(box.store.business.customers.ids)
    first = await box.nhanh("customer/list", {"paginator": {"size": 10}})
    box.fault("nhanh", "customer/list", FaultKind.DUPLICATE_ROWS)
    second = await box.nhanh("customer/list", {"paginator": {"size": 10, "next": first["paginator"]["next"]}})
    assert [row["id"] for row in second["data"]] == [ids[9], *ids[10:20], ids[10]]


async def test_a_list_comes_keyed_by_id(box: Caller) -> None:
    """As PHP writes an array whose keys are no row of numbers."""
    box.fault("nhanh", "customer/list", FaultKind.KEYED_ROWS)
    answer = await box.nhanh("customer/list", {"paginator": {"size": 3}})
    assert list(answer["data"]) == [str(one) for one in box.store.business.customers.ids[:3]]


async def test_too_large_a_page_is_made_smaller() -> None:
    """Where it is not refused."""
    async with calling(nhanh=NhanhHabits(clamps_size=True), customers=300) as box:
        assert len((await box.nhanh("customer/list", {"paginator": {"size": 1_000}}))["data"]) == 100


async def test_the_rate_limit_has_two_codes(box: Caller) -> None:
    """And says its words under `message` or `messages`."""
    for kind, code, words in (
        (FaultKind.LOCK, "ERR_429", "message"),
        (FaultKind.THROTTLED, "ERR_EXCEEDED_RATE_LIMIT", "messages"),
    ):
        box.fault("nhanh", "customer/list", kind, seconds=2.0)
        answer = await box.nhanh("customer/list")
        assert answer["errorCode"] == code
        assert answer[words] == "Your app exceeded the API Rate Limit"
        box.clock.advance(2)


async def test_customers_without_a_time_are_in_no_window() -> None:
    """Null is in none, 0 in those that reach back to it; unasked for times, all of them come."""
    async with calling(nhanh=NhanhHabits(undated=0.4)) as box:
        customers = box.store.business.customers
        times = {one: row["updatedAt"] for one, row in customers.items()}
        assert {None, 0} < set(times.values())
        everything, _ = await rows_and_cursors(box, "customer/list")
        assert {row["id"] for row in everything} == set(customers)
        past, _ = await rows_and_cursors(box, "customer/list", updatedAtTo=2_000_000_000)
        assert {row["id"] for row in past} == {one for one, time in times.items() if time is not None}
        dated, _ = await rows_and_cursors(box, "customer/list", updatedAtFrom=1, updatedAtTo=2_000_000_000)
        assert {row["id"] for row in dated} == {one for one, time in times.items() if time}


async def test_a_window_of_times_holds_both_its_ends(box: Caller) -> None:
    """And follows a change at once."""
    customers = box.store.business.customers
    one, other, *_ = customers
    edits = [
        {"set": "nhanh_customer", "id": one, "fields": {"updatedAt": 1_790_000_000}},
        {"set": "nhanh_customer", "id": other, "fields": {"updatedAt": "1790000005"}},
    ]
    window = {"updatedAtFrom": 1_790_000_000, "updatedAtTo": 1_790_000_005}
    assert await rows_and_cursors(box, "customer/list", **window) == ([], [])
    await box.http.post("/_sandbox/mutate", params={"store": "hanoi"}, json={"edits": edits})
    rows, _ = await rows_and_cursors(box, "customer/list", **window)
    assert [row["id"] for row in rows] == sorted([one, other])


async def test_what_a_row_does_not_have_cannot_be_set(box: Caller) -> None:
    """Nor its id."""
    one = box.store.business.customers.ids[0]
    for fields in ({"id": 7}, {"price": 7}, {"updatedAt": "yesterday"}):
        edits = [{"set": "nhanh_customer", "id": one, "fields": fields}]
        response = await box.http.post("/_sandbox/mutate", params={"store": "hanoi"}, json={"edits": edits})
        assert response.status_code == 400


async def test_every_row_is_told_of_as_it_truly_is(box: Caller) -> None:
    """Amounts as text, parents left out, and those that are gone."""
    business, shop = box.store.business, box.store.shop
    customer, gone, *_ = business.customers
    product = next(one for one in business.stock if business.stock[one])
    edits = [
        {"set": "nhanh_customer", "id": customer, "fields": {"totalAmount": 12.5, "level": [], "mobile": ""}},
        {"set": "nhanh_stock", "id": product, "value": {"7": 2.5, "12": 4}},
        {"remove": "nhanh_customer", "id": gone},
    ]
    await box.http.post("/_sandbox/mutate", params={"store": "hanoi"}, json={"edits": edits})
    told = (await box.http.get("/_sandbox/rows", params={"store": "hanoi"})).json()
    assert told["nhanh_customers"][str(gone)] == {"gone": True}
    row = told["nhanh_customers"][str(customer)]
    assert (row["gone"], row["total_spent"], row["level_name"], row["phone"]) == (False, "12.5", None, None)
    assert told["nhanh_products"][str(product)]["stock"] == {"available": "2.5", "by_depot": {"7": "2.5"}}
    parents = {str(one) for one, row in business.products.items() if int(row["parentId"]) == -2}
    assert told["nhanh_products"].keys() == {str(one) for one in business.products} - parents
    assert told["shopify_variants"].keys() == {str(one) for one in shop.variants}
    assert told["shopify_customers"].keys() == {str(one) for one in shop.customers}


async def test_prepared_products_are_those_that_are_written_anew() -> None:
    """In both lists, the first time and again."""
    async with calling(prepared=True) as quick, calling() as box:
        for path in ("product/list", "product/inventory"):
            expected, _ = await rows_and_cursors(box, path)
            assert (await rows_and_cursors(quick, path))[0] == expected
            assert (await rows_and_cursors(quick, path))[0] == expected
