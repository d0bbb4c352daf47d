"""Pages of rows: order, cursors, filters."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sandbox.by_id import ById
from sandbox.nhanh.lists import CUSTOMER_CONDITIONS, PRODUCT_CONDITIONS, RowList
from sandbox.nhanh.questions import Question
from sandbox.world import StoreWorld


@given(st.sets(st.integers(1, 60)), st.integers(1, 7), st.booleans())
def test_pages_give_every_row_once_in_order(ids: set[int], size: int, descending: bool) -> None:
    """Page after page from cursor to cursor, up or down, until one is empty."""
    rows: ById[dict[str, Any]] = ById()
    for one in ids:
        rows[one] = {"id": one}
    listed, after = [], None
    while True:
        page = RowList(rows, {}).page(rows.ids, Question({}, size, descending, after))
        if page.last is None:
            break
        listed += page.ids
        after = page.last
    assert listed == sorted(ids, reverse=descending)


@given(st.sets(st.integers(1, 60), min_size=1), st.integers(0, 61), st.booleans())
def test_a_row_that_goes_between_pages_moves_no_other(ids: set[int], after: int, descending: bool) -> None:
    """A cursor is a place, not a count: rows behind it come whether or not its own row is still there."""
    rows: ById[dict[str, Any]] = ById()
    for one in ids - {after}:
        rows[one] = {"id": one}
    page = RowList(rows, {}).page(rows.ids, Question({}, 100, descending, after))
    assert page.ids == sorted((one for one in rows if (one < after) == descending), reverse=descending)


def test_an_id_whose_row_is_gone_is_passed_over() -> None:
    """As a stock record of a product that was removed."""
    rows: ById[dict[str, Any]] = ById()
    rows[2] = {"id": 2}
    assert RowList(rows, {}).page([1, 2, 3], Question()).ids == [2]


def test_ids_that_are_not_known_are_left_out(store: StoreWorld) -> None:
    """A filter by ids gives those that there are, each once, in order."""
    rows = store.business.customers
    first, second = rows.ids[4], rows.ids[9]
    asked = Question({"ids": [second, 1, str(first), first]})
    assert RowList(rows, CUSTOMER_CONDITIONS).page(rows.ids, asked).ids == [first, second]


@pytest.mark.parametrize(
    ("filters", "keep"),
    [
        ({"gpid": 3}, lambda row: row["parentId"] != -2),
        ({"gpid": -1}, lambda row: row["parentId"] == -1),
        ({"gpid": -2}, lambda row: row["parentId"] == -2),
        ({"gpid": 1}, lambda row: row["parentId"] > 0),
        ({"gpid": "2"}, lambda row: row["parentId"] < 0),
        ({"status": [2, 4]}, lambda row: str(row["status"]) in "24"),
        ({"status": []}, lambda row: True),
        ({"categoryIds": [3]}, lambda row: row["categoryId"] == 3),
        ({"brandIds": ["4"]}, lambda row: row["brandId"] == 4),
        ({"name": "áo"}, lambda row: "áo" in row["name"].lower()),
        ({"updatedAtFrom": 1_770_000_000}, lambda row: row["updatedAt"] >= 1_770_000_000),
        ({"updatedAtTo": "1770000000"}, lambda row: row["updatedAt"] <= 1_770_000_000),
        ({"gpid": 3, "status": [2]}, lambda row: row["parentId"] != -2 and str(row["status"]) == "2"),
        ({"keyword": "nothing"}, lambda row: True),
    ],
)
def test_filters_of_products(store: StoreWorld, filters: dict[str, Any], keep: Any) -> None:
    """Each filter, and two together; one that is not known is ignored."""
    rows = store.business.products
    found = RowList(rows, PRODUCT_CONDITIONS).page(rows.ids, Question(filters, 1_000)).ids
    assert found == [one for one in rows.ids if keep(rows[one])]
    assert found


@pytest.mark.parametrize(
    ("filters", "keep"),
    [
        ({"type": 1}, lambda row: row["type"] == 1),
        ({"lastBoughtDateFrom": "2026-05-01"}, lambda row: row["lastBoughtDate"] >= "2026-05-01"),
        ({"lastBoughtDateTo": "2026-05-01"}, lambda row: row["lastBoughtDate"] <= "2026-05-01"),
        ({"updatedAtFrom": 1_770_000_000}, lambda row: row["updatedAt"] >= 1_770_000_000),
        ({"updatedAtTo": 1_770_000_000}, lambda row: row["updatedAt"] <= 1_770_000_000),
    ],
)
def test_filters_of_customers(store: StoreWorld, filters: dict[str, Any], keep: Any) -> None:
    """Dates are compared as days, times as Unix seconds, edges included."""
    rows = store.business.customers
    found = RowList(rows, CUSTOMER_CONDITIONS).page(rows.ids, Question(filters, 1_000)).ids
    assert found == [one for one in rows.ids if keep(rows[one])]
    assert 0 < len(found) < len(rows) or "type" in filters


def test_a_mobile_is_found_as_it_is_written(store: StoreWorld) -> None:
    """The filter `mobile` takes the text of the field."""
    rows = store.business.customers
    one = next(one for one in rows.ids if rows[one]["mobile"])
    found = RowList(rows, CUSTOMER_CONDITIONS).page(rows.ids, Question({"mobile": rows[one]["mobile"]})).ids
    assert one in found
    assert {rows[each]["mobile"] for each in found} == {rows[one]["mobile"]}


def test_a_filter_keeps_its_cursor(store: StoreWorld) -> None:
    """A page of filtered rows goes on behind its last row."""
    rows = store.business.products
    listed = RowList(rows, PRODUCT_CONDITIONS)
    whole = listed.page(rows.ids, Question({"gpid": 3}, 1_000)).ids
    first = listed.page(rows.ids, Question({"gpid": 3}, 10))
    assert first.ids == whole[:10]
    assert listed.page(rows.ids, Question({"gpid": 3}, 1_000, after=first.last)).ids == whole[10:]
