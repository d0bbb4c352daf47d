"""What Shopify allows: sizes, costs, and the bucket, as told in every answer."""

from typing import Any

from sandbox.shopify.gids import gid

from tests.contract.sandbox.conftest import Caller, calling
from tests.contract.sandbox.test_shopify_writes import PRICES, SET, asked, entry

PAGE = "query ($first: Int!) { customers(first: $first) { nodes { id } } }"


def cost(document: dict[str, Any]) -> dict[str, Any]:
    """Take an answer's cost."""
    found: dict[str, Any] = document["extensions"]["cost"]
    return found


def code(document: dict[str, Any]) -> str:
    """Take the code of an answer's only error."""
    (error,) = document["errors"]
    return str(error["extensions"]["code"])


async def test_every_answer_tells_its_cost(box: Caller) -> None:
    """What was requested, what it did cost, and how full the bucket is."""
    document = await box.shopify(PAGE, first=250)
    rows = len(box.store.shop.customers)
    assert cost(document)["requestedQueryCost"] == 2 + 11
    assert cost(document)["actualQueryCost"] == 2 + 8  # floor(2 ln 60)
    assert 55 <= rows <= 66
    assert cost(document)["throttleStatus"].keys() == {"maximumAvailable", "currentlyAvailable", "restoreRate"}
    assert box.store.calls.points == 10


async def test_what_is_requested_must_be_in_the_bucket() -> None:
    """100 points, 5 a second: THROTTLED comes with HTTP 200, without data, and takes nothing; a second later it passes."""
    async with calling(limits_scale=0.05, customers=5) as box:
        first = await box.shopify("{ " + " ".join(f"a{n}: customersCount {{ count }}" for n in range(9)) + " }")
        assert cost(first)["throttleStatus"] == {"maximumAvailable": 100, "currentlyAvailable": 10, "restoreRate": 5}
        refused = await box.shopify(PAGE, first=250)
        assert code(refused) == "THROTTLED"
        assert "data" not in refused
        assert cost(refused) == {**cost(first), "requestedQueryCost": 13, "actualQueryCost": None}
        assert box.store.calls.refused == {"shopify customers": 1}
        box.clock.advance(0.6)
        passed = await box.shopify(PAGE, first=250)
        rows = len(passed["data"]["customers"]["nodes"])
        actual = cost(passed)["actualQueryCost"]
        assert (rows, actual) == (5, 2 + 3)
        assert cost(passed)["throttleStatus"]["currentlyAvailable"] == 13 - actual
        assert box.store.calls.points == 90 + actual


async def test_a_request_above_a_thousand_points_is_refused(box: Caller) -> None:
    """MAX_COST_EXCEEDED, by what its aliases add up to; exactly 1,000 pass."""
    aliases = " ".join(f"a{n}: customersCount {{ count }}" for n in range(100))
    assert cost(await box.shopify(f"{{ {aliases} }}"))["requestedQueryCost"] == 1_000
    document = await box.shopify(f"{{ {aliases} shop {{ name }} }}")
    assert code(document) == "MAX_COST_EXCEEDED"
    assert document["errors"][0]["extensions"] == {"code": "MAX_COST_EXCEEDED", "cost": 1_001, "maxCost": 1_000}
    assert "data" not in document


async def test_an_array_has_at_most_250_entries(box: Caller) -> None:
    """251 are refused, whether they stand in variables or in the document; 250 pass, and 1,000 variants of a product."""
    item = box.store.shop.variants.ids[0]
    for count, refused in ((250, False), (251, True)):
        document = await box.shopify(SET, input=asked([entry(item, 1)] * count), key="k")
        inline = ",".join(f'"gid://shopify/Customer/{n}"' for n in range(count))
        literal = await box.shopify(f"{{ nodes(ids: [{inline}]) {{ id }} }}")
        for answer in (document, literal):
            assert ("data" not in answer) == refused
            if refused:
                assert code(answer) == "MAX_INPUT_SIZE_EXCEEDED"
                assert "251" in answer["errors"][0]["message"]
                assert cost(answer)["actualQueryCost"] is None
    product = box.store.shop.products.ids[0]
    many = [{"id": gid("ProductVariant", 1), "price": "1"}] * 1_000
    document = await box.shopify(PRICES, product=gid("Product", product), variants=many)
    assert len(document["data"]["productVariantsBulkUpdate"]["userErrors"]) == 1_000
    document = await box.shopify(PRICES, product=gid("Product", product), variants=many * 2 + many[:49])
    assert code(document) == "MAX_INPUT_SIZE_EXCEEDED"
    assert await box.history() == []


async def test_input_that_was_too_large_is_paid_for() -> None:
    """The requested cost stays taken."""
    async with calling(limits_scale=0.05) as box:
        document = await box.shopify(SET, input=asked([entry(1, 1)] * 251), key="k")
        assert code(document) == "MAX_INPUT_SIZE_EXCEEDED"
        assert cost(document)["throttleStatus"]["currentlyAvailable"] == 100 - 10
