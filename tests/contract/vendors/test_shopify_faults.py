"""The Shopify client under every fault of the sandbox's Shopify, over HTTP."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

import pytest
from sandbox.faults import FaultKind
from sync_worker.adapters.endless_lists import MOST_EMPTY_PAGES
from sync_worker.adapters.shopify.client import ShopifyClient
from sync_worker.application.ports.shopify import BatchOutcome, ItemRefusal, PriceChange, QuantityChange, SpendChange
from sync_worker.domain.failures import AccessRefused, MalformedAnswer, VendorFailure, VendorUnavailable

from tests.fakes.shopify_shop import SandboxShop, a_shopify_shop, every_customer, every_variant

KEY = "00000000-0000-5000-8000-000000000002"

Call = Callable[[ShopifyClient], Awaitable[object]]

HEALING = [
    FaultKind.HTTP_429,
    FaultKind.HTTP_503,
    FaultKind.HTML,
    FaultKind.TIMEOUT,
    FaultKind.LOCK,
    FaultKind.THROTTLED,
    FaultKind.DROP_AFTER_COMMIT,
]
PAGES = [FaultKind.SHORT_PAGE, FaultKind.EMPTY_PAGE]
LASTING = [
    (FaultKind.HTTP_429, VendorUnavailable, "HTTP_429"),
    (FaultKind.HTTP_503, VendorUnavailable, "HTTP_503"),
    (FaultKind.HTML, VendorUnavailable, "NOT_JSON"),
    (FaultKind.TIMEOUT, VendorUnavailable, "HTTP_504"),
    (FaultKind.LOCK, VendorUnavailable, "THROTTLED"),
    (FaultKind.THROTTLED, VendorUnavailable, "THROTTLED"),
    (FaultKind.DROP_AFTER_COMMIT, VendorUnavailable, "CONNECTION_LOST"),
    (FaultKind.INVALID_TOKEN, AccessRefused, "INVALID_TOKEN"),
]
LISTS: dict[str, Call] = {
    "productVariants": every_variant,
    "customers": every_customer,
    "locations": lambda client: client.locations(),
}


def read_backs(shop: SandboxShop) -> Mapping[str, Call]:
    """Read-backs of what the shop has."""
    known = shop.world.shop
    variants = list(known.variants.values())[:20]
    return {
        "quantities": lambda client: client.quantities_of(
            [variant.inventory_item_id for variant in variants], list(known.locations)
        ),
        "spends": lambda client: client.spends_of(list(known.customers)[:20]),
        "prices": lambda client: client.prices_of([variant.variant_id for variant in variants]),
    }


@pytest.mark.parametrize("kind", HEALING + PAGES)
async def test_a_passing_fault_costs_no_row(kind: FaultKind) -> None:
    """At the first page or later, every row of every list comes exactly once."""
    async with a_shopify_shop() as shop:
        for operation, read in LISTS.items():
            whole = await read(shop.client())
            for skip in (0, 1):
                shop.fault(kind, operation, skip=skip, times=2)
                assert await read(shop.client()) == whole
        assert shop.world.calls.faulted["shopify productVariants"] == 4
        assert shop.world.calls.faulted["shopify customers"] == 4


@pytest.mark.parametrize("kind", HEALING)
async def test_a_passing_fault_costs_no_reading(kind: FaultKind) -> None:
    """Read-backs are complete too."""
    async with a_shopify_shop() as shop:
        for read in read_backs(shop).values():
            whole = await read(shop.client())
            shop.fault(kind, "nodes", times=2)
            assert await read(shop.client()) == whole
        assert shop.world.calls.faulted == {"shopify nodes": 6}


@pytest.mark.parametrize(("kind", "failure", "code"), LASTING)
async def test_a_lasting_fault_is_a_typed_failure(kind: FaultKind, failure: type[VendorFailure], code: str) -> None:
    """Of every read: never an empty answer, and never without an end."""
    async with a_shopify_shop() as shop:
        shop.fault(kind, "*", times=-1)
        for read in (*LISTS.values(), *read_backs(shop).values()):
            with pytest.raises(failure) as raised:
                await read(shop.client())
            assert raised.value.code == code
            assert not getattr(raised.value, "outcome_unknown", False)


@pytest.mark.parametrize("operation", ["productVariants", "customers"])
async def test_a_repeated_cursor_is_malformed(operation: str) -> None:
    """A list that would never end is not read for ever."""
    async with a_shopify_shop() as shop:
        shop.fault(FaultKind.REPEAT_CURSOR, operation, times=-1)
        with pytest.raises(MalformedAnswer):
            await LISTS[operation](shop.client())


@pytest.mark.parametrize("operation", LISTS)
async def test_a_list_that_never_ends_is_given_up(operation: str) -> None:
    """Empty pages that each lead to another are read over as far as is thinkable, and no further."""
    async with a_shopify_shop() as shop:
        shop.fault(FaultKind.EMPTY_PAGE, operation, times=-1)
        with pytest.raises(MalformedAnswer, match=f"{operation} does not end"):
            await LISTS[operation](shop.client())
        assert shop.world.calls.faulted == {f"shopify {operation}": MOST_EMPTY_PAGES + 1}


async def test_a_held_call_goes_on_when_it_is_let_go() -> None:
    """An answer that is only slow is an answer."""
    async with a_shopify_shop() as shop:
        shop.fault(FaultKind.HOLD, "locations")
        reading = asyncio.ensure_future(shop.client().locations())
        await asyncio.wait_for(_held(shop), 10)
        shop.plan([])
        assert len(await reading) == len(shop.world.shop.locations)


async def _held(shop: SandboxShop) -> None:
    """Give the loop to others until a call is held."""
    while not shop.world.calls.held["shopify locations"]:  # noqa: ASYNC110 - the sandbox counts, and tells nobody
        await asyncio.sleep(0)


class Writes:
    """One write of each kind to a shop, and what it must leave there."""

    def __init__(self, shop: SandboxShop) -> None:
        known = shop.world.shop
        variant = next(iter(known.variants.values()))
        place, quantity = next(iter(variant.quantities.items()))
        customer = next(iter(known.customers))
        self.operations: dict[str, tuple[Callable[[ShopifyClient], Awaitable[BatchOutcome]], set[tuple[str, str]]]] = {
            "inventorySetQuantities": (
                lambda client: client.set_quantities(
                    [QuantityChange(variant.inventory_item_id, place, quantity + 1, quantity)], KEY
                ),
                {
                    (
                        f"gid://shopify/InventoryItem/{variant.inventory_item_id} gid://shopify/Location/{place}",
                        str(quantity + 1),
                    )
                },
            ),
            "metafieldsSet": (
                lambda client: client.set_spends([SpendChange(customer, 77_000)]),
                {(f"gid://shopify/Customer/{customer}", "77000")},
            ),
            "productVariantsBulkUpdate": (
                lambda client: client.set_prices(
                    variant.product_id, [PriceChange(variant.variant_id, 1_234_560_000, 2_000_000_000)]
                ),
                {
                    (f"gid://shopify/ProductVariant/{variant.variant_id} price", "123456.00"),
                    (f"gid://shopify/ProductVariant/{variant.variant_id} compareAtPrice", "200000.00"),
                },
            ),
        }


WRITES = ["inventorySetQuantities", "metafieldsSet", "productVariantsBulkUpdate"]


@pytest.mark.parametrize("kind", HEALING)
async def test_a_passing_fault_costs_no_write(kind: FaultKind) -> None:
    """What was to be written is written."""
    async with a_shopify_shop() as shop:
        for operation, (write, left) in Writes(shop).operations.items():
            before = len(shop.written())
            shop.fault(kind, operation, times=2)
            assert await write(shop.client()) == BatchOutcome(True, {})
            assert set(shop.written()[before:]) == left


async def test_a_quantity_whose_answer_is_lost_is_written_once() -> None:
    """The connection is cut three times after the write: sent four times with one key, applied once, compared once."""
    async with a_shopify_shop() as shop:
        write, left = Writes(shop).operations["inventorySetQuantities"]
        client = shop.client()
        shop.fault(FaultKind.DROP_AFTER_COMMIT, "inventorySetQuantities", times=3)
        assert await write(client) == BatchOutcome(True, {})
        assert client.metrics.api_calls == 4
        assert shop.written() == list(left)


@pytest.mark.parametrize("operation", WRITES)
async def test_a_write_whose_answers_stay_lost_ends_unknown(operation: str) -> None:
    """It was applied, which only reading back can tell; a quantity once, the others with the same values."""
    async with a_shopify_shop() as shop:
        write, left = Writes(shop).operations[operation]
        shop.fault(FaultKind.DROP_AFTER_COMMIT, operation, times=-1)
        with pytest.raises(VendorUnavailable) as raised:
            await write(shop.client())
        assert raised.value.outcome_unknown
        assert set(shop.written()) == left
        if operation == "inventorySetQuantities":
            assert len(shop.written()) == 1


@pytest.mark.parametrize("operation", WRITES)
@pytest.mark.parametrize(("kind", "code"), [(FaultKind.HTTP_429, "HTTP_429"), (FaultKind.THROTTLED, "THROTTLED")])
async def test_a_write_that_was_never_let_in_is_known_not_to_be_applied(
    operation: str, kind: FaultKind, code: str
) -> None:
    """A rate limit is no doubt."""
    async with a_shopify_shop() as shop:
        write, _ = Writes(shop).operations[operation]
        shop.fault(kind, operation, times=-1)
        with pytest.raises(VendorUnavailable) as raised:
            await write(shop.client())
        assert (raised.value.code, raised.value.outcome_unknown) == (code, False)
        assert shop.written() == []


@pytest.mark.parametrize(
    ("operation", "code", "retryable"),
    [
        ("inventorySetQuantities", "NON_MUTABLE_INVENTORY_ITEM", False),
        ("metafieldsSet", "INTERNAL_ERROR", True),
        ("productVariantsBulkUpdate", "INVALID_INPUT", False),
    ],
)
async def test_a_bad_item_is_named(operation: str, code: str, retryable: bool) -> None:
    """With Shopify's own code and sentence; nothing is written."""
    async with a_shopify_shop() as shop:
        write, left = Writes(shop).operations[operation]
        item = min(left)[0].split()[0]
        shop.fault(FaultKind.BAD_ITEM, operation, item=item, code=code, message="Not this one.")
        refusal = ItemRefusal(code, "Not this one.", retryable)
        assert await write(shop.client()) == BatchOutcome(False, {0: refusal})
        assert shop.written() == []
