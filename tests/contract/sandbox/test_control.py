"""The control interface: what it shows, what it changes, and what it refuses."""

from typing import Any

import httpx
from sandbox.faults import FaultKind
from sandbox.shopify.gids import gid

from tests.contract.sandbox.conftest import Caller, calling
from tests.contract.sandbox.test_shopify_writes import asked, entry, items, set_quantities


async def shown(box: Caller, name: str, **params: Any) -> Any:
    """Get a document."""
    response = await box.http.get(f"/_sandbox/{name}", params=params)
    assert response.status_code == 200
    return response.json()


async def test_the_truth_has_its_form(box: Caller) -> None:
    """For one store or keyed by store; ids of Nhanh are text, those of Shopify gids."""
    truth = await shown(box, "truth", store="hanoi")
    assert (await shown(box, "truth")).keys() == {"hanoi", "danang"}
    assert (await shown(box, "truth"))["hanoi"] == truth
    assert truth.keys() == {"store", "products", "customers", "stock", "stock_not_found", "spend", "spend_unknown"}
    entity = {"must_link", "link_or_review", "must_not_link_nhanh", "must_not_link_shopify", "counts"}
    assert truth["products"].keys() == truth["customers"].keys() == entity
    nhanh, variant, item = truth["products"]["must_link"][0]
    assert nhanh.isdigit()
    assert variant.startswith("gid://shopify/ProductVariant/")
    assert item.startswith("gid://shopify/InventoryItem/")
    nhanh, customer = truth["customers"]["must_link"][0]
    assert nhanh.isdigit()
    assert customer.startswith("gid://shopify/Customer/")
    assert [type(each) for each in truth["stock"][0]] == [str, str, str, int]
    assert [type(each) for each in truth["spend"][0]] == [str, str, int]


async def test_the_state_is_what_the_shop_holds(box: Caller) -> None:
    """Quantities by item and location, spends by customer, prices by variant."""
    item = items(box, 1)[0]
    await set_quantities(box, asked([entry(item, 4_321)]))
    state = await shown(box, "state", store="hanoi")
    other = await shown(box, "state", store="danang")
    assert state["quantities"][gid("InventoryItem", item)][gid("Location", 64_000_000_007)] == 4_321
    assert other["quantities"][gid("InventoryItem", item)][gid("Location", 64_000_000_007)] != 4_321
    assert len(state["spends"]) == len(box.store.shop.customers)
    assert len(state["prices"]) == len(state["quantities"]) == len(box.store.shop.variants)
    assert next(iter(state["prices"].values())).keys() == {"price", "compareAtPrice"}


async def test_calls_are_counted(box: Caller) -> None:
    """Answered, hit by a fault, and Shopify's points; calls of the control interface are not."""
    box.fault("nhanh", "product/list", FaultKind.HTTP_503)
    await box.post_nhanh("product/list")
    await box.nhanh("product/list")
    await box.shopify("{ customersCount { count } }")
    assert await shown(box, "calls", store="hanoi") == {
        "answered": {"nhanh product/list": 1, "shopify customersCount": 1},
        "refused": {},
        "faulted": {"nhanh product/list": 1},
        "held": {},
        "points": 10.0,
    }
    assert (await shown(box, "calls"))["danang"]["answered"] == {}


async def test_a_plan_is_put_into_force_and_taken_away(box: Caller) -> None:
    """It replaces the one before."""
    rule = {"vendor": "nhanh", "operation": "customer/list", "kind": "http_503", "times": -1}
    answer = await box.http.put("/_sandbox/faults", json={"rules": [rule, {**rule, "operation": "product/list"}]})
    assert answer.json() == {"rules": 2}
    assert (await box.post_nhanh("customer/list")).status_code == 503
    await box.http.put("/_sandbox/faults", json={"rules": [rule]})
    assert (await box.post_nhanh("product/list")).status_code == 200
    await box.http.delete("/_sandbox/faults")
    assert (await box.post_nhanh("customer/list")).status_code == 200


async def test_edits_change_what_the_vendors_answer(box: Caller) -> None:
    """A spend, and the truth with it."""
    one, buyer = box.store.customers.must_link[0]
    edits = [{"set": "nhanh_spend", "id": str(one), "value": 12_345.5}]
    answer = await box.http.post("/_sandbox/mutate", params={"store": "hanoi"}, json={"edits": edits})
    assert answer.json() == {"edits": 1}
    (row,) = (await box.nhanh("customer/list", {"filters": {"ids": [one]}}))["data"]
    assert row["totalAmount"] == 12_345.5
    assert [str(one), gid("Customer", buyer), 12_346] in (await shown(box, "truth", store="hanoi"))["spend"]


async def test_added_rows_are_what_the_vendors_answer(box: Caller) -> None:
    """In the lists, in their order, and in no other store."""
    edits = [
        {"add": "nhanh_customer", "row": {"id": 1, "name": "Someone new", "mobile": "0912345678"}},
        {"add": "nhanh_product", "row": {"id": 1, "code": "AO-1"}},
        {"add": "shopify_customer", "row": {"id": gid("Customer", 1), "phone": "+84912345678"}},
    ]
    answer = await box.http.post("/_sandbox/mutate", params={"store": "hanoi"}, json={"edits": edits})
    assert answer.json() == {"edits": 3}
    assert (await box.nhanh("customer/list", {"paginator": {"size": 1}}))["data"][0]["name"] == "Someone new"
    assert (await box.nhanh("product/list", {"paginator": {"size": 1}}))["data"][0]["code"] == "AO-1"
    query = "query($id: ID!) { customer(id: $id) { id } }"
    assert await box.data(query, id=gid("Customer", 1)) == {"customer": {"id": gid("Customer", 1)}}
    assert 1 not in box.handle.world.stores["danang"].business.customers


async def test_latency_slows_the_vendors(box: Caller) -> None:
    """Every answer of theirs takes so much longer, none of the control interface."""
    assert (await box.http.post("/_sandbox/latency", json={"ms": 250})).json() == {"ms": 250}
    await box.nhanh("business/depot")
    assert box.clock.elapsed == 0.25
    await box.shopify("{ shop { name } }")
    assert box.clock.elapsed == 0.5
    await shown(box, "calls")
    assert box.clock.elapsed == 0.5
    async with calling(latency_ms=40.0) as slow:
        await slow.nhanh("business/depot")
        assert slow.clock.elapsed == 0.04


async def test_bad_input_is_refused_in_a_sentence(box: Caller) -> None:
    """400 and what is wrong, 404 for a store that there is not; nothing is changed."""
    before = await shown(box, "state")
    box.fault("nhanh", "business/depot", FaultKind.HTML)

    async def put(content: bytes) -> httpx.Response:
        return await box.http.put("/_sandbox/faults", content=content)

    async def post(path: str, content: bytes, store: str = "hanoi") -> httpx.Response:
        return await box.http.post(f"/_sandbox/{path}", params={"store": store}, content=content)

    async def get(path: str) -> httpx.Response:
        return await box.http.get(f"/_sandbox/{path}")

    for status, sentence, answer in (
        (400, "not JSON", await put(b"{")),
        (400, 'a list "rules"', await put(b"[]")),
        (400, "rule 0: vendor", await put(b'{"rules": [{"vendor": "x", "operation": "*", "kind": "html"}]}')),
        (
            400,
            "rule 0: code must be an HTTP status",
            await put(b'{"rules": [{"vendor": "shopify", "operation": "*", "kind": "http_status", "code": "99"}]}'),
        ),
        (400, "ms must be", await post("latency", b'{"ms": -1}')),
        (400, "ms must be", await post("latency", b'{"ms": "1"}')),
        (400, "ms must be", await post("latency", b"[]")),
        (400, 'a list "edits"', await post("mutate", b"{}")),
        (400, "edit 0 ", await post("mutate", b'{"edits": [{"set": "weather"}]}')),
        (400, "not JSON", await post("mutate", b"")),
        (404, "no store 'hue'", await post("mutate", b'{"edits": []}', "hue")),
        (404, "no store 'hue'; there are hanoi, danang", await get("truth?store=hue")),
        (404, "no store 'hue'", await get("state?store=hue")),
        (404, "no store 'hue'", await get("calls?store=hue")),
        (404, "no store ''", await get("history")),
        (400, "after must be a number", await get("history?store=hanoi&after=-1")),
        (404, "", await get("weather")),
        (405, "", await get("mutate")),
    ):
        assert answer.status_code == status
        assert sentence in answer.text
    assert await shown(box, "state") == before
    assert box.handle.world.latency_ms == 0
    assert len(box.handle.world.plan.rules) == 1
