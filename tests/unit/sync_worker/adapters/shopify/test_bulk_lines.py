"""The lines of a bulk result, and the rows that they are."""

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sync_worker.adapters.shopify.bulk_lines import chunk_of
from sync_worker.adapters.shopify.plain_rows import PlainReader
from sync_worker.application.ports.shopify_bulk import BEGINNING, BulkList, BulkPosition, UnusableResult
from sync_worker.domain.products import ShopifyVariant
from sync_worker.domain.requests import ShopifyCustomerFilter, ShopifyProductFilter

from tests.fakes.bulk_shop import customer_node, jsonl, variant_node

VARIANTS, CUSTOMERS = BulkList(ShopifyProductFilter()), BulkList(ShopifyCustomerFilter())
CHILD = {"id": "gid://shopify/ProductVariant/9", "__parentId": "gid://shopify/Product/1"}


def test_every_line_is_a_row() -> None:
    """Of the kind that was asked for."""
    chunk = chunk_of(jsonl([customer_node(1), customer_node(2)]), CUSTOMERS, BulkPosition(100, 10, 10))
    assert [row[0] for row in chunk.rows] == [1, 2]
    assert (chunk.behind.lines, chunk.behind.roots) == (12, 12)
    assert chunk.behind.offset == 100 + len(jsonl([customer_node(1), customer_node(2)]))


def test_a_row_that_cannot_be_read_is_refused_alone() -> None:
    """Its line counts."""
    chunk = chunk_of(jsonl([variant_node(1), variant_node(2, price=None), variant_node(3)]), VARIANTS, BEGINNING)
    assert [row[0] for row in chunk.rows] == [1, 3]
    assert [row.vendor_id for row in chunk.refused] == [2]
    assert chunk.behind.lines == 3


def test_half_a_surrogate_pair_spoils_no_row() -> None:
    """It is replaced, as Nhanh's are."""
    odd = orjson.dumps(variant_node(2, title="T?")).replace(b"?", rb"\ud83d") + b"\n"
    chunk = chunk_of(jsonl([variant_node(1)]) + odd + jsonl([variant_node(3)]), VARIANTS, BEGINNING)
    assert [row.title for row in chunk.rows if isinstance(row, ShopifyVariant)] == [
        "Item 1",
        "Item 2 - T\ufffd",
        "Item 3",
    ]
    assert (list(chunk.refused), chunk.behind.lines) == ([], 3)


def test_a_line_that_is_cut_inside_of_a_text_is_incomplete() -> None:
    """Half a pair in it or not: the row may be whole in another file."""
    with pytest.raises(UnusableResult, match="line 2 of") as failed:
        chunk_of(
            jsonl([variant_node(1)]) + rb'{"id": "gid://shopify/ProductVariant/2", "title": "T\ud83d',
            VARIANTS,
            BEGINNING,
        )
    assert (failed.value.code, failed.value.retryable) == ("BULK_INCOMPLETE", True)


@pytest.mark.parametrize("empty", [b"\n\n", b"\n \n"])
def test_two_rows_on_a_line_are_garbled(empty: bytes) -> None:
    """Though an empty line makes up for it in number."""
    row = orjson.dumps(variant_node(1))
    with pytest.raises(UnusableResult, match="line 1 of"):
        chunk_of(row + b" " + row + empty, VARIANTS, BEGINNING)


@pytest.mark.parametrize(
    ("odd", "wanted"), [(variant_node(1, price="1e3"), VARIANTS), (customer_node(1) | {"numberOfOrders": 3}, CUSTOMERS)]
)
def test_lines_that_are_not_plain_are_not_tried_twice(
    odd: object, wanted: BulkList, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What msgspec refused as lines it would refuse as rows."""
    monkeypatch.delattr(PlainReader, "rows")
    assert [row[0] for row in chunk_of(jsonl([odd]), wanted, BEGINNING).rows] == [1]


@pytest.mark.parametrize("nodes", [[CHILD, variant_node(1)], [variant_node(1), CHILD]], ids=["before", "behind"])
def test_a_child_was_not_asked_for(nodes: list[object]) -> None:
    """Wherever it stands: what else is not as it was asked for then?"""
    with pytest.raises(UnusableResult, match="belongs to gid://shopify/Product/1") as failed:
        chunk_of(jsonl(nodes), VARIANTS, BEGINNING)
    assert not failed.value.retryable


@pytest.mark.parametrize(
    "line", [b'{"id": 1', b"", b"\xff", b"null", b"[]", b"1", b'{"id": 1}{"id": 2}', b'{"id": null}']
)
def test_a_line_that_is_no_row_is_named(line: bytes) -> None:
    """By its number in the file, as far as it is no JSON object."""
    with pytest.raises(UnusableResult):
        chunk_of(jsonl([variant_node(1)]) + line + b"\n", VARIANTS, BulkPosition(0, 5, 5))


@given(st.lists(st.text(), min_size=1, max_size=20))
def test_no_text_is_the_end_of_a_line(texts: list[str]) -> None:
    """Line feeds and separators of Unicode inside of a text are part of it."""
    nodes = [variant_node(number, barcode=text.replace("\x00", "")) for number, text in enumerate(texts, 1)]
    content = b"".join(orjson.dumps(node) + b"\n" for node in nodes)
    chunk = chunk_of(content, VARIANTS, BEGINNING)
    assert [row.barcode for row in chunk.rows if hasattr(row, "barcode")] == [node["barcode"] for node in nodes]
