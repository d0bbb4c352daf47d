"""Batched writes: what is sent, what is made of refusals, and what is known after a lost answer."""

from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest
from sync_worker.adapters.shopify.client import ShopifyClient
from sync_worker.application.ports.shopify import BatchOutcome, ItemRefusal, PriceChange, QuantityChange, SpendChange
from sync_worker.domain.failures import AccessRefused, LeaseLost, MalformedAnswer, VendorRefusal, VendorUnavailable

from tests.fakes.shopify_http import ScriptedShop, Step, answer, errors, throttled, user_errors

KEY = "6b1f0e8e-0000-5000-8000-000000000000"
QUANTITIES = [QuantityChange(1, 7, 5, 3), QuantityChange(2, 7, 0, None)]
SPENDS = [SpendChange(1, 1_500_000), SpendChange(2, 0)]
PRICES = [PriceChange(11, 1_990_005_000, None), PriceChange(12, 100_000, 200_000)]

Write = Callable[[ShopifyClient], Awaitable[BatchOutcome]]


def set_quantities(client: ShopifyClient) -> Awaitable[BatchOutcome]:
    """Set two quantities."""
    return client.set_quantities(QUANTITIES, KEY)


def set_spends(client: ShopifyClient) -> Awaitable[BatchOutcome]:
    """Set two spends."""
    return client.set_spends(SPENDS)


def set_prices(client: ShopifyClient) -> Awaitable[BatchOutcome]:
    """Set two prices."""
    return client.set_prices(3, PRICES)


WRITES = [
    pytest.param(set_quantities, "inventorySetQuantities", id="quantities"),
    pytest.param(set_spends, "metafieldsSet", id="spends"),
    pytest.param(set_prices, "productVariantsBulkUpdate", id="prices"),
]
UNKEYED = WRITES[1:]
LOST: list[Any] = [
    httpx.ReadTimeout("slow"),
    httpx.ReadError("reset"),
    httpx.RemoteProtocolError("cut"),
    httpx.Response(503, text="<html>"),
    httpx.Response(200, text="<html>"),
    errors("INTERNAL_SERVER_ERROR"),
    errors("SOMETHING_NEW", data={"inventorySetQuantities": None, "metafieldsSet": None}),
    errors("IDEMPOTENCY_CONCURRENT_REQUEST"),
]
"""Answers, or none, after which a write may have been applied."""
KNOWN: list[Any] = [httpx.ConnectError("refused"), httpx.ConnectTimeout("slow"), httpx.PoolTimeout("full")]
"""A write that never left, whatever else happened."""


def refused(code: str, *path: str, message: str = "No.", **more: object) -> dict[str, object]:
    """A user error."""
    return {"code": code, "field": list(path) or None, "message": message, **more}


async def test_quantities_are_sent_with_key_and_comparison() -> None:
    """Shopify demands both: `changeFromQuantity` is there even where nothing is compared."""
    shop = ScriptedShop([user_errors("inventorySetQuantities")])
    assert await set_quantities(shop.client) == BatchOutcome(True, {})
    assert "@idempotent(key: $key)" in shop.asked[0]["query"]
    assert shop.variables == {
        "key": KEY,
        "input": {
            "name": "available",
            "reason": "correction",
            "quantities": [
                {
                    "inventoryItemId": "gid://shopify/InventoryItem/1",
                    "locationId": "gid://shopify/Location/7",
                    "quantity": 5,
                    "changeFromQuantity": 3,
                },
                {
                    "inventoryItemId": "gid://shopify/InventoryItem/2",
                    "locationId": "gid://shopify/Location/7",
                    "quantity": 0,
                    "changeFromQuantity": None,
                },
            ],
        },
    }


async def test_spends_are_sent_as_whole_numbers() -> None:
    """The metafield is `custom.total_spent`, a number_integer."""
    shop = ScriptedShop([user_errors("metafieldsSet")])
    assert await set_spends(shop.client) == BatchOutcome(True, {})
    assert shop.variables["metafields"][0] == {
        "ownerId": "gid://shopify/Customer/1",
        "namespace": "custom",
        "key": "total_spent",
        "type": "number_integer",
        "value": "1500000",
    }


async def test_prices_are_sent_exactly() -> None:
    """Prices are decimal text; null clears a compare-at price."""
    shop = ScriptedShop([user_errors("productVariantsBulkUpdate")])
    assert await set_prices(shop.client) == BatchOutcome(True, {})
    assert shop.variables == {
        "productId": "gid://shopify/Product/3",
        "variants": [
            {"id": "gid://shopify/ProductVariant/11", "price": "199000.5", "compareAtPrice": None},
            {"id": "gid://shopify/ProductVariant/12", "price": "10", "compareAtPrice": "20"},
        ],
    }


async def test_nothing_is_written_for_nothing() -> None:
    """An empty batch makes no call; one beyond Shopify's limit is a mistake of ours."""
    shop = ScriptedShop([answer({})])
    assert await shop.client.set_quantities([], KEY) == BatchOutcome(True, {})
    with pytest.raises(ValueError, match="26"):
        await shop.client.set_spends([SpendChange(1, 1)] * 26)
    assert shop.asked == []


@pytest.mark.parametrize(
    ("write", "root", "error"),
    [
        (set_quantities, "inventorySetQuantities", refused("X", "input", "quantities", "1", "inventoryItemId")),
        (set_spends, "metafieldsSet", refused("X", "metafields", "1", "ownerId")),
        (set_spends, "metafieldsSet", refused("X", elementIndex=1)),
        (set_prices, "productVariantsBulkUpdate", refused("X", "variants", "1", "price")),
    ],
)
async def test_a_refusal_names_its_entry(write: Write, root: str, error: dict[str, object]) -> None:
    """By its path, or by its index."""
    shop = ScriptedShop([user_errors(root, error)])
    assert await write(shop.client) == BatchOutcome(False, {1: ItemRefusal("X", "No.", False)})


async def test_a_refusal_that_names_no_entry_is_about_the_batch() -> None:
    """Nothing was written, and whose fault it is is not known."""
    shop = ScriptedShop([user_errors("inventorySetQuantities", refused("INVALID_NAME", "input", "name"))])
    assert await set_quantities(shop.client) == BatchOutcome(False, {}, ItemRefusal("INVALID_NAME", "No.", False))


async def test_a_lasting_error_weighs_more_than_a_passing_one() -> None:
    """An entry with both is not worth trying again as it is."""
    path = ("input", "quantities", "0", "inventoryItemId")
    stale, gone = refused("CHANGE_FROM_QUANTITY_STALE", *path), refused("INVALID_INVENTORY_ITEM", *path)
    shop = ScriptedShop([user_errors("inventorySetQuantities", stale, gone)])
    outcome = await set_quantities(shop.client)
    assert outcome.refusals[0].code == "INVALID_INVENTORY_ITEM"


@pytest.mark.parametrize(
    ("code", "retryable"),
    [
        ("CHANGE_FROM_QUANTITY_STALE", True),
        ("INTERNAL_ERROR", True),
        ("STALE_OBJECT", True),
        ("IDEMPOTENCY_PREVIOUS_ATTEMPT_FAILED", True),
        ("IDEMPOTENCY_KEY_PARAMETER_MISMATCH", False),
        ("INVALID_INVENTORY_ITEM", False),
        ("NON_MUTABLE_INVENTORY_ITEM", False),
        ("INVALID_TYPE", False),
        ("PRODUCT_VARIANT_DOES_NOT_EXIST", False),
        (None, False),
    ],
)
async def test_which_refusals_may_heal(code: str | None, retryable: bool) -> None:
    """Time heals what others changed or broke, not what we asked for."""
    error = {"code": code, "field": ["input", "quantities", "0"], "message": "No."}
    shop = ScriptedShop([user_errors("inventorySetQuantities", error)])
    assert (await set_quantities(shop.client)).refusals[0].retryable is retryable


@pytest.mark.parametrize(
    "payload",
    [
        {},
        {"userErrors": None},
        {"userErrors": ["no"]},
        {"userErrors": [{"code": "X", "field": ["input", "quantities", "2"], "message": "No."}]},
        [],
    ],
)
async def test_an_answer_without_its_errors_is_no_success(payload: object) -> None:
    """Nor is one that names an entry which was not sent: the write stays open."""
    with pytest.raises(MalformedAnswer):
        await set_quantities(ScriptedShop([answer({"inventorySetQuantities": payload})]).client)


async def test_data_beside_an_error_is_no_success() -> None:
    """A write that says both is settled by reading back."""
    step = errors("BAD_REQUEST", data={"inventorySetQuantities": {"userErrors": []}})
    with pytest.raises(MalformedAnswer):
        await set_quantities(ScriptedShop([step]).client)


@pytest.mark.parametrize(("write", "root"), WRITES)
@pytest.mark.parametrize("code", ["BAD_REQUEST", "INVALID_FIELD_ARGUMENTS", "MAX_INPUT_SIZE_EXCEEDED"])
async def test_a_request_that_is_not_run_is_refused(write: Write, root: str, code: str) -> None:
    """Shopify refuses it before it does anything, with data of null or without."""
    for step in (errors(code), errors(code, data={root: None})):
        shop = ScriptedShop([step])
        with pytest.raises(VendorRefusal) as caught:
            await write(shop.client)
        assert caught.value.code == code
        assert len(shop.asked) == 1


@pytest.mark.parametrize(("write", "root"), WRITES)
@pytest.mark.parametrize("lost", LOST)
async def test_a_write_whose_answer_is_lost_is_sent_again_as_it_was(write: Write, root: str, lost: Step) -> None:
    """The same key, the same values."""
    shop = ScriptedShop([lost, user_errors(root)])
    assert await write(shop.client) == BatchOutcome(True, {})
    assert shop.asked[0] == shop.asked[1]
    assert shop.client.metrics.retries == 1


@pytest.mark.parametrize(("write", "root"), WRITES)
@pytest.mark.parametrize("lost", LOST)
async def test_a_write_whose_answers_stay_lost_ends_unknown(write: Write, root: str, lost: Step) -> None:
    """After five attempts only reading back can tell."""
    shop = ScriptedShop([lost])
    with pytest.raises(VendorUnavailable) as caught:
        await write(shop.client)
    assert caught.value.outcome_unknown
    assert len(shop.asked) == 5


@pytest.mark.parametrize(("write", "root"), WRITES)
@pytest.mark.parametrize("step", [*KNOWN, httpx.Response(430)])
async def test_a_write_that_never_arrived_is_known_not_to_be_applied(write: Write, root: str, step: Step) -> None:
    """There was no connection, or Shopify turned it away at the door."""
    with pytest.raises(VendorUnavailable) as caught:
        await write(ScriptedShop([step]).client)
    assert not caught.value.outcome_unknown


@pytest.mark.parametrize("lost", LOST)
@pytest.mark.parametrize("then", [*KNOWN, httpx.Response(400), errors("INVALID_VARIABLE"), throttled()])
async def test_what_was_unknown_stays_unknown(lost: Step, then: Step) -> None:
    """No later refusal or failure says anything of the first sending."""
    with pytest.raises(VendorUnavailable) as caught:
        await set_quantities(ScriptedShop([lost, then]).client)
    assert caught.value.outcome_unknown


async def test_access_lost_after_a_lost_answer_leaves_the_write_open() -> None:
    """It is neither a refusal of the write nor known to be not applied."""
    with pytest.raises(AccessRefused):
        await set_quantities(ScriptedShop([LOST[0], httpx.Response(401)]).client)


@pytest.mark.parametrize(("write", "root"), UNKEYED)
async def test_without_a_key_a_later_refusal_does_not_speak_of_the_first_sending(write: Write, root: str) -> None:
    """Something may have changed in between."""
    with pytest.raises(VendorUnavailable) as caught:
        await write(ScriptedShop([LOST[0], user_errors(root, refused("X", "variants", "0"))]).client)
    assert (caught.value.outcome_unknown, caught.value.code) == (True, "X")


async def test_with_a_key_a_later_refusal_is_that_of_the_first_sending() -> None:
    """Shopify answers a repeat with what it stored under the key."""
    stale = refused("CHANGE_FROM_QUANTITY_STALE", "input", "quantities", "0", "changeFromQuantity")
    shop = ScriptedShop([LOST[0], user_errors("inventorySetQuantities", stale)])
    outcome = await set_quantities(shop.client)
    assert (outcome.applied, outcome.refusals[0].code) == (False, "CHANGE_FROM_QUANTITY_STALE")


async def test_a_key_taken_by_other_values_says_nothing_of_what_was_written() -> None:
    """Alone it is a refusal of the batch; after a lost answer it leaves the write open."""
    mismatch = user_errors("inventorySetQuantities", refused("IDEMPOTENCY_KEY_PARAMETER_MISMATCH"))
    alone = await set_quantities(ScriptedShop([mismatch]).client)
    assert alone.batch_refusal == ItemRefusal("IDEMPOTENCY_KEY_PARAMETER_MISMATCH", "No.", False)
    with pytest.raises(VendorUnavailable) as caught:
        await set_quantities(ScriptedShop([LOST[0], mismatch]).client)
    assert caught.value.outcome_unknown


@pytest.mark.parametrize("path", [(), ("input",), ("input", "quantities", "0")])
async def test_a_write_that_is_still_worked_on_is_asked_for_again(path: tuple[str, ...]) -> None:
    """With the same key, until its outcome is known; in the end it is not known."""
    running = user_errors("inventorySetQuantities", refused("IDEMPOTENCY_CONCURRENT_REQUEST", *path))
    shop = ScriptedShop([running, running, user_errors("inventorySetQuantities")])
    assert await set_quantities(shop.client) == BatchOutcome(True, {})
    assert {each["variables"]["key"] for each in shop.asked} == {KEY}
    with pytest.raises(VendorUnavailable) as caught:
        await set_quantities(ScriptedShop([running]).client)
    assert (caught.value.code, caught.value.outcome_unknown) == ("IDEMPOTENCY_CONCURRENT_REQUEST", True)


@pytest.mark.parametrize(("write", "root"), WRITES)
async def test_a_throttled_write_waits(write: Write, root: str) -> None:
    """It was not done, so it is sent when there is room, and is no retry."""
    shop = ScriptedShop([throttled(), user_errors(root)])
    assert await write(shop.client) == BatchOutcome(True, {})
    assert shop.client.metrics.retries == 0
    assert shop.client.metrics.rate_limit_wait_seconds > 0


async def test_a_lost_lease_ends_the_retries_of_a_write() -> None:
    """Nothing more is sent, and the write stays open."""
    shop = ScriptedShop([LOST[0]])

    def lose() -> None:
        shop.gate.stop = LeaseLost()

    shop.on_call = lose
    with pytest.raises(LeaseLost):
        await set_quantities(shop.client)
    assert len(shop.asked) == 1
