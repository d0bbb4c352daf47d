"""Stock levels in a bulk result: lines of their own, joined to their rows by ids, wherever they stand."""

from itertools import pairwise
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs
from sync_worker.adapters.shopify.bulk_lines import chunk_of
from sync_worker.adapters.shopify.plain_rows import PLAIN_LEVELS, PlainReader
from sync_worker.application.ports.shopify_bulk import BEGINNING, BulkChunk, BulkList, UnusableResult
from sync_worker.domain.products import ShopifyLevel
from sync_worker.domain.requests import ShopifyProductFilter

from tests.fakes.bulk_shop import jsonl, level_node, variant_node

WITH_LEVELS = BulkList(ShopifyProductFilter(), with_levels=True)
WITHOUT = BulkList(ShopifyProductFilter())
ITEM, VARIANT = "gid://shopify/InventoryItem/1", "gid://shopify/ProductVariant/1"


def read(*nodes: object, wanted: BulkList = WITH_LEVELS) -> BulkChunk:
    """Read a result of these lines."""
    return chunk_of(jsonl(nodes), wanted, BEGINNING)


@st.composite
def results(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Lines of variants, plain ones and others, each with levels at some locations, in any order."""
    lines: list[dict[str, Any]] = []
    for number in range(1, draw(st.integers(1, 6)) + 1):
        lines.append(variant_node(number, price=draw(st.sampled_from(["1.00", "1e2"]))))
        at = draw(st.dictionaries(st.integers(1, 4), st.integers(-5, 900)))
        lines += [level_node(number, location, pieces) for location, pieces in at.items()]
    return draw(st.permutations(lines))


@given(results(), st.data())
def test_levels_are_joined_wherever_they_stand(lines: list[dict[str, Any]], data: st.DataObject) -> None:
    """Before their rows, behind them, or in another part of the file: every row and every level comes once."""
    cuts = sorted(data.draw(st.sets(st.integers(0, len(lines)))) | {0, len(lines)})
    position, rows, levels = BEGINNING, [], []
    for start, end in pairwise(cuts):
        chunk = chunk_of(jsonl(lines[start:end]), WITH_LEVELS, position)
        position = chunk.behind
        rows += [row[0] for row in chunk.rows]
        levels += chunk.levels
    variants = [line for line in lines if "__parentId" not in line]
    told = [line for line in lines if "__parentId" in line]
    assert rows == [int(line["id"].rpartition("/")[2]) for line in variants]
    assert levels == [_level(line) for line in told]
    assert (position.lines, position.roots) == (len(lines), len(variants))
    assert position.offset == len(jsonl(lines))


def _level(line: dict[str, Any]) -> ShopifyLevel:
    gids = (line["item"]["id"], line["location"]["id"], line["__parentId"])
    item, location, variant = (int(each.rpartition("/")[2]) for each in gids)
    return ShopifyLevel(item, location, variant, line["quantities"][0]["quantity"])


def test_plain_levels_are_read_quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beside plain rows, as many of them as there are."""
    monkeypatch.delattr("sync_worker.adapters.shopify.bulk_lines._with_care")
    chunk = read(level_node(1, 7, 3), variant_node(1), level_node(1, 8, -2))
    assert list(chunk.levels) == [ShopifyLevel(1, 7, 1, 3), ShopifyLevel(1, 8, 1, -2)]


ODD = st.sampled_from([None, "", "x", 0, 7, -1, 1.5, True, [], {}, "5", 10**15, "gid://shopify/Location/3?x=1"])
LEVELS = st.fixed_dictionaries(
    {},
    optional={
        "item": st.just({"id": ITEM}) | st.fixed_dictionaries({"id": ODD}) | ODD,
        "location": st.just({"id": "gid://shopify/Location/3"}) | st.fixed_dictionaries({"id": ODD}) | ODD,
        "quantities": st.lists(
            st.fixed_dictionaries(
                {}, optional={"name": st.sampled_from(["available", "on_hand"]), "quantity": st.integers(-9, 9) | ODD}
            ),
            max_size=2,
        )
        | ODD,
        "__parentId": st.sampled_from([VARIANT, ITEM, "gid://shopify/InventoryItem/2", "gid://shopify/Product/1"])
        | ODD,
    },
)


@given(LEVELS)
def test_the_quick_way_reads_what_the_careful_one_reads(level: dict[str, Any]) -> None:
    """Or nothing."""
    quick = PLAIN_LEVELS.lines([orjson.dumps(level)])
    if quick is not None:
        assert quick == list(_carefully(level))


def _carefully(level: dict[str, Any]) -> tuple[ShopifyLevel, ...]:
    odd = variant_node(9, price="1e2")  # has everything beside it read with care
    return tuple(read(odd, level).levels)


@pytest.mark.parametrize(
    "quantities",
    [
        None,
        [],
        {},
        "3",
        [None],
        [{"name": "on_hand", "quantity": 3}],
        [{"name": "available"}],
        [{"name": "available", "quantity": None}],
        [{"name": "available", "quantity": "many"}],
        [{"name": "available", "quantity": 1.5}],
        [{"name": "available", "quantity": True}],
        [{"name": "available", "quantity": 10**15}],
    ],
)
def test_a_quantity_that_cannot_be_read_is_unknown(quantities: object) -> None:
    """Never zero, and no reason to lose the row, the other levels or the line."""
    chunk = read(variant_node(1), level_node(1, 7, 3) | {"quantities": quantities}, level_node(1, 8, 4))
    assert list(chunk.levels) == [ShopifyLevel(1, 7, 1, None), ShopifyLevel(1, 8, 1, 4)]
    assert (len(chunk.rows), chunk.behind.lines, chunk.behind.roots) == (1, 3, 1)


def test_the_log_has_one_line_for_many_unreadable_levels() -> None:
    """For those that are read at once: where none of a shop's can be read, there may be a million."""
    odd = [level_node(1, location, 3) | {"quantities": []} for location in (7, 8, 9)]
    with capture_logs() as logs:
        read(variant_node(1), level_node(1, 6, 3), *odd)
        read(variant_node(1), level_node(1, 6, 3))
    told = {"levels": 3, "item": 1, "location": 7, "log_level": "warning"}
    assert logs == [{"event": "stock_levels_unreadable"} | told]


def test_a_level_may_be_listed_under_its_item() -> None:
    """Shopify says that a child names its parent, and not which object between the two lists that is."""
    assert read(level_node(1, 7, 3) | {"__parentId": ITEM}).levels == [ShopifyLevel(1, 7, 0, 3)]
    assert read(level_node(1, 7, 3) | {"__parentId": ITEM.replace("/", "\\/")}).levels == [ShopifyLevel(1, 7, 0, 3)]


@pytest.mark.parametrize(
    "odd",
    [
        {"item": None},
        {"item": {"id": "gid://shopify/Product/1"}},
        {"location": {}},
        {"location": {"id": 7}},
        {"__parentId": "gid://shopify/InventoryItem/2"},
        {"__parentId": "gid://shopify/Product/1"},
        {"__parentId": None},
    ],
)
def test_a_level_of_nothing_spoils_the_result(odd: dict[str, Any]) -> None:
    """Nobody can say what it should have been."""
    with pytest.raises(UnusableResult) as failed:
        read(variant_node(1), level_node(1, 7, 3) | odd)
    assert (failed.value.code, failed.value.retryable) == ("MALFORMED_ANSWER", False)


def test_a_level_that_was_not_asked_for_spoils_the_result() -> None:
    """What else is not as it was asked for then?"""
    with pytest.raises(UnusableResult, match=f"line 2 .* belongs to {VARIANT}, and was not asked for"):
        read(variant_node(1), level_node(1, 7, 3), wanted=WITHOUT)


@pytest.mark.parametrize("text", ['"__parentId":', "__parentId", '{"__parentId":"x"}', '\\"__parentId":'])
def test_a_text_that_looks_like_a_child_makes_none(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its quotes are escaped, so that even the quick way is not deceived."""
    monkeypatch.delattr(PlainReader, "rows")
    monkeypatch.delattr("sync_worker.adapters.shopify.bulk_lines._with_care")
    chunk = read(variant_node(1, sku=text, title=text), level_node(1, 7, 3))
    assert (len(chunk.rows), len(chunk.levels)) == (1, 1)


def test_a_child_is_one_however_it_is_written() -> None:
    """With blanks between its key and its value the careful way finds it."""
    line = orjson.dumps(level_node(1, 7, 3)).replace(b'"__parentId":', b'"__parentId" : ')
    chunk = chunk_of(jsonl([variant_node(1)]) + line + b"\n", WITH_LEVELS, BEGINNING)
    assert (len(chunk.rows), list(chunk.levels)) == (1, [ShopifyLevel(1, 7, 1, 3)])
