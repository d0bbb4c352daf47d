"""Every fault that the plan can do to Nhanh's calls."""

import asyncio
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from sandbox.faults import FaultKind
from sandbox.nhanh.rows import UNREADABLE

from tests.contract.sandbox.conftest import Caller

PATH = "customer/list"


async def page(box: Caller, **paginator: Any) -> dict[str, Any]:
    """Read a page of ten customers."""
    return await box.nhanh(PATH, {"paginator": {"size": 10, **paginator}})


async def assert_healed(box: Caller, *, after: int = 1) -> None:
    """The next call is answered, and only the planned calls were hit."""
    assert len((await page(box))["data"]) == 10
    assert box.store.calls.faulted == {f"nhanh {PATH}": after}
    assert not box.store.calls.refused


async def test_too_many_requests_with_http_429(box: Caller) -> None:
    """The same body as with HTTP 200."""
    box.fault("nhanh", PATH, FaultKind.HTTP_429, seconds=7.0)
    response = await box.post_nhanh(PATH)
    assert response.status_code == 429
    assert response.json()["errorCode"] == "ERR_429"
    assert response.json()["data"] == {"lockedSeconds": 7, "unlockedAt": int(box.clock.now()) + 7}
    await assert_healed(box)


@pytest.mark.parametrize("kind", [FaultKind.LOCK, FaultKind.THROTTLED])
async def test_a_lock_lasts_and_grows(box: Caller, kind: FaultKind) -> None:
    """Calls while it lasts are refused by the limit, and make it longer, though limits are off."""
    box.fault("nhanh", PATH, kind, seconds=3.0)
    assert (await box.nhanh(PATH))["data"]["lockedSeconds"] == 3
    box.clock.advance(2)
    assert (await box.nhanh(PATH))["data"]["lockedSeconds"] == 6
    assert box.store.calls.refused == {f"nhanh {PATH}": 1}
    box.clock.advance(6)
    assert (await box.nhanh(PATH))["code"] == 1


@pytest.mark.parametrize(
    ("kind", "status"), [(FaultKind.HTTP_503, 503), (FaultKind.HTML, 200), (FaultKind.TIMEOUT, 504)]
)
async def test_html_in_place_of_json(box: Caller, kind: FaultKind, status: int) -> None:
    """A 503, a 200 and, after a silence, a 504."""
    box.fault("nhanh", PATH, kind, seconds=20.0)
    response = await box.post_nhanh(PATH)
    assert response.status_code == status
    assert response.headers["content-type"].startswith("text/html")
    assert box.clock.elapsed == (20.0 if kind is FaultKind.TIMEOUT else 0.0)
    await assert_healed(box)


async def test_a_cut_connection(box: Caller) -> None:
    """An answer that was promised and does not come whole."""
    box.fault("nhanh", PATH, FaultKind.DROP_AFTER_COMMIT)
    with pytest.raises(httpx.RemoteProtocolError):
        await box.post_nhanh(PATH)
    await assert_healed(box)


async def test_an_invalid_token_in_the_middle(box: Caller) -> None:
    """As when another took its place."""
    box.fault("nhanh", PATH, FaultKind.INVALID_TOKEN, skip=1)
    await page(box)
    assert (await box.nhanh(PATH))["errorCode"] == "ERR_INVALID_ACCESS_TOKEN"
    await assert_healed(box)


async def test_a_short_page_is_not_the_end(box: Caller) -> None:
    """Half of the rows, and the cursor behind them."""
    box.fault("nhanh", PATH, FaultKind.SHORT_PAGE)
    first = await page(box)
    second = await page(box, next=first["paginator"]["next"])
    ids = list(box.store.business.customers.ids)
    assert [row["id"] for row in first["data"]] == ids[:5]
    assert [row["id"] for row in second["data"]] == ids[5:15]


@pytest.mark.parametrize("path", ["customer/list", "product/list", "product/inventory"])
async def test_empty_pages_in_a_row_have_cursors_of_their_own(box: Caller, path: str) -> None:
    """At the beginning and in the middle, upward and downward, no row is lost behind them."""
    key = "productId" if path == "product/inventory" else "id"
    business = box.store.business
    ids = list({"customer/list": business.customers, "product/list": business.products}.get(path, business.stock))
    expected = sorted(ids, reverse=path == "product/inventory")
    box.fault("nhanh", path, FaultKind.EMPTY_PAGE, times=3)
    paginator: dict[str, Any] = {"size": 10}
    seen: list[Any] = []
    for skipped in (0, 10):
        for _ in range(3):
            empty = await box.nhanh(path, {"paginator": paginator})
            assert empty["data"] == []
            assert empty["paginator"]["next"] not in seen
            paginator["next"] = empty["paginator"]["next"]
            seen.append(paginator["next"])
        answer = await box.nhanh(path, {"paginator": paginator})
        assert [row[key] for row in answer["data"]] == expected[skipped : skipped + 10]
        paginator["next"] = answer["paginator"]["next"]
        box.fault("nhanh", path, FaultKind.EMPTY_PAGE, times=3)


async def test_a_repeated_cursor(box: Caller) -> None:
    """The page leads to itself."""
    first = await page(box)
    box.fault("nhanh", PATH, FaultKind.REPEAT_CURSOR)
    again = await page(box, next=first["paginator"]["next"])
    assert again["paginator"]["next"] == first["paginator"]["next"]
    assert len(again["data"]) == 10


async def test_a_bad_item_has_an_amount_that_nobody_can_read(box: Caller) -> None:
    """In each list, that row alone."""
    business = box.store.business
    amounts: list[tuple[str, int, Callable[[dict[str, Any]], object]]] = [
        ("customer/list", business.customers.ids[3], lambda row: row["totalAmount"]),
        ("product/list", business.products.ids[3], lambda row: row["prices"]["retail"]),
        ("product/inventory", business.stock.ids[3], lambda row: row["inventory"]["available"]),
    ]
    for path, one, amount in amounts:
        box.fault("nhanh", path, FaultKind.BAD_ITEM, item=str(one))
        for spoiled in ([True], [False]):
            answer = await box.nhanh(path, {"filters": {"ids": [one]}})
            assert [amount(row) == UNREADABLE for row in answer["data"]] == spoiled


async def test_a_held_call_goes_on_with_the_next_plan(box: Caller) -> None:
    """Until then it is shown as held, and others go on."""
    box.fault("nhanh", PATH, FaultKind.HOLD)
    held = asyncio.create_task(page(box))
    await box.until_held(f"nhanh {PATH}")
    assert len((await page(box))["data"]) == 10
    assert not held.done()
    assert (await box.http.delete("/_sandbox/faults")).json() == {"rules": 0}
    assert len((await held)["data"]) == 10
    assert (await box.http.get("/_sandbox/calls", params={"store": "hanoi"})).json()["held"] == {}
