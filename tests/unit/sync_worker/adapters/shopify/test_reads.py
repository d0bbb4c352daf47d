"""Pages and read-backs."""

from typing import Any

import httpx
import pytest
from structlog.testing import capture_logs
from sync_worker.application.ports.shopify import VariantPrice
from sync_worker.domain.customers import ShopifyCustomer
from sync_worker.domain.failures import LeaseLost, MalformedAnswer
from sync_worker.domain.products import ShopifyLocation, ShopifyVariant
from sync_worker.domain.requests import ShopifyCustomerFilter, ShopifyProductFilter

from tests.fakes.shopify_http import TOKEN, ScriptedShop, Step, answer, page

VARIANT: dict[str, Any] = {
    "id": "gid://shopify/ProductVariant/11",
    "title": "Đỏ / M",
    "sku": "AO-1",
    "barcode": "",
    "price": "199000.50",
    "compareAtPrice": None,
    "inventoryQuantity": -2,
    "updatedAt": "2026-07-01T07:00:00+07:00",
    "product": {"id": "gid://shopify/Product/1", "title": "Áo", "status": "ACTIVE"},
    "inventoryItem": {"id": "gid://shopify/InventoryItem/111"},
}
CUSTOMER: dict[str, Any] = {
    "id": "gid://shopify/Customer/5",
    "firstName": "An",
    "lastName": None,
    "note": None,
    "numberOfOrders": "12",
    "updatedAt": "2026-07-01T00:00:00Z",
    "amountSpent": {"amount": "1500000.0", "currencyCode": "VND"},
    "defaultEmailAddress": {"emailAddress": "an@example.com"},
    "defaultPhoneNumber": None,
    "defaultAddress": {"phone": "0901 234 567"},
}
ALL = ShopifyProductFilter()
EVERYBODY = ShopifyCustomerFilter()


def shop_of(*steps: Step) -> ScriptedShop:
    """A shop that answers so."""
    return ScriptedShop(list(steps))


def variants(*nodes: dict[str, Any], after: str | None = None) -> ScriptedShop:
    """A shop with one page of variants."""
    return shop_of(page("productVariants", list(nodes), after))


async def test_half_a_surrogate_pair_spoils_no_page() -> None:
    """It is replaced: the page would be the same however often it is asked for."""
    good = page("productVariants", [VARIANT | {"title": "T?"}])
    shop = shop_of(httpx.Response(200, content=good.content.replace(b"T?", rb"T\ud83d")))
    found = await shop.client.variant_page(ALL, None)
    assert [row.title for row in found.rows] == ["Áo - T\ufffd"]
    assert len(shop.asked) == 1


async def test_a_variant_is_decoded() -> None:
    """Amounts are exact ten-thousandths, the time is Unix seconds, ids are numbers."""
    found = await variants(VARIANT).client.variant_page(ALL, None)
    assert found.next_cursor is None
    assert found.rows == [
        ShopifyVariant(11, 1, 111, "Áo - Đỏ / M", "AO-1", "", 1_990_005_000, None, "active", -2, 1_782_864_000)
    ]


async def test_a_product_without_options_has_its_own_title() -> None:
    """Shopify's "Default Title" is not for people."""
    found = await variants({**VARIANT, "title": "Default Title"}).client.variant_page(ALL, None)
    assert found.rows[0].title == "Áo"


async def test_a_customer_is_decoded() -> None:
    """Missing contacts are None."""
    found = await shop_of(page("customers", [CUSTOMER])).client.customer_page(ShopifyCustomerFilter(), None)
    assert found.rows == [
        ShopifyCustomer(
            5, "An", None, "an@example.com", None, "0901 234 567", None, 15_000_000_000, "VND", 12, 1_782_864_000
        )
    ]


@pytest.mark.parametrize(
    "wrong",
    [
        {"price": None},
        {"price": ""},
        {"price": "1_000"},
        {"price": "NaN"},
        {"price": "-1"},
        {"price": True},
        {"price": "9" * 15},
        {"compareAtPrice": "free"},
        {"inventoryQuantity": 1.5},
        {"updatedAt": "yesterday"},
        {"updatedAt": "2026-07-01T07:00:00"},
        {"updatedAt": None},
        {"product": None},
        {"product": {"id": "gid://shopify/Product/1", "title": "Áo", "status": None}},
        {"inventoryItem": {}},
        {"sku": 7},
    ],
)
async def test_a_row_that_cannot_be_read_is_refused(wrong: dict[str, Any]) -> None:
    """No price or time is ever made up; rows beside it are read."""
    other = {**VARIANT, "id": "gid://shopify/ProductVariant/12"}
    found = await variants({**VARIANT, **wrong}, other).client.variant_page(ALL, None)
    assert [row.variant_id for row in found.rows] == [12]
    assert [row.vendor_id for row in found.refused] == [11]


@pytest.mark.parametrize("given", [None, "gid://shopify/Product/11"])
async def test_a_row_without_an_id_spoils_its_page(given: object) -> None:
    """Nobody can say what it was."""
    with pytest.raises(MalformedAnswer):
        await variants({**VARIANT, "id": given}).client.variant_page(ALL, None)
    with pytest.raises(MalformedAnswer):
        await shop_of(page("customers", [{**CUSTOMER, "id": given}])).client.customer_page(EVERYBODY, None)


@pytest.mark.parametrize("wrong", [{"amountSpent": None}, {"amountSpent": {"amount": "x", "currencyCode": "VND"}}])
async def test_a_customer_that_cannot_be_read_is_refused(wrong: dict[str, Any]) -> None:
    """With the reason; the customer beside it is read."""
    other = {**CUSTOMER, "id": "gid://shopify/Customer/6"}
    found = await shop_of(page("customers", [{**CUSTOMER, **wrong}, other])).client.customer_page(EVERYBODY, None)
    assert [row.customer_id for row in found.rows] == [6]
    (refused,) = found.refused
    assert refused.vendor_id == 5
    assert "cannot be read" in refused.message


async def test_a_field_that_did_not_come_is_not_null() -> None:
    """Null says that there is none; a missing field says nothing."""
    without = {name: value for name, value in VARIANT.items() if name != "compareAtPrice"}
    (refused,) = (await variants(without).client.variant_page(ALL, None)).refused
    assert "compareAtPrice" in refused.message


async def test_a_page_is_asked_for_with_its_cursor() -> None:
    """The cursor goes back to Shopify as it came, and 250 rows are asked for."""
    shop = shop_of(page("productVariants", [VARIANT], 'a"b'), page("productVariants", []))
    first = await shop.client.variant_page(ShopifyProductFilter(("active",)), None)
    assert first.next_cursor == r'"a\"b"'
    assert shop.variables == {"query": "product_status:active", "first": 250, "after": None}
    last = await shop.client.variant_page(ALL, first.next_cursor)
    assert shop.variables == {"query": None, "first": 250, "after": 'a"b'}
    assert (last.rows, last.next_cursor) == ([], None)


async def test_an_empty_page_is_not_the_end() -> None:
    """Only `hasNextPage` says where the list ends."""
    found = await variants(after="on").client.variant_page(ALL, '"before"')
    assert (found.rows, found.next_cursor) == ([], '"on"')


@pytest.mark.parametrize(
    "connection",
    [
        {"nodes": [], "pageInfo": {"hasNextPage": True, "endCursor": "here"}},
        {"nodes": [], "pageInfo": {"hasNextPage": True, "endCursor": None}},
        {"nodes": [], "pageInfo": {"hasNextPage": None, "endCursor": "on"}},
        {"nodes": [], "pageInfo": None},
        {"nodes": None, "pageInfo": {"hasNextPage": False, "endCursor": None}},
        {"nodes": [None], "pageInfo": {"hasNextPage": False, "endCursor": None}},
        [],
    ],
)
async def test_a_page_that_does_not_say_where_it_stands_is_refused(connection: object) -> None:
    """A repeated or missing cursor would read for ever or end too soon."""
    with pytest.raises(MalformedAnswer):
        await shop_of(answer({"productVariants": connection})).client.variant_page(ALL, '"here"')


async def test_a_kept_cursor_that_is_none_is_refused_before_a_call() -> None:
    """A list is never begun anew by mistake."""
    shop = variants(VARIANT)
    with pytest.raises(MalformedAnswer):
        await shop.client.variant_page(ALL, '{"page": 2}')
    assert shop.asked == []


async def test_changed_customers_are_sorted_by_what_is_filtered() -> None:
    """A range over another field than the sort key may time out at Shopify."""
    shop = shop_of(page("customers", []))
    await shop.client.customer_page(ShopifyCustomerFilter(), None)
    assert shop.variables["sortKey"] == "ID"
    await shop.client.customer_page(ShopifyCustomerFilter("tag:vip", 0), None)
    assert shop.variables["sortKey"] == "UPDATED_AT"
    assert shop.variables["query"] == "updated_at:>='1970-01-01T00:00:00Z' AND (tag:vip)"


async def test_all_locations_are_read() -> None:
    """Pages are followed to the end; inactive locations are told."""
    node = {"id": "gid://shopify/Location/7", "name": "Kho", "isActive": True}
    shop = shop_of(
        page("locations", [node], "on"),
        page("locations", [{**node, "id": "gid://shopify/Location/8", "isActive": False}]),
    )
    assert await shop.client.locations() == [ShopifyLocation(7, "Kho", True), ShopifyLocation(8, "Kho", False)]


def level(quantity: int) -> dict[str, Any]:
    """An inventory level."""
    return {"quantities": [{"name": "available", "quantity": quantity}]}


async def test_quantities_tell_gone_from_unstocked_from_none() -> None:
    """A null object is gone and has no key; a null level is None; zero is zero."""
    nodes = [{"id": "gid://shopify/InventoryItem/1", "level0": level(0), "level1": None}, None]
    shop = shop_of(answer({"nodes": nodes}))
    assert await shop.client.quantities_of([1, 2], [7, 8]) == {(1, 7): 0, (1, 8): None}
    assert shop.variables == {
        "ids": ["gid://shopify/InventoryItem/1", "gid://shopify/InventoryItem/2"],
        "location0": "gid://shopify/Location/7",
        "location1": "gid://shopify/Location/8",
    }


async def test_many_items_and_locations_are_read_below_the_cost_of_a_request() -> None:
    """Requests are cut so that the dearest way of counting keeps below 1,000 points."""
    shop = shop_of(answer({"nodes": []}))
    sizes: list[tuple[int, int]] = []

    def reply() -> None:
        asked = shop.variables
        places = len(asked) - 1
        sizes.append((len(asked["ids"]), places))
        levels = {f"level{place}": level(place) for place in range(places)}
        shop.steps = [answer({"nodes": [{"id": each, **levels} for each in asked["ids"]]})]

    shop.on_call = reply
    found = await shop.client.quantities_of(range(1, 251), range(1, 26))
    assert len(found) == 250 * 25
    assert all(items * (1 + 2 * places) + 1 <= 1_000 for items, places in sizes)
    assert {places for _, places in sizes} == {20, 5}


@pytest.mark.parametrize(
    "nodes",
    [
        [],
        [None],
        [{"id": "gid://shopify/InventoryItem/2", "level0": None}, None],
        [{"id": "gid://shopify/InventoryItem/1"}, None],
        [{"id": "gid://shopify/InventoryItem/1", "level0": {"quantities": []}}, None],
        [{"id": "gid://shopify/InventoryItem/1", "level0": {"quantities": [{"name": "on_hand", "quantity": 1}]}}, None],
        [{}, None],
    ],
)
async def test_a_quantity_that_did_not_come_is_not_zero(nodes: list[Any]) -> None:
    """Another number of objects, another object, or a level without its figure is not understood."""
    with pytest.raises(MalformedAnswer):
        await shop_of(answer({"nodes": nodes})).client.quantities_of([1, 2], [7])


async def test_spends_are_read_whole() -> None:
    """Not set is None, gone is missing."""
    nodes = [
        {"id": "gid://shopify/Customer/1", "metafield": {"value": "1500000"}},
        {"id": "gid://shopify/Customer/2", "metafield": None},
        None,
    ]
    shop = shop_of(answer({"nodes": nodes}))
    assert await shop.client.spends_of([1, 2, 3]) == {1: 1_500_000, 2: None}
    assert (shop.variables["namespace"], shop.variables["key"]) == ("custom", "total_spent")


@pytest.mark.parametrize("value", ["12.5", "many", "", None])
async def test_a_spend_that_is_no_whole_number_is_not_understood(value: object) -> None:
    """Somebody else's metafield of that name is not read as a spend."""
    nodes = [{"id": "gid://shopify/Customer/1", "metafield": {"value": value}}]
    with pytest.raises(MalformedAnswer):
        await shop_of(answer({"nodes": nodes})).client.spends_of([1])


async def test_prices_are_read() -> None:
    """No compare-at price is None, gone is missing."""
    nodes = [{"id": "gid://shopify/ProductVariant/1", "price": "10.00", "compareAtPrice": None}, None]
    found = await shop_of(answer({"nodes": nodes})).client.prices_of([1, 2])
    assert found == {1: VariantPrice(100_000, None)}


async def test_nothing_is_asked_about_nothing() -> None:
    """Empty lists make no call, and lists beyond Shopify's limit are a mistake of ours."""
    shop = shop_of(answer({}))
    assert await shop.client.quantities_of([], [7]) == {}
    assert await shop.client.quantities_of([1], []) == {}
    assert await shop.client.spends_of([]) == {}
    assert await shop.client.prices_of([]) == {}
    with pytest.raises(ValueError, match="251"):
        await shop.client.prices_of(range(1, 252))
    assert shop.asked == []


async def test_a_call_is_made_as_shopify_asks() -> None:
    """The address has the version, the header has the token, and the time-out is known to the gate."""
    shop = variants(VARIANT)
    await shop.client.variant_page(ALL, None)
    request = shop.requests[0]
    assert str(request.url) == "http://shop.test/admin/api/2026-07/graphql.json"
    assert request.headers["x-shopify-access-token"] == TOKEN
    assert shop.gate.passed == [15.0]


async def test_a_shut_gate_sends_nothing_and_holds_no_points() -> None:
    """The gate is passed last: what was reserved for the call is free again."""
    shop = variants(VARIANT)
    shop.gate.stop = LeaseLost()
    for _ in range(40):
        with pytest.raises(LeaseLost):
            await shop.client.variant_page(ALL, None)
    assert shop.asked == []
    assert shop.clock.elapsed == 0.0


async def test_calls_are_counted() -> None:
    """Calls, their actual points and their seconds."""
    shop = shop_of(page("productVariants", [VARIANT], actual=24.0))
    shop.on_call = lambda: shop.clock.advance(0.5)
    await shop.client.variant_page(ALL, None)
    await shop.client.variant_page(ALL, None)
    metrics = shop.client.metrics
    assert (metrics.api_calls, metrics.api_points, metrics.api_seconds) == (2, 48.0, 1.0)
    assert (metrics.retries, metrics.rate_limit_wait_seconds) == (0, 0.0)


async def test_another_version_is_told_once() -> None:
    """Shopify serves the oldest version it has when ours has expired."""
    served = page("productVariants", [VARIANT])
    served.headers["X-Shopify-API-Version"] = "2026-10"
    shop = shop_of(served)
    with capture_logs() as logs:
        await shop.client.variant_page(ALL, None)
        await shop.client.variant_page(ALL, None)
    assert logs == [
        {
            "event": "shopify_serves_another_version",
            "log_level": "warning",
            "shop": "hanoi",
            "asked": "2026-07",
            "served": "2026-10",
        }
    ]
