"""A download that comes in parts, or breaks off again and again, at its real sizes: it comes to its end, or soon to none."""

import pytest
from sync_worker.adapters.shopify import bulk_download
from sync_worker.application.ports.shopify_bulk import BulkList, BulkOperation, BulkPosition, BulkState, UnusableResult
from sync_worker.domain.failures import VendorUnavailable
from sync_worker.domain.requests import ShopifyProductFilter

from tests.fakes.bulk_shop import BulkShop, jsonl, variant_node

KIB = 1024
NUMBERS = range(1, 4_001)
FIRST = len(jsonl([variant_node(1)]))
CONTENT = jsonl(map(variant_node, NUMBERS))
REST = len(CONTENT) - FIRST


async def numbers_read(shop: BulkShop) -> list[int]:
    """The variants of a result read from its second line on, since a first byte is never asked for as a part."""
    shop.of("query NhanhsyncPull_1 { productVariants { edges { node { id } } } }", "COMPLETED")
    operation = BulkOperation(1, BulkState.COMPLETED, len(NUMBERS), len(NUMBERS), f"{shop.host}/results/1")
    chunks = shop.client().bulk.read(operation, BulkList(ShopifyProductFilter()), BulkPosition(FIRST, 1, 1))
    return [row[0] async for chunk in chunks for row in chunk.rows]


@pytest.mark.parametrize("part", [16 * KIB, 64 * KIB, 128 * KIB, 170 * KIB, 200 * KIB, 256 * KIB])
async def test_parts_far_smaller_than_a_chunk_are_put_together(part: int) -> None:
    """Without a wait, although many of them hand on nothing yet."""
    shop = BulkShop(content=CONTENT, longest_part=part)
    assert await numbers_read(shop) == list(NUMBERS[1:])
    assert len(shop.downloads) == -(-REST // part)
    assert shop.clock.monotonic() == 0


@pytest.mark.parametrize("cut", [16 * KIB, 100 * KIB, 150 * KIB, 170 * KIB])
async def test_a_connection_that_breaks_often_comes_to_the_end(cut: int) -> None:
    """What each brought is held, and counts."""
    shop = BulkShop(content=CONTENT, cuts=[cut] * (REST // cut))
    assert await numbers_read(shop) == list(NUMBERS[1:])
    assert len(shop.downloads) == REST // cut + 1
    assert shop.clock.monotonic() == bulk_download.RETRIES.first_seconds * (REST // cut)


async def test_a_request_that_came_on_may_have_taken_its_time() -> None:
    """Only what failed requests took counts against the retries' time."""
    shop = BulkShop(content=CONTENT, cuts=[REST - 1])
    shop.on_piece = lambda: shop.clock.advance(0.5)
    assert await numbers_read(shop) == list(NUMBERS[1:])
    assert shop.clock.monotonic() > bulk_download.RETRIES.total_seconds


async def test_addresses_that_run_out_one_after_the_other_are_replaced() -> None:
    """Each was good for a fair part of the file."""
    shop = BulkShop(content=CONTENT, longest_part=200 * KIB)

    def run_out() -> None:
        shop.refused_addresses = len(shop.downloads) % 2

    shop.before = run_out
    assert await numbers_read(shop) == list(NUMBERS[1:])
    assert shop.asked.count("bulkOperation") > bulk_download.MOST_ADDRESSES


@pytest.mark.parametrize("part", [1, 16 * KIB - 1])
async def test_parts_that_bring_next_to_nothing_come_to_no_end_soon(part: int) -> None:
    """There would be too many of them."""
    shop = BulkShop(content=CONTENT, longest_part=part)
    with pytest.raises(VendorUnavailable) as failed:
        await numbers_read(shop)
    assert failed.value.code == "SHORT_PARTS"
    assert len(shop.downloads) == bulk_download.RETRIES.attempts


async def test_dripping_is_no_coming_on() -> None:
    """A fair amount at a pace that is none: hours of it would bring no chunk."""
    shop = BulkShop(content=CONTENT)
    shop.on_piece = lambda: shop.clock.advance(2.0)  # 350 bytes a second
    with pytest.raises(VendorUnavailable) as failed:
        await numbers_read(shop)
    assert failed.value.code == "TOO_SLOW"
    assert len(shop.downloads) <= bulk_download.RETRIES.attempts


async def test_a_file_that_is_gone_is_given_up_though_it_began_well() -> None:
    """Addresses are counted anew by what comes, not by what is asked for."""
    shop = BulkShop(content=CONTENT, cuts=[200 * KIB])

    def gone() -> None:
        if shop.downloads:
            shop.refused_addresses = 1

    shop.before = gone
    with pytest.raises(UnusableResult) as failed:
        await numbers_read(shop)
    assert failed.value.code == "BULK_RESULT_GONE"
    assert len(shop.downloads) == 1 + bulk_download.MOST_ADDRESSES + 1
