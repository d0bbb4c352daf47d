"""Facts about one store's Nhanh business."""

from typing import Any

import httpx
import pytest
from sync_worker.adapters.nhanh.client import MOST_FRUITLESS_PAGES
from sync_worker.application.ports.nhanh import Nhanh, NhanhAccess
from sync_worker.domain.failures import AccessRefused, MalformedAnswer, VendorRefusal
from sync_worker.domain.requests import NhanhCustomerFilter, NhanhProductFilter

from tests.fakes.scripted_nhanh import ScriptedNhanh, an_account, json_answer, page

ALL_PRODUCTS = NhanhProductFilter()
ALL_CUSTOMERS = NhanhCustomerFilter()


def item(nhanh_id: int, available: object = 1, **changes: Any) -> dict[str, Any]:
    """A standalone product with stock in one depot."""
    inventory = {"available": available, "depots": [{"id": 7, "available": available}]}
    return {"id": nhanh_id, "parentId": -1, "status": 2, "prices": {"retail": 1}, "inventory": inventory, **changes}


def test_it_is_a_nhanh() -> None:
    """It implements the port, with counts of its own for each job."""
    nhanh = ScriptedNhanh([])
    first: Nhanh = nhanh.client()
    assert first.metrics is not nhanh.client().metrics


async def test_products_are_asked_for_as_sellable_items_of_every_status_in_order_of_id() -> None:
    """Nothing is left to what Nhanh shows unasked; the first page has no `next`."""
    nhanh = ScriptedNhanh([page([])])
    await nhanh.client().product_page(ALL_PRODUCTS, None)
    assert nhanh.requests[0].url.path == "/nhanh/v3.0/product/list"
    assert nhanh.bodies == [
        {"filters": {"gpid": 3, "status": [1, 2, 3, 4]}, "paginator": {"size": 100, "sort": {"id": "asc"}}}
    ]


async def test_every_condition_on_products_is_sent() -> None:
    """By the names of the documentation."""
    nhanh = ScriptedNhanh([page([])])
    wanted = NhanhProductFilter("áo", category_ids=(11, 12), brand_ids=(3,), statuses=(2,), updated_since=1_760_000_000)
    await nhanh.client().product_page(wanted, None)
    assert nhanh.bodies[0]["filters"] == {
        "gpid": 3,
        "status": [2],
        "name": "áo",
        "categoryIds": [11, 12],
        "brandIds": [3],
        "updatedAtFrom": 1_760_000_000,
    }


async def test_customers_are_asked_for_without_an_order() -> None:
    """customer/list documents none; without conditions the filters are an object, not a list."""
    nhanh = ScriptedNhanh([page([])])
    await nhanh.client().customer_page(ALL_CUSTOMERS, None)
    assert nhanh.requests[0].url.path == "/nhanh/v3.0/customer/list"
    assert nhanh.bodies == [{"filters": {}, "paginator": {"size": 100}}]


async def test_every_condition_on_customers_is_sent() -> None:
    """By the names of the documentation."""
    nhanh = ScriptedNhanh([page([])])
    wanted = NhanhCustomerFilter(2, "2026-01-01", "2026-02-01", 1_760_000_000)
    await nhanh.client().customer_page(wanted, None)
    assert nhanh.bodies[0]["filters"] == {
        "type": 2,
        "lastBoughtDateFrom": "2026-01-01",
        "lastBoughtDateTo": "2026-02-01",
        "updatedAtFrom": 1_760_000_000,
    }


@pytest.mark.parametrize(
    "following",
    [
        '{"id":142401158}',
        '{"id":"92220"}',
        "[1742545330,6478]",
        '{"b":1,"a":[null,true]}',
        '"opaque"',
        "7",
        '{"id":1.50}',
        "[1E+3]",
    ],
)
async def test_a_cursor_goes_back_untouched(following: str) -> None:
    """Number or text, object or list, order of keys and all: it is Nhanh's own."""
    content = f'{{"code":1,"data":[],"paginator":{{"next":{following}}}}}'.encode()
    nhanh = ScriptedNhanh([httpx.Response(200, content=content), page([])])
    client = nhanh.client()
    first = await client.product_page(ALL_PRODUCTS, None)
    assert first.next_cursor == following
    await client.product_page(ALL_PRODUCTS, first.next_cursor)
    assert f'"next":{following}}}'.encode() in nhanh.requests[1].content


@pytest.mark.parametrize("following", [str(10**30), '"\\ud800"', '"' + "x" * 5_000 + '"'])
async def test_a_cursor_that_cannot_be_kept_is_refused(following: str) -> None:
    """Sent back changed, it would lead elsewhere."""
    content = f'{{"code":1,"data":[],"paginator":{{"next":{following}}}}}'.encode()
    nhanh = ScriptedNhanh([httpx.Response(200, content=content)])
    with pytest.raises(MalformedAnswer, match="cursor"):
        await nhanh.client().product_page(ALL_PRODUCTS, None)


async def test_short_and_empty_pages_are_not_the_end() -> None:
    """Hidden rows are taken out of a page after it was cut; the list ends where no next page is named."""
    nhanh = ScriptedNhanh(
        [page([item(1)], {"id": 1}), page([], {"id": 50}), page({"9": item(60)}, {"id": "60"}), page([])]
    )
    client = nhanh.client()
    found: list[int] = []
    cursor: str | None = None
    for _ in range(4):
        read = await client.product_page(ALL_PRODUCTS, cursor)
        found.extend(row.nhanh_id for row in read.rows)
        cursor = read.next_cursor
    assert (found, cursor) == ([1, 60], None)
    assert [body["paginator"].get("next") for body in nhanh.bodies] == [None, {"id": 1}, {"id": 50}, {"id": "60"}]


@pytest.mark.parametrize("circle", [[{"id": 1}], [{"id": 1}, {"id": 2}, {"id": 3}]])
async def test_a_list_that_goes_in_circles_is_refused(circle: list[object]) -> None:
    """Within a few rounds: no pull goes round for ever."""
    nhanh = ScriptedNhanh([page([], following) for following in circle * 4])
    client = nhanh.client()

    async def walk() -> None:
        cursor: str | None = None
        for _ in circle * 4:
            cursor = (await client.customer_page(ALL_CUSTOMERS, cursor)).next_cursor

    with pytest.raises(MalformedAnswer, match="circles"):
        await walk()


async def test_a_page_may_be_read_again() -> None:
    """An attempt that goes on where another stopped, or begins anew, is no circle."""
    nhanh = ScriptedNhanh(
        [page([], {"id": 1}), page([], {"id": 2}), page([], {"id": 2}), page([], {"id": 1}), page([])]
    )
    client = nhanh.client()
    for cursor in (None, '{"id":1}', '{"id":1}', None, '{"id":1}'):
        await client.customer_page(ALL_CUSTOMERS, cursor)
    assert not nhanh.script


async def test_two_lists_at_once_do_not_disturb_each_other() -> None:
    """The same cursor in two lists is no circle."""
    nhanh = ScriptedNhanh([page([], {"id": 1}), page([], {"id": 1}), page([], {"id": 2}), page([], {"id": 2})])
    client = nhanh.client()
    for cursor in (None, '{"id":1}'):
        await client.customer_page(ALL_CUSTOMERS, cursor)
        await client.customer_page(NhanhCustomerFilter(type=1), cursor)
    assert not nhanh.script


async def test_access_is_checked_with_the_secret_key() -> None:
    """The token goes into the header as always."""
    nhanh = ScriptedNhanh([json_answer({"code": 1, "data": {"expiredAt": 1_800_000_000, "depotIds": [7]}})])
    assert await nhanh.client().check_access() == NhanhAccess(1_800_000_000, frozenset({7}))
    assert nhanh.requests[0].url.path == "/nhanh/v3.0/app/checkaccesstoken"
    assert nhanh.bodies == [{"secretKey": "s3cret-app-key"}]


async def test_access_cannot_be_checked_without_the_secret_key() -> None:
    """It says which setting is missing, and asks nothing."""
    nhanh = ScriptedNhanh([], account=an_account(secret_key=None))
    with pytest.raises(AccessRefused, match="secret_key_file") as raised:
        await nhanh.client().check_access()
    assert raised.value.code == "SECRET_KEY_MISSING"


async def test_an_error_is_never_an_empty_page() -> None:
    """What was refused ends the read."""
    nhanh = ScriptedNhanh([json_answer({"code": 0, "errorCode": "ERR_INVALID_FORM_FIELDS", "data": []})])
    with pytest.raises(VendorRefusal):
        await nhanh.client().customer_page(ALL_CUSTOMERS, None)


async def test_reading_by_id_comes_to_an_end() -> None:
    """Pages that never tell of an id, and always promise more, are given up."""
    nhanh = ScriptedNhanh([page([], {"id": number}) for number in range(MOST_FRUITLESS_PAGES + 5)])
    with pytest.raises(MalformedAnswer, match="none of the ids"):
        await nhanh.client().stock_of([1])
    assert len(nhanh.bodies) == MOST_FRUITLESS_PAGES + 1
