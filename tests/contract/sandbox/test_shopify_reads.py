"""What Shopify's API answers to questions, over HTTP."""

from typing import Any

import pytest
from sandbox.shopify.gids import gid

from tests.contract.sandbox.conftest import Caller, calling

VARIANTS = """
query ($first: Int!, $after: String, $query: String, $reverse: Boolean) {
  productVariants(first: $first, after: $after, query: $query, reverse: $reverse) {
    nodes {
      id legacyResourceId title displayName sku barcode price compareAtPrice inventoryQuantity updatedAt
      product { id title status hasOnlyDefaultVariant }
      inventoryItem { id sku tracked }
    }
    pageInfo { hasNextPage endCursor }
  }
}
"""
CUSTOMERS = """
query ($first: Int!, $after: String, $query: String, $sortKey: CustomerSortKeys) {
  customers(first: $first, after: $after, query: $query, sortKey: $sortKey) {
    nodes {
      id firstName lastName displayName note numberOfOrders amountSpent { amount currencyCode } updatedAt
      defaultEmailAddress { emailAddress } defaultPhoneNumber { phoneNumber } defaultAddress { phone }
      metafield(namespace: "custom", key: "total_spent") { value }
    }
    pageInfo { hasNextPage endCursor }
  }
}
"""


async def walk(box: Caller, query: str, root: str, first: int, /, **asked: Any) -> list[dict[str, Any]]:
    """Read a connection to its end."""
    rows: list[dict[str, Any]] = []
    after, more = None, True
    while more:
        page = (await box.data(query, first=first, after=after, **asked))[root]
        rows += page["nodes"]
        assert len(page["nodes"]) == first or not page["pageInfo"]["hasNextPage"]
        after, more = page["pageInfo"]["endCursor"], page["pageInfo"]["hasNextPage"]
    return rows


@pytest.mark.parametrize("reverse", [False, True])
async def test_variants_come_in_pages(box: Caller, reverse: bool) -> None:
    """Every one once, in order of id, as the shop has it; money as text with two decimals."""
    rows = await walk(box, VARIANTS, "productVariants", 25, reverse=reverse)
    shop = box.store.shop
    variants = [shop.variants[one] for one in sorted(shop.variants, reverse=reverse)]
    assert [row["id"] for row in rows] == [gid("ProductVariant", each.variant_id) for each in variants]
    for row, variant in zip(rows, variants, strict=True):
        product = shop.products[variant.product_id]
        assert (row["sku"], row["barcode"]) == (variant.sku, variant.barcode)
        assert row["price"] == f"{variant.price}.00"
        assert row["inventoryItem"]["id"] == gid("InventoryItem", variant.inventory_item_id)
        assert row["inventoryQuantity"] == sum(variant.quantities.values())
        assert row["product"]["id"] == gid("Product", product.product_id)
        assert row["product"]["hasOnlyDefaultVariant"] == (variant.title == "Default Title")
        assert row["displayName"].startswith(product.title)


async def test_customers_come_in_pages(box: Caller) -> None:
    """By id, and by the hour of their change; what a customer lacks is null."""
    rows = await walk(box, CUSTOMERS, "customers", 20)
    known = box.store.shop.customers
    assert [row["id"] for row in rows] == [gid("Customer", one) for one in known.ids]
    changed = await walk(box, CUSTOMERS, "customers", 20, sortKey="UPDATED_AT")
    by_hour = sorted(known.values(), key=lambda each: (each.updated_at, each.customer_id))
    assert [row["id"] for row in changed] == [gid("Customer", each.customer_id) for each in by_hour]
    for row, customer in zip(rows, (known[one] for one in known.ids), strict=True):
        phone, email, address = row["defaultPhoneNumber"], row["defaultEmailAddress"], row["defaultAddress"]
        assert (phone and phone["phoneNumber"]) == customer.phone
        assert (email and email["emailAddress"]) == customer.email
        assert (address and address["phone"]) == customer.address_phone
        assert row["amountSpent"] == {"amount": f"{customer.amount_spent}.0", "currencyCode": "VND"}
        assert row["metafield"] is None


async def test_search_words_choose_rows(box: Caller) -> None:
    """By status, by the hour of the change; the counts agree with the lists."""
    shop = box.store.shop
    hour = "2026-03-01T00:00:00Z"
    later = {gid("Customer", one) for one, row in shop.customers.items() if row.updated_at >= 1_772_323_200}
    found = await walk(box, CUSTOMERS, "customers", 250, query=f"updated_at:>='{hour}'")
    assert {row["id"] for row in found} == later
    assert 0 < len(later) < len(shop.customers)
    active = await walk(box, VARIANTS, "productVariants", 250, query="product_status:active")
    assert 0 < len(active) < len(shop.variants)
    assert {row["product"]["status"] for row in active} == {"ACTIVE"}
    counts = await box.data(
        "query ($q: String) { a: customersCount(query: $q) { count precision } p: productsCount { count }"
        ' b: productVariantsCount(query: "product_status:active") { count } c: customersCount(limit: 3) { count precision } }',
        q=f"updated_at:>='{hour}'",
    )
    assert counts == {
        "a": {"count": len(later), "precision": "EXACT"},
        "p": {"count": len(shop.products)},
        "b": {"count": len(active)},
        "c": {"count": 3, "precision": "AT_LEAST"},
    }


@pytest.mark.parametrize("prepared", [False, True])
async def test_fields_that_cannot_be_searched_by_are_warned_of(prepared: bool) -> None:
    """They are ignored, everything comes, and the answer says so each time, by the name that each list has in it."""
    document = "query ($q: String) { mine: customers(first: 250, query: $q) { nodes { id } } "
    document += "customersCount(query: $q) { count } }"
    async with calling(prepared=prepared) as box:
        known = len(box.store.shop.customers)
        warning = {"field": "shoe_size", "message": "Invalid search field for this query.", "code": "invalid_field"}
        for _ in range(2):
            answer = await box.shopify(document, q="shoe_size:42")
            assert len(answer["data"]["mine"]["nodes"]) == answer["data"]["customersCount"]["count"] == known
            assert answer["extensions"]["search"] == [
                {"path": [name], "query": "shoe_size:42", "warnings": [warning]} for name in ("mine", "customersCount")
            ]
        assert "search" not in (await box.shopify(document, q="orders_count:>=0"))["extensions"]


async def test_products_hold_their_variants(box: Caller) -> None:
    """Nested pages, by edges too."""
    data = await box.data(
        "{ products(first: 250) { edges { cursor node { id title variants(first: 10) { nodes { id } } } } } }"
    )
    shop = box.store.shop
    found = {edge["node"]["id"]: edge["node"]["variants"]["nodes"] for edge in data["products"]["edges"]}
    assert found == {
        gid("Product", one): [{"id": gid("ProductVariant", each)} for each in product.variant_ids]
        for one, product in shop.products.items()
    }


async def test_locations_come_by_name_unless_by_id(box: Caller) -> None:
    """The inactive ones only where they are asked for."""
    query = "query ($all: Boolean, $key: LocationSortKeys, $reverse: Boolean) { locations(first: 10, includeInactive: $all, "
    query += "sortKey: $key, reverse: $reverse) { nodes { name isActive } } }"

    async def names(**asked: Any) -> list[str]:
        return [row["name"] for row in (await box.data(query, **asked))["locations"]["nodes"]]

    assert await names() == ["Main warehouse", "Pop-up", "Store"]
    assert await names(reverse=True) == ["Store", "Pop-up", "Main warehouse"]
    assert await names(key="ID") == ["Main warehouse", "Store", "Pop-up"]
    box.store.shop.locations[64_000_000_009].active = False
    assert await names() == ["Main warehouse", "Pop-up"]
    assert await names(all=True) == ["Main warehouse", "Pop-up", "Store"]


async def test_things_are_found_by_id(box: Caller) -> None:
    """One or many; null stands where there is no such thing."""
    shop = box.store.shop
    variant = next(iter(shop.variants.values()))
    ids = {
        "productVariant": gid("ProductVariant", variant.variant_id),
        "product": gid("Product", variant.product_id),
        "inventoryItem": gid("InventoryItem", variant.inventory_item_id),
        "customer": gid("Customer", shop.customers.ids[0]),
        "location": gid("Location", 64_000_000_007),
    }
    for field, one in ids.items():
        assert await box.data(f"query ($id: ID!) {{ {field}(id: $id) {{ id }} }}", id=one) == {field: {"id": one}}
        assert await box.data(f"query ($id: ID!) {{ {field}(id: $id) {{ id }} }}", id="gid://x") == {field: None}
        assert await box.data("query ($id: ID!) { node(id: $id) { id } }", id=one) == {"node": {"id": one}}
    many = [*ids.values(), gid("Customer", 1), "nonsense"]
    found = (await box.data("query ($ids: [ID!]!) { nodes(ids: $ids) { id __typename } }", ids=many))["nodes"]
    assert [row and row["id"] for row in found] == [*ids.values(), None, None]
    assert await box.data("{ shop { name currencyCode } location { id } }") == {
        "shop": {"name": "Sandbox hanoi", "currencyCode": "VND"},
        "location": {"id": ids["location"]},
    }


async def test_an_item_tells_of_its_levels(box: Caller) -> None:
    """What is available where; null where it is not stocked."""
    shop = box.store.shop
    variant = next(each for each in shop.variants.values() if len(each.quantities) == 2)
    item = gid("InventoryItem", variant.inventory_item_id)
    level = '{ id isActive location { id } quantities(names: ["available"]) { name quantity } }'
    data = await box.data(
        f"query ($id: ID!, $here: ID!, $there: ID!) {{ inventoryItem(id: $id) {{"
        f" here: inventoryLevel(locationId: $here) {level} there: inventoryLevel(locationId: $there) {level}"
        f" inventoryLevels(first: 10) {{ nodes {level} }} }} }}",
        id=item,
        here=gid("Location", 64_000_000_007),
        there=gid("Location", 64_000_000_011),
    )
    found = data["inventoryItem"]
    assert found["there"] is None
    assert found["here"] == found["inventoryLevels"]["nodes"][0]
    assert found["here"]["id"].endswith(f"?inventory_item_id={variant.inventory_item_id}")
    assert [row["quantities"][0]["quantity"] for row in found["inventoryLevels"]["nodes"]] == list(
        variant.quantities.values()
    )


async def test_bad_questions_are_errors_beside_http_200(box: Caller) -> None:
    """Each has its code; none is an empty page."""
    for code, query, variables in (
        ("BAD_REQUEST", "{ customers { nodes { id } } }", {}),
        ("BAD_REQUEST", "{ customers(first: 251) { nodes { id } } }", {}),
        ("BAD_REQUEST", '{ customers(first: 1, after: "x") { nodes { id } } }', {}),
        ("BAD_REQUEST", "{ customers(first: 1) { nodes { shoeSize } } }", {}),
        ("BAD_REQUEST", "{ customers(first: 1", {}),
        ("BAD_REQUEST", "query A { shop { name } } query B { shop { name } }", {}),
        ("INVALID_VARIABLE", CUSTOMERS, {}),
        ("INVALID_VARIABLE", CUSTOMERS, {"first": "many"}),
    ):
        document = await box.shopify(query, **variables)
        assert document["errors"][0]["extensions"]["code"] == code
        assert document["errors"][0]["message"]
        assert not document.get("data")


async def test_the_door(box: Caller) -> None:
    """Tokens, shops, bodies, and the version that was served: the oldest, where the one that was asked for is gone."""
    query = "{ shop { name } }"
    response = await box.post_shopify(query, token="shpat_another")
    assert response.status_code == 401
    assert "access token" in response.json()["errors"]
    response = await box.post_shopify(query, path="/shopify/nobody/admin/api/2026-07/graphql.json")
    assert response.status_code == 404
    served = {"2026-07": "2026-07", "2026-10": "2026-10", "2020-01": "2026-04", "unknown": "2026-04"}
    for path, version in served.items():
        response = await box.post_shopify(query, path=f"/shopify/hanoi/admin/api/{path}/graphql.json")
        assert response.status_code == 200
        assert response.headers["x-shopify-api-version"] == version
        assert response.headers["x-request-id"]
    headers = {"X-Shopify-Access-Token": box.store.shop.access_token}
    for content in (b"{", b"[]", b"{}", b'{"query": "{shop{name}}", "variables": [1]}'):
        response = await box.http.post(
            "/shopify/hanoi/admin/api/2026-07/graphql.json", headers=headers, content=content
        )
        assert response.status_code == 400
