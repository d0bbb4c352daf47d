"""Bulk queries: what may be asked, how an operation goes, and what is in its file."""

from typing import Any

import pytest
from sandbox.shopify.gids import gid

from tests.contract.sandbox.bulk_calls import CANCEL, RUN, SHOWN, VARIANTS, finished, look, rows, run
from tests.contract.sandbox.conftest import Caller, calling
from tests.contract.sandbox.test_shopify_reads import walk

PLAIN = {
    "productVariants": "__typename id legacyResourceId title displayName sku barcode price compareAtPrice inventoryQuantity "
    "updatedAt item: inventoryItem { __typename id sku tracked level: inventoryLevel("
    'locationId: "gid://shopify/Location/64000000007") { id isActive location { name } quantities(names: "available") '
    "{ name quantity } } } product { id title status hasOnlyDefaultVariant updatedAt }",
    "products": "id title status hasOnlyDefaultVariant updatedAt",
    "customers": "id legacyResourceId firstName lastName displayName note numberOfOrders updatedAt "
    "amountSpent { __typename amount currencyCode } defaultEmailAddress { emailAddress } defaultPhoneNumber { phoneNumber } "
    'defaultAddress { id phone } metafield(key: "total_spent") { id value }',
    "locations": "id name isActive",
}
NESTED = "{ products { edges { node { id variants { edges { node { sku ofItem: id } } } } } } }"
PRODUCT = "{{ products {{ edges {{ node {{ {} }} }} }} }}"
EDGES = "variants { edges { node { id } } }"
LEVELS = "inventoryItem { id inventoryLevels { edges { node { id } } } }"
SLOW = 100.0


@pytest.mark.parametrize("root", PLAIN)
async def test_lines_show_what_pages_show(box: Caller, root: str) -> None:
    """Every field, with aliases and arguments, in the order of ids; size, cursor and order of pages have no effect."""
    paged = f"query ($first: Int!, $after: String) {{ {root}(first: $first, after: $after, sortKey: ID) "
    paged += f"{{ nodes {{ {PLAIN[root]} }} pageInfo {{ hasNextPage endCursor }} }} }}"
    bulk = f"query Named {{ {root}(first: 2, reverse: true) {{ pageInfo {{ hasNextPage }} "
    bulk += f"edges {{ cursor node {{ {PLAIN[root]} }} }} }} }}"
    found = await rows(box, bulk)
    assert found == await walk(box, paged, root, 250)
    assert len(found) > 2


async def test_a_search_chooses_rows(box: Caller) -> None:
    """As in a page; one that nothing fits has no file."""
    shop = box.store.shop
    drafts = [gid("Product", one) for one, product in shop.products.items() if product.status == "DRAFT"]
    assert [
        row["id"] for row in await rows(box, '{ products(query: "status:draft") { edges { node { id } } } }')
    ] == drafts
    nothing = await finished(box, '{ customers(query: "id:1") { edges { node { id } } } }')
    assert (nothing["status"], nothing["objectCount"], nothing["url"], nothing["fileSize"]) == (
        "COMPLETED",
        "0",
        None,
        None,
    )


async def test_only_active_locations_unless_all_are_asked_for(box: Caller) -> None:
    """As in a page."""
    box.store.shop.locations[64_000_000_009].active = False
    assert len(await rows(box, "{ locations { edges { node { id } } } }")) == 2
    assert len(await rows(box, "{ locations(includeInactive: true) { edges { node { id } } } }")) == 3


async def test_grouped_children_stand_below_their_parents(box: Caller) -> None:
    """Each product, then its variants, whose parent is named last."""
    shop = box.store.shop
    expected: list[dict[str, Any]] = []
    for one in shop.products.ids:
        expected.append({"id": gid("Product", one)})
        expected += [
            {
                "sku": shop.variants[each].sku,
                "ofItem": gid("ProductVariant", each),
                "__parentId": gid("Product", one),
            }
            for each in shop.products[one].variant_ids
        ]
    assert await rows(box, NESTED, grouped=True) == expected


async def test_ungrouped_children_stand_anywhere(box: Caller) -> None:
    """Before and behind their parents, never lost; parents in the order of their ids; the same result every time."""
    strewn = await rows(box, NESTED)
    grouped = await rows(box, NESTED, grouped=True)
    key = repr
    assert sorted(strewn, key=key) == sorted(grouped, key=key)
    places = {row["id"]: place for place, row in enumerate(strewn) if "id" in row}
    assert list(places) == [gid("Product", one) for one in box.store.shop.products.ids]
    before = [place < places[row["__parentId"]] for place, row in enumerate(strewn) if "__parentId" in row]
    assert 0 < sum(before) < len(before)
    assert await rows(box, NESTED) == strewn


async def test_lists_of_objects_in_a_node_and_lists_in_lists(box: Caller) -> None:
    """The parent of what a list holds is the node that the list is found in, however deep."""
    shop = box.store.shop
    found = await rows(box, f"{{ productVariants {{ edges {{ node {{ id {LEVELS} }} }} }} }}", grouped=True)
    parents = [(row["id"], row["__parentId"]) for row in found if "__parentId" in row]
    assert parents == [
        (
            f"{gid('InventoryLevel', place)}?inventory_item_id={variant.inventory_item_id}",
            gid("ProductVariant", variant.variant_id),
        )
        for variant in (shop.variants[one] for one in shop.variants.ids)
        for place in sorted(variant.quantities)
    ]
    assert found[0]["inventoryItem"] == {
        "id": gid("InventoryItem", shop.variants[shop.variants.ids[0]].inventory_item_id)
    }
    deep = PRODUCT.format(f"id variants {{ edges {{ node {{ id {LEVELS} }} }} }}")
    payload = (await box.data(RUN, query=deep))["bulkOperationRunQuery"]
    assert "nesting depth greater than 2" in payload["userErrors"][0]["message"]


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("{ products { nodes { id } } }", "Selecting via 'nodes' is not supported"),
        ("{ products { edges { cursor } } }", "must select their contents using 'edges' > 'node'"),
        (PRODUCT.format(f"id {EDGES.replace('edges { node { id } }', 'nodes { id }')}"), "fields: 'variants'"),
        (PRODUCT.format(f"title {EDGES}"), "Connection fields without 'id': products."),
        (PRODUCT.format(f"key: id {EDGES}"), "Connection fields without 'id': products."),
        (PRODUCT.format("id " + " ".join(f"v{n}: {EDGES}" for n in range(5))), "more than 5 connections"),
        ("{ shop { name } }", "at least one connection"),
        ('{ node(id: "gid://shopify/Product/1") { id } }', "top level `node`"),
        ('{ nodes(ids: ["gid://shopify/Product/1"]) { id } }', "top level `node`"),
        (f"{VARIANTS[:-1]} products {{ edges {{ node {{ id }} }} }} }}", "exactly one top-level field"),
        ("mutation { bulkOperationCancel(id: 1) { bulkOperation { id } } }", "Only `query` operations"),
        ("query ($q: String) { products(query: $q) { edges { node { id } } } }", "variables"),
        ("{ products { edges { node { shoeSize } } } }", "shoeSize"),
        ("{ products { edges", "Syntax Error"),
        ("{ products { edges { node { ...p } } } } fragment p on Product { id }", "without fragments"),
        ("{ bulkOperations { edges { node { id } } } }", "The sandbox runs bulk queries of"),
        ("# " + "x" * 65_534 + "\n" + VARIANTS, "at most 65535 bytes"),
    ],
)
async def test_what_cannot_be_run_is_said(box: Caller, query: str, message: str) -> None:
    """Beside HTTP 200, as INVALID; nothing is started."""
    payload = (await box.data(RUN, query=query))["bulkOperationRunQuery"]
    assert payload["bulkOperation"] is None
    (error,) = payload["userErrors"]
    assert (error["code"], error["field"]) == ("INVALID", ["query"])
    assert message in error["message"]
    assert box.store.shop.bulk.known == {}


async def test_as_much_as_may_be_is_run(box: Caller) -> None:
    """Five connections, two levels, a query of 65,535 bytes."""
    query = PRODUCT.format("id " + " ".join(f"v{n}: {EDGES}" for n in range(4)))
    query += "#" * (65_535 - len(query))
    found = await rows(box, query)
    shop = box.store.shop
    assert len(found) == len(shop.products) + 4 * len(shop.variants)


async def test_an_operation_takes_its_time() -> None:
    """It is made, runs, counts what it has, and is done; its text is that which was sent; it is a node like others."""
    async with calling(bulk_seconds=SLOW) as box:
        total = len(box.store.shop.variants)
        begun = await run(box, VARIANTS)
        assert begun["status"] == "CREATED"
        assert (begun["type"], begun["query"]) == ("QUERY", VARIANTS)
        assert await look(box, begun) == begun
        for share in (0.25, 0.75):
            box.clock.advance(SLOW * share - (box.clock.elapsed))
            found = await look(box, begun)
            assert found["status"] == "RUNNING"
            assert found["objectCount"] == found["rootObjectCount"] == str(int(total * share))
            assert (found["url"], found["completedAt"], found["fileSize"]) == (None, None, None)
        box.clock.advance(SLOW / 4)
        found = await look(box, begun)
        assert (found["status"], found["objectCount"], found["errorCode"]) == ("COMPLETED", str(total), None)
        assert found["createdAt"] == begun["createdAt"] < found["completedAt"]
        as_node = await box.data(
            f"query ($id: ID!) {{ node(id: $id) {{ ... on BulkOperation {{ {SHOWN} }} }} }}", id=found["id"]
        )
        assert as_node == {"node": found}


async def test_however_quick_it_is_it_has_only_begun_when_it_is_started(box: Caller) -> None:
    """The answer to the start never has a result."""
    begun = await run(box)
    assert (begun["status"], begun["objectCount"], begun["url"], begun["completedAt"]) == ("CREATED", "0", None, None)
    assert (await look(box, begun))["status"] == "COMPLETED"


async def test_what_calls_cost(box: Caller) -> None:
    """Ten points to start one, one to look at it; an operation that is not there is null."""
    document = await box.shopify(RUN, query=VARIANTS)
    assert document["extensions"]["cost"]["actualQueryCost"] == 10
    begun = document["data"]["bulkOperationRunQuery"]["bulkOperation"]
    for one, found in ((begun["id"], begun["id"]), (gid("BulkOperation", 1), None), ("nonsense", None)):
        document = await box.shopify("query ($id: ID!) { bulkOperation(id: $id) { id } }", id=one)
        assert document["extensions"]["cost"]["requestedQueryCost"] == 1
        assert document["data"]["bulkOperation"] == (found and {"id": found})


async def test_five_at_a_time() -> None:
    """A sixth is told which are under way; one that is being cancelled holds its slot; other shops have slots of their own."""
    async with calling(bulk_seconds=SLOW) as box:
        begun = [await run(box) for _ in range(5)]
        payload = (await box.data(RUN, query=VARIANTS))["bulkOperationRunQuery"]
        assert payload["bulkOperation"] is None
        (error,) = payload["userErrors"]
        assert (error["code"], error["field"]) == ("OPERATION_IN_PROGRESS", None)
        assert all(one["id"] in error["message"] for one in begun)
        canceled = (await box.data(CANCEL, id=begun[2]["id"]))["bulkOperationCancel"]
        assert canceled == {"bulkOperation": {"id": begun[2]["id"], "status": "CANCELING"}, "userErrors": []}
        assert (await box.data(RUN, query=VARIANTS))["bulkOperationRunQuery"]["userErrors"][0]["code"] == error["code"]
        box.clock.advance(1)
        assert (await look(box, begun[2]))["status"] == "CANCELED"
        await run(box)
        assert (await box.data(RUN, query=VARIANTS))["bulkOperationRunQuery"]["bulkOperation"] is None
        box.clock.advance(SLOW)
        await run(box)


async def test_a_cancelled_operation_has_no_result() -> None:
    """It counts what it had, never goes on, and cannot be cancelled again; nor can one that is done, or none."""
    async with calling(bulk_seconds=SLOW) as box:
        canceled, other = await run(box), await run(box)
        box.clock.advance(SLOW / 2)
        for _ in range(2):
            assert (await box.data(CANCEL, id=canceled["id"]))["bulkOperationCancel"]["userErrors"] == []
        box.clock.advance(SLOW)
        found = await look(box, canceled)
        assert (found["status"], found["url"], found["partialDataUrl"]) == ("CANCELED", None, None)
        assert found["objectCount"] == str(len(box.store.shop.variants) // 2)
        assert found["createdAt"] < found["completedAt"]
        for one, ended in ((canceled, "canceled"), (other, "completed")):
            payload = (await box.data(CANCEL, id=one["id"]))["bulkOperationCancel"]
            assert payload["bulkOperation"] == {"id": one["id"], "status": ended.upper()}
            assert ended in payload["userErrors"][0]["message"]
        payload = (await box.data(CANCEL, id=gid("BulkOperation", 1)))["bulkOperationCancel"]
        assert payload["bulkOperation"] is None
        assert payload["userErrors"][0]["field"] == ["id"]


async def test_operations_are_listed() -> None:
    """By when they were made or when they ended, filtered by what they are and where they stand, page by page."""
    async with calling(bulk_seconds=SLOW) as box:
        made = []
        for _ in range(3):
            made.append((await run(box))["id"])
            box.clock.advance(10)
        await box.data(CANCEL, id=made[1])
        box.clock.advance(1)
        query = """query ($first: Int = 10, $after: String, $query: String, $key: BulkOperationsSortKeys, $reverse: Boolean) {
          bulkOperations(first: $first, after: $after, query: $query, sortKey: $key, reverse: $reverse) {
            nodes { id } pageInfo { hasNextPage endCursor }
          }
        }"""

        async def listed(**asked: Any) -> list[str]:
            return [row["id"] for row in (await box.data(query, **asked))["bulkOperations"]["nodes"]]

        assert await listed() == made
        assert await listed(reverse=True) == made[::-1]
        assert await listed(key="COMPLETED_AT") == [made[1], made[0], made[2]]
        assert await listed(query="status:canceled") == [made[1]]
        assert await listed(query="status:RUNNING operation_type:query") == [made[0], made[2]]
        assert await listed(query="operation_type:mutation") == []
        assert await listed(query=f"id:>{made[0].rsplit('/', 1)[1]}") == made[1:]
        third = await look(box, {"id": made[2]})
        assert await listed(query=f"created_at:>='{third['createdAt']}'") == [made[2]]
        page = (await box.data(query, first=2))["bulkOperations"]
        assert page["pageInfo"]["hasNextPage"]
        assert await listed(after=page["pageInfo"]["endCursor"]) == [made[2]]
        current = await box.data("{ currentBulkOperation { id } none: currentBulkOperation(type: MUTATION) { id } }")
        assert current == {"currentBulkOperation": {"id": made[2]}, "none": None}


async def test_a_result_is_kept_for_a_week(box: Caller) -> None:
    """Then the operation has expired, and its address leads nowhere."""
    found = await finished(box)
    box.clock.advance(7 * 86_400 - 1)
    assert (await look(box, found))["url"] == found["url"]
    box.clock.advance(1)
    expired = await look(box, found)
    assert (expired["status"], expired["url"]) == ("EXPIRED", None)
    assert (await box.http.get(found["url"])).status_code == 403


async def test_parts_of_a_file(box: Caller) -> None:
    """From a byte on, or between two; behind the end there is none. No token is needed; another address leads nowhere."""
    url = (await finished(box))["url"]
    whole = (await box.http.get(url)).content
    size = len(whole)
    for asked, part in (("0-", whole), ("7-", whole[7:]), ("7-99", whole[7:100]), (f"7-{size * 2}", whole[7:])):
        response = await box.http.get(url, headers={"Range": f"bytes={asked}"})
        assert (response.status_code, response.content) == (206, part)
        begin = int(asked.split("-")[0])
        assert response.headers["content-range"] == f"bytes {begin}-{begin + len(part) - 1}/{size}"
    response = await box.http.get(url, headers={"Range": f"bytes={size}-"})
    assert (response.status_code, response.headers["content-range"]) == (416, f"bytes */{size}")
    assert (await box.http.get(url, headers={"Range": "lines=1-"})).content == whole
    assert (await box.http.get(url.replace("life=0", "life=1"))).status_code == 403
    assert (await box.http.get(url.replace("/bulk/4", "/bulk/5"))).status_code == 404
    assert (await box.http.get(url.replace("hanoi", "nobody"))).status_code == 404


async def test_a_file_is_not_there_before_its_operation_is_done() -> None:
    """Whoever guesses its address is refused."""
    async with calling(bulk_seconds=SLOW) as box:
        begun = await run(box)
        box.clock.advance(SLOW)
        url = (await look(box, begun))["url"]
        number = int(begun["id"].rsplit("/", 1)[1])
        later = await run(box)
        assert later["id"].endswith(str(number + 1))
        assert (await box.http.get(url)).status_code == 200
        assert (await box.http.get(url.replace(str(number), str(number + 1)))).status_code == 403


async def test_a_prepared_result_is_written_anew_after_a_write() -> None:
    """Until then it is the same bytes, whatever the query is named."""
    async with calling(prepared=True) as box:
        query = "{ productVariants { edges { node { id price } } } }"
        known = box.store.shop.bulk.known
        for text in (query, f"query Again {query}", f"query Other {query}"):
            await run(box, text)
        first, *others = [one.content for one in known.values()]
        assert all(each is first for each in others)
        variant = box.store.shop.variants[box.store.shop.variants.ids[0]]
        update = """mutation ($product: ID!, $variants: [ProductVariantsBulkInput!]!) {
          productVariantsBulkUpdate(productId: $product, variants: $variants) { userErrors { message } }
        }"""
        given = [{"id": gid("ProductVariant", variant.variant_id), "price": "123456.00"}]
        await box.data(update, product=gid("Product", variant.product_id), variants=given)
        assert {"id": given[0]["id"], "price": "123456.00"} in await rows(box, query)
