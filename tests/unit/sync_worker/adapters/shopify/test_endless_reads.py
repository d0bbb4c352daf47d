"""Lists of Shopify that do not end: circles, and gaps without rows."""

from collections.abc import Sequence

import pytest
from sync_worker.adapters.endless_lists import MOST_EMPTY_PAGES
from sync_worker.adapters.shopify.client import ShopifyClient
from sync_worker.domain.failures import MalformedAnswer
from sync_worker.domain.requests import ShopifyCustomerFilter, ShopifyProductFilter

from tests.fakes.shopify_http import ScriptedShop, page

ALL = ShopifyProductFilter()
LOCATION = {"id": "gid://shopify/Location/7", "name": "Kho", "isActive": True}


def empty_pages(root: str, numbers: Sequence[int]) -> ScriptedShop:
    """A shop whose list has no rows, and whose cursors are these; the last page is given for ever."""
    return ScriptedShop([page(root, [], str(number)) for number in numbers])


async def walk(client: ShopifyClient, pages: int, wanted: ShopifyProductFilter = ALL) -> None:
    """Read so many pages."""
    cursor: str | None = None
    for _ in range(pages):
        cursor = (await client.variant_page(wanted, cursor)).next_cursor


async def test_a_gap_of_pages_without_rows_is_read_over() -> None:
    """As long as it may be; the next page without rows is one too many."""
    shop = empty_pages("productVariants", range(2 * MOST_EMPTY_PAGES))
    await walk(shop.client, MOST_EMPTY_PAGES)
    with pytest.raises(MalformedAnswer, match="productVariants does not end"):
        await shop.client.variant_page(ALL, f'"{MOST_EMPTY_PAGES - 1}"')
    assert len(shop.asked) == MOST_EMPTY_PAGES + 1


async def test_a_page_that_is_read_again_counts_once() -> None:
    """The gap is as long as it is, not as often as it is read."""
    shop = empty_pages("productVariants", [1, *[2] * (2 * MOST_EMPTY_PAGES)])
    await walk(shop.client, 1)
    for _ in range(2 * MOST_EMPTY_PAGES):
        assert (await shop.client.variant_page(ALL, '"1"')).next_cursor == '"2"'


async def test_two_lists_are_counted_apart() -> None:
    """By kind and by conditions."""
    shop = empty_pages("productVariants", range(2 * MOST_EMPTY_PAGES))
    await walk(shop.client, MOST_EMPTY_PAGES)
    await walk(shop.client, MOST_EMPTY_PAGES - 1, ShopifyProductFilter(("active",)))
    customers = page("customers", [], "on")
    shop.steps = [customers]
    assert (await shop.client.customer_page(ShopifyCustomerFilter(), None)).rows == []


async def test_locations_that_never_end_are_refused() -> None:
    """A push does not wait for them for ever either."""
    with pytest.raises(MalformedAnswer, match="locations does not end"):
        await empty_pages("locations", range(2 * MOST_EMPTY_PAGES)).client.locations()


async def test_a_circle_is_refused() -> None:
    """Also one that has rows, and more than one page."""
    shop = ScriptedShop([page("locations", [LOCATION], "ab"[number % 2]) for number in range(20)])
    with pytest.raises(MalformedAnswer, match="circles"):
        await shop.client.locations()
    assert len(shop.asked) < 10
