"""Nhanh's lists, depots and token over HTTP."""

from typing import Any

import pytest

from tests.contract.sandbox.conftest import Caller, calling


async def walk(box: Caller, path: str, size: int, **more: Any) -> list[list[dict[str, Any]]]:
    """Read a list page by page until its paginator ends it."""
    pages: list[list[dict[str, Any]]] = []
    paginator: dict[str, Any] = {"size": size, **more}
    while True:
        answer = await box.nhanh(path, {"filters": {}, "paginator": paginator})
        assert answer["code"] == 1
        if "paginator" not in answer:
            assert answer["data"] == []
            return pages
        pages.append(answer["data"])
        paginator["next"] = answer["paginator"]["next"]


@pytest.mark.parametrize("direction", ["asc", "desc"])
@pytest.mark.parametrize(("path", "key"), [("product/list", "id"), ("product/inventory", "productId")])
async def test_products_come_in_pages(box: Caller, path: str, key: str, direction: str) -> None:
    """The last, short page still has `next`; the empty page behind it has no paginator. Every row comes once."""
    pages = await walk(box, path, 19, sort={key: direction})
    business = box.store.business
    expected = business.products.ids if path == "product/list" else business.stock.ids
    assert [row[key] for page in pages for row in page] == sorted(expected, reverse=direction == "desc")
    assert [len(page) for page in pages[:-1]] == [19] * (len(pages) - 1)
    assert 0 < len(pages[-1]) < 19


async def test_customers_come_in_pages(box: Caller) -> None:
    """They have no order that can be asked for; PHP's empty lists stand where objects are empty."""
    rows = [row for page in await walk(box, "customer/list", 25) for row in page]
    assert [row["id"] for row in rows] == list(box.store.business.customers.ids)
    assert rows == list(box.store.business.customers.values())
    assert {type(row["level"]) for row in rows} == {dict, list}
    assert {row["business"] is not None for row in rows} == {True}


async def test_inventory_comes_newest_first(box: Caller) -> None:
    """Its documented order, when none is asked for; a page has 20 rows then."""
    answer = await box.nhanh("product/inventory")
    assert [row["productId"] for row in answer["data"]] == list(box.store.business.stock.ids)[:-21:-1]


async def test_a_product_without_a_stock_record_is_left_out_of_the_inventory(box: Caller) -> None:
    """Asked for by id too, while product/list knows it; an id that is gone is in neither."""
    business = box.store.business
    bare = next(
        one for one, row in business.products.items() if int(row["parentId"]) != -2 and one not in business.stock
    )
    stocked = business.stock.ids[0]
    asked = {"filters": {"ids": [bare, stocked, 1]}}
    assert [row["productId"] for row in (await box.nhanh("product/inventory", asked))["data"]] == [stocked]
    listed = (await box.nhanh("product/list", asked))["data"]
    assert [row["id"] for row in listed] == sorted([bare, stocked])
    assert {row["id"]: row["inventory"] == [] for row in listed} == {bare: True, stocked: False}


async def test_parents_children_and_standalone_rows_are_told_apart(box: Caller) -> None:
    """`gpid` 3 gives what can be sold, -2 the parents."""
    everything = [row for page in await walk(box, "product/list", 100) for row in page]
    for gpid, parents in ((3, False), (-2, True)):
        answer = await box.nhanh("product/list", {"filters": {"gpid": gpid}, "paginator": {"size": 100}})
        assert answer["data"] == [row for row in everything if (int(row["parentId"]) == -2) == parents] != []


async def test_a_row_that_goes_between_pages_moves_no_other(box: Caller) -> None:
    """A cursor is a place."""
    first = await box.nhanh("customer/list", {"paginator": {"size": 10}})
    ids = list(box.store.business.customers.ids)
    del box.store.business.customers[ids[9]]
    second = await box.nhanh("customer/list", {"paginator": {"size": 10, "next": first["paginator"]["next"]}})
    assert [row["id"] for row in second["data"]] == ids[10:20]


async def test_depots_are_those_that_the_token_grants(box: Caller) -> None:
    """None stands for all of them."""
    assert [row["id"] for row in (await box.nhanh("business/depot"))["data"]] == [7, 8, 9]
    box.store.business.granted_depots = None
    assert [row["id"] for row in (await box.nhanh("business/depot"))["data"]] == [7, 8, 9, 12]


async def test_the_token_can_be_checked(box: Caller) -> None:
    """Version, end, business and depots; an empty list of depots is all of them."""
    business = box.store.business
    answer = await box.nhanh("app/checkaccesstoken", {"secretKey": business.secret_key})
    assert answer["data"] == {
        "accessToken": business.access_token,
        "version": "3.0",
        "expiredAt": business.token_expires_at,
        "businessId": 1001,
        "depotIds": [7, 8, 9],
        "pageIds": [],
        "permissions": ["product", "customer"],
    }
    assert 128 <= len(business.access_token) <= 256
    business.granted_depots = None
    answer = await box.nhanh("app/checkaccesstoken", {"secretKey": business.secret_key})
    assert answer["data"]["depotIds"] == []


async def test_errors_of_the_business_have_http_200(box: Caller) -> None:
    """Each has its code: parameters, token, form and JSON."""
    business = box.store.business
    no_app: dict[str, Any] = {"businessId": 1001}
    wrong_business = {"appId": 101, "businessId": 1002}
    form = {"filters": {"ids": list(range(101))}, "paginator": {"size": 101}}
    for code, answer in (
        ("ERR_INVALID_APP_ID", await box.nhanh("customer/list", params=no_app)),
        ("ERR_INVALID_APP_ID", await box.nhanh("customer/list", params={"appId": 9, "businessId": 1001})),
        ("ERR_INVALID_BUSINESS_ID", await box.nhanh("customer/list", params={"appId": 101})),
        ("ERR_INVALID_BUSINESS_ID", await box.nhanh("customer/list", params={"appId": 101, "businessId": "²"})),
        ("ERR_INVALID_BUSINESS_ID", await box.nhanh("customer/list", params=wrong_business)),
        ("ERR_INVALID_ACCESS_TOKEN", await box.nhanh("customer/list", token="another")),
        ("ERR_INVALID_ACCESS_TOKEN", await box.nhanh("customer/list", token=f"Bearer {business.access_token}")),
        ("ERR_INVALID_DATA", await box.nhanh("customer/list", content=b"{")),
        ("ERR_INVALID_DATA", await box.nhanh("app/checkaccesstoken", content=b"{")),
        ("ERR_INVALID_FORM_FIELDS", await box.nhanh("app/checkaccesstoken", {"secretKey": "another"})),
        ("ERR_INVALID_FORM_FIELDS", await box.nhanh("product/list", form)),
    ):
        assert (answer["code"], answer["errorCode"]) == (0, code)
        assert answer["messages"]
    assert list(answer["messages"]) == ["filters.ids", "paginator.size"]


async def test_a_token_ends(box: Caller) -> None:
    """When it is revoked, and a year after it was made."""
    business = box.store.business
    business.token_revoked = True
    assert (await box.nhanh("customer/list"))["errorCode"] == "ERR_INVALID_ACCESS_TOKEN"
    business.token_revoked = False
    box.clock.advance(365 * 86_400 - 1)
    assert (await box.nhanh("customer/list"))["code"] == 1
    box.clock.advance(1)
    assert (await box.nhanh("customer/list"))["errorCode"] == "ERR_INVALID_ACCESS_TOKEN"


async def test_an_unknown_path_is_html(box: Caller) -> None:
    """A 404 that is no JSON; customer/detail is such a path."""
    for path in ("customer/detail", "product", ""):
        response = await box.post_nhanh(path)
        assert response.status_code == 404
        assert response.headers["content-type"].startswith("text/html")
    assert (await box.http.get("/nowhere")).status_code == 404


async def test_the_limit_locks_a_path_and_the_lock_grows() -> None:
    """The fourth call of three; each further call adds five seconds; other paths and businesses go on."""
    async with calling(limits_scale=0.02) as box:
        assert [(await box.nhanh("customer/list"))["code"] for _ in range(3)] == [1, 1, 1]
        box.clock.advance(25)
        refusals = [await box.nhanh("customer/list") for _ in range(3)]
        assert {refusal["errorCode"] for refusal in refusals} == {"ERR_429"}
        assert {"message", "data", "code", "errorCode"} == refusals[0].keys()
        now = int(box.clock.now())
        assert [refusal["data"]["lockedSeconds"] for refusal in refusals] == [10, 15, 20]
        assert [refusal["data"]["unlockedAt"] - now for refusal in refusals] == [10, 15, 20]
        assert (await box.nhanh("product/list"))["code"] == 1
        danang = box.handle.world.stores["danang"].business
        params = {"appId": danang.app_id, "businessId": danang.business_id}
        answer = await box.nhanh("customer/list", params=params, token=danang.access_token)
        assert answer["code"] == 1
        box.clock.advance(20)
        assert (await box.nhanh("customer/list"))["code"] == 1
        assert box.store.calls.answered == {"nhanh customer/list": 4, "nhanh product/list": 1}
        assert box.store.calls.refused == {"nhanh customer/list": 3}
