"""The download of a bulk result: whole lines, from any byte on, over connections and addresses that do not last."""

from collections.abc import Callable

import httpx
import pytest
from sync_worker.adapters.shopify import bulk_download
from sync_worker.application.ports.shopify_bulk import (
    BEGINNING,
    BulkChunk,
    BulkList,
    BulkOperation,
    BulkPosition,
    BulkState,
    UnusableResult,
)
from sync_worker.domain.failures import LeaseLost, VendorUnavailable
from sync_worker.domain.requests import ShopifyProductFilter

from tests.fakes.bulk_shop import BulkShop, jsonl, variant_node
from tests.fakes.open_gate import OpenGate
from tests.fakes.shopify_http import TOKEN

NUMBERS = list(range(1, 41))
CONTENT = jsonl(map(variant_node, NUMBERS))
LINE = len(jsonl([variant_node(1)]))
EVERYTHING = BulkList(ShopifyProductFilter())


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forty rows are many chunks, and a few of them a fair amount."""
    monkeypatch.setattr(bulk_download, "CHUNK_BYTES", 1_500)
    monkeypatch.setattr(bulk_download, "FAIR_BYTES", 1_500)


def a_shop(**given: object) -> BulkShop:
    """A shop whose operation is done."""
    shop = BulkShop(content=CONTENT, course=("COMPLETED",))
    for name, value in given.items():
        setattr(shop, name, value)
    shop.of("query NhanhsyncPull_1 { productVariants { edges { node { id } } } }", "COMPLETED")
    return shop


async def chunks_of(
    shop: BulkShop, position: BulkPosition = BEGINNING, url: str | None = None, gate: OpenGate | None = None
) -> list[BulkChunk]:
    """Read a result to its end."""
    operation = BulkOperation(1, BulkState.COMPLETED, 40, 40, url or f"{shop.host}/results/1")
    return [chunk async for chunk in shop.client(gate).bulk.read(operation, EVERYTHING, position)]


def numbers_in(chunks: list[BulkChunk]) -> list[int]:
    """The variants that were read, in order."""
    return [row[0] for chunk in chunks for row in chunk.rows]


async def test_chunks_are_whole_lines() -> None:
    """No chunk is larger than it has to be, and each says what lies before its end."""
    chunks = await chunks_of(a_shop())
    assert numbers_in(chunks) == NUMBERS
    assert len(chunks) > 5
    assert [chunk.behind.lines for chunk in chunks] == [
        sum(len(before.rows) for before in chunks[: index + 1]) for index in range(len(chunks))
    ]
    assert chunks[-1].behind == BulkPosition(len(CONTENT), 40, 40)


async def test_a_last_line_may_lack_its_end() -> None:
    """It is whole all the same."""
    chunks = await chunks_of(a_shop(content=CONTENT[:-1]))
    assert chunks[-1].behind == BulkPosition(len(CONTENT) - 1, 40, 40)


@pytest.mark.parametrize("ranges", [True, False])
@pytest.mark.parametrize("lines", [1, 17, 39, 40])
async def test_reading_goes_on_anywhere(ranges: bool, lines: int) -> None:
    """By a range, or by passing over what was read where the host knows no ranges."""
    position = BulkPosition(len(jsonl(map(variant_node, NUMBERS[:lines]))), lines, lines)
    shop = a_shop(ranges=ranges)
    chunks = await chunks_of(shop, position)
    assert numbers_in(chunks) == NUMBERS[lines:]
    assert shop.downloads[0].headers["range"] == f"bytes={position.offset}-"


@pytest.mark.parametrize("ranges", [True, False])
async def test_a_broken_connection_is_taken_up_where_it_broke(ranges: bool) -> None:
    """In the middle of a line, too; a download that comes on does not use up its retries."""
    shop = a_shop(ranges=ranges, cuts=[1, *(2_000 * part + 1 for part in range(9))] if not ranges else [2_001] * 4)
    assert numbers_in(await chunks_of(shop)) == NUMBERS


async def test_retries_are_bounded() -> None:
    """What was read stays good: the next attempt goes on behind it."""
    shop = a_shop(cuts=[0] * 100)
    with pytest.raises(VendorUnavailable) as failed:
        await chunks_of(shop)
    assert failed.value.code == "CONNECTION_LOST"
    assert len(shop.downloads) == bulk_download.RETRIES.attempts


def _a_part(content: bytes, content_range: str) -> httpx.Response:
    """A part as a host names it, of a length that the connection does not tell."""
    return httpx.Response(206, headers={"content-range": content_range}, stream=httpx.ByteStream(content))


async def test_a_host_that_gives_parts_is_asked_for_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    """A part that ends early is not the file's end; where each brings a fair amount there is no wait between them."""
    monkeypatch.setattr(bulk_download, "FAIR_BYTES", 3 * LINE)
    shop = a_shop(longest_part=3 * LINE)
    assert numbers_in(await chunks_of(shop, BulkPosition(LINE, 1, 1))) == NUMBERS[1:]
    assert len(shop.downloads) == -(-(len(CONTENT) - LINE) // (3 * LINE))
    assert shop.clock.monotonic() == 0


async def test_tiny_parts_are_not_asked_for_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """Parts that bring no row to speak of are a download that does not come on."""
    monkeypatch.setattr(bulk_download, "CHUNK_BYTES", LINE)
    shop = a_shop(longest_part=1)
    with pytest.raises(VendorUnavailable) as failed:
        await chunks_of(shop, BulkPosition(LINE, 1, 1))
    assert failed.value.code == "SHORT_PARTS"
    assert len(shop.downloads) == bulk_download.RETRIES.attempts


async def test_a_part_that_is_cut_short_is_taken_up_where_it_broke() -> None:
    """Nothing but the part's own name says that bytes are missing, where the connection does not tell its length."""
    shop = a_shop(host_answers=[_a_part(CONTENT[LINE : LINE + 50], f"bytes {LINE}-{len(CONTENT) - 1}/{len(CONTENT)}")])
    assert numbers_in(await chunks_of(shop, BulkPosition(LINE, 1, 1))) == NUMBERS[1:]
    assert shop.downloads[1].headers["range"] == f"bytes={LINE + 50}-"


@pytest.mark.parametrize("status", [408, 429, 500, 503])
async def test_a_host_in_trouble_is_asked_again(status: int) -> None:
    """After as long as it asks for."""
    shop = a_shop(host_answers=[httpx.Response(status, headers={"retry-after": "7"})])
    assert numbers_in(await chunks_of(shop)) == NUMBERS
    assert shop.clock.monotonic() >= 7.0


async def test_a_host_that_is_in_trouble_for_long_is_left_to_the_job() -> None:
    """Nothing waits for so long inside an attempt."""
    shop = a_shop(host_answers=[httpx.Response(503, headers={"retry-after": "1000"})])
    with pytest.raises(VendorUnavailable) as failed:
        await chunks_of(shop)
    assert (failed.value.code, failed.value.retry_after, len(shop.downloads)) == ("HTTP_503", 1_000.0, 1)


async def test_an_address_that_has_run_out_is_replaced() -> None:
    """The operation is looked up again for a fresh one."""
    shop = a_shop(refused_addresses=2)
    assert numbers_in(await chunks_of(shop, url="https://files.test/results/old")) == NUMBERS
    assert shop.asked == ["bulkOperation"] * 2
    assert shop.downloads[-1].url.path == "/results/1"


async def test_addresses_are_not_asked_for_without_end() -> None:
    """A fresh one that is refused, and again, is a result that is gone."""
    shop = a_shop(refused_addresses=100)
    with pytest.raises(UnusableResult) as failed:
        await chunks_of(shop)
    assert (failed.value.code, failed.value.retryable) == ("BULK_RESULT_GONE", True)


async def test_an_operation_without_an_address_any_more() -> None:
    """It has expired meanwhile."""
    shop = a_shop(refused_addresses=100)
    shop.operations[0].course = ["EXPIRED"]
    with pytest.raises(UnusableResult, match="EXPIRED"):
        await chunks_of(shop)


async def test_no_token_is_sent_to_the_host() -> None:
    """It is not Shopify's API."""
    shop = a_shop()
    await chunks_of(shop)
    (request,) = shop.downloads
    assert TOKEN not in str(request.headers)
    assert request.headers["accept-encoding"] == "identity"


@pytest.mark.parametrize(
    "url",
    [
        "http://files.test/results/1",
        "ftp://files.test/1",
        "file:///etc/passwd",
        "/results/1",
        "x",
        "//files.test/1",
        "https://files.test:99999/1",
        "https://files..test/1",
    ],
)
async def test_an_unsafe_address_is_not_taken(url: str) -> None:
    """Nothing is sent there."""
    shop = a_shop()
    with pytest.raises(UnusableResult) as failed:
        await chunks_of(shop, url=url)
    assert (failed.value.code, failed.value.retryable) == ("UNSAFE_ADDRESS", False)
    assert shop.downloads == []


async def test_the_shops_own_origin_is_taken_as_it_is() -> None:
    """A sandbox or a proxy serves files itself, without https."""
    assert numbers_in(await chunks_of(a_shop(host="http://shop.test"))) == NUMBERS


@pytest.mark.parametrize(
    "answered",
    [
        lambda: httpx.Response(302, headers={"location": "https://elsewhere.test/"}),
        lambda: httpx.Response(400),
        lambda: httpx.Response(206, headers={"content-range": "bytes 5-9/99"}, content=b"abcde"),
        lambda: httpx.Response(206, content=CONTENT),
        lambda: _a_part(CONTENT[LINE:], f"bytes {LINE}-{len(CONTENT) - 1}/{len(CONTENT) - 1}"),
        lambda: _a_part(b"", f"bytes {LINE}-{LINE - 1}/{len(CONTENT)}"),
        lambda: _a_part(CONTENT[LINE:], f"bytes {LINE}-{LINE + 9}/{len(CONTENT)}"),
        lambda: httpx.Response(416, headers={"content-range": "bytes */10"}),
        lambda: httpx.Response(200, stream=httpx.ByteStream(b"abc")),
    ],
    ids=[
        "redirect",
        "refusal",
        "another part",
        "a part of nobody knows what",
        "behind the end",
        "no part",
        "longer than said",
        "shorter by range",
        "shorter",
    ],
)
async def test_an_answer_that_is_none_is_not_taken(answered: Callable[[], httpx.Response]) -> None:
    """Redirects are not followed, and a part is the part that was asked for."""
    shop = a_shop(host_answers=[answered()])
    with pytest.raises(UnusableResult):
        await chunks_of(shop, BulkPosition(LINE, 1, 1))
    assert len(shop.downloads) == 1


async def test_a_line_without_an_end_is_not_held(monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory is bounded."""
    monkeypatch.setattr(bulk_download, "LONGEST_LINE", 5_000)
    with pytest.raises(UnusableResult, match="does not end"):
        await chunks_of(a_shop(content=b'{"id": "' + b"x" * 10_000))


async def test_a_connection_that_drips_is_no_download(monkeypatch: pytest.MonkeyPatch) -> None:
    """It would go on for days, and no time-out of a read would ever end it."""
    monkeypatch.setattr(bulk_download, "CHUNK_BYTES", len(CONTENT))
    shop = a_shop()
    shop.on_piece = lambda: shop.clock.advance(bulk_download.PACE_SECONDS)
    with pytest.raises(VendorUnavailable) as failed:
        await chunks_of(shop)
    assert failed.value.code == "TOO_SLOW"


async def test_the_gate_is_passed_for_every_chunk() -> None:
    """A lease that is lost in the middle of a download ends it."""
    gate = OpenGate()
    shop = a_shop()
    operation = BulkOperation(1, BulkState.COMPLETED, 40, 40, f"{shop.host}/results/1")
    chunks = shop.client(gate).bulk.read(operation, EVERYTHING, BEGINNING)
    await anext(chunks)
    gate.stop = LeaseLost()
    with pytest.raises(LeaseLost):
        await anext(chunks)
