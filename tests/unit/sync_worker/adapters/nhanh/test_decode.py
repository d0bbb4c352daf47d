"""Facts about rows of Nhanh's answers."""

from decimal import Decimal
from typing import Any, TypeVar

import pytest
from sync_worker.adapters.nhanh import decode
from sync_worker.application.ports.nhanh import StockAnswer
from sync_worker.application.ports.pages import RowRefusal
from sync_worker.domain.failures import MalformedAnswer
from sync_worker.domain.products import NhanhProduct, NhanhStock

VND = 10_000

Row = TypeVar("Row")


def a_product(**changes: Any) -> dict[str, Any]:
    """A row of product/list as documented."""
    return {
        "id": 501,
        "parentId": 500,
        "code": "AO-01-M",
        "barcode": "2000000000017",
        "name": "Áo sơ mi M",
        "status": 2,
        "categoryId": 11,
        "brandId": 3,
        "prices": {"retail": 199000, "import": 90000, "old": 250000, "wholesale": 150000, "avgCost": 92000},
        "inventory": {"remain": 12, "available": 9, "depots": [{"id": 7, "remain": 12, "available": 9}]},
        "updatedAt": 1760000000,
        **changes,
    }


def readable(read: tuple[list[Row], list[RowRefusal]]) -> list[Row]:
    """The rows, of which none was refused."""
    rows, refused = read
    assert refused == []
    return rows


def test_a_documented_product_is_read() -> None:
    """Prices come from `prices`, stock from `inventory.available` and that of its depots."""
    assert readable(decode.products([a_product()])) == [
        NhanhProduct(
            nhanh_id=501,
            parent_id=500,
            code="AO-01-M",
            barcode="2000000000017",
            name="Áo sơ mi M",
            status=2,
            category_id=11,
            brand_id=3,
            price_retail=199_000 * VND,
            price_old=250_000 * VND,
            price_wholesale=150_000 * VND,
            price_import=90_000 * VND,
            stock=NhanhStock(9 * VND, {7: 9 * VND}),
            updated_at=1760000000,
        )
    ]


def test_php_changes_nothing() -> None:
    """Numbers as text and lists keyed by id mean the same."""
    written = a_product(
        id="501",
        parentId="500",
        status="2",
        categoryId="11",
        brandId="3",
        prices={"retail": "199000", "import": "90000.0", "old": "250000", "wholesale": "150000"},
        inventory={"available": "9", "depots": {"7": {"id": "7", "available": "9.0"}}},
        updatedAt="1760000000",
    )
    assert decode.products({"501": written}) == decode.products([a_product()])


def test_what_is_empty_is_unknown() -> None:
    """An empty price is not a price of zero, and an empty inventory is no stock record."""
    empty = a_product(
        code=None,
        barcode="",
        name=None,
        categoryId=None,
        brandId=[],
        prices=[],
        inventory=[],
        updatedAt=None,
        parentId=None,
    )
    (found,) = readable(decode.products([empty]))
    assert (found.code, found.barcode, found.name) == (None, None, "")
    assert (found.category_id, found.brand_id, found.updated_at, found.parent_id) == (None, None, None, None)
    assert (found.price_retail, found.price_old, found.price_wholesale, found.price_import) == (None,) * 4
    assert found.stock is None


@pytest.mark.parametrize("old", [0, "0", None, "", Decimal("0.0")])
def test_an_old_price_of_zero_is_none(old: Any) -> None:
    """Nhanh sends 0 where nothing was more expensive before."""
    prices: dict[str, Any] = {"retail": 0, "old": old}
    (found,) = readable(decode.products([a_product(prices=prices)]))
    assert found.price_old is None
    assert found.price_retail == 0


@pytest.mark.parametrize("parent", [-2, "-2"])
def test_parents_are_left_out(parent: Any) -> None:
    """A parent is no sellable item, even where its row is not complete."""
    assert decode.products([{"id": 500, "parentId": parent}, a_product()]) == decode.products([a_product()])


def test_a_standalone_product_has_no_parent() -> None:
    """Nhanh writes -1 for it."""
    (found,) = readable(decode.products([a_product(parentId=-1)]))
    assert found.parent_id is None


@pytest.mark.parametrize(
    "changes",
    [
        {"parentId": "x"},
        {"status": None},
        {"status": "sold"},
        {"prices": "199000"},
        {"prices": {"retail": "unknown"}},
        {"prices": {"retail": 1, "old": "x"}},
        {"prices": {"retail": True}},
        {"inventory": 9},
        {"inventory": {"available": "x"}},
        {"inventory": {"available": None, "depots": []}},
        {"inventory": {"remain": 12}},
        {"inventory": {"available": 9, "depots": [{"available": 9}]}},
        {"inventory": {"available": 9, "depots": {"7": {"available": 9}}}},
        {"inventory": {"available": 9, "depots": [{"id": 7}]}},
        {"inventory": {"available": 9, "depots": [{"id": 7, "available": "x"}]}},
        {"inventory": {"available": 9, "depots": [{"id": 7, "available": 4}, {"id": 7, "available": 5}]}},
        {"inventory": {"available": 9, "depots": [7]}},
    ],
)
def test_a_product_that_cannot_be_trusted_is_refused(changes: dict[str, Any]) -> None:
    """A price or number of pieces that is there and cannot be read is never zero; products beside it are read."""
    rows, refused = decode.products([a_product(**changes), a_product(id=502)])
    assert [row.nhanh_id for row in rows] == [502]
    assert [row.vendor_id for row in refused] == [501]


@pytest.mark.parametrize("given", [None, 0, "x"])
def test_a_product_without_an_id_spoils_its_page(given: Any) -> None:
    """Nobody can say which product it was."""
    with pytest.raises(MalformedAnswer):
        decode.products([a_product(id=given), a_product(id=502)])


def test_a_product_that_is_told_twice_and_unreadable_once_is_refused() -> None:
    """Which of the two holds is not known."""
    rows, refused = decode.products([a_product(), a_product(status="sold")])
    assert rows == []
    assert refused == [RowRefusal(501, "the status of product 501 is 'sold', which is no whole number")]


@pytest.mark.parametrize("data", ["rows", 7, [7], [None], {"a": "b"}])
def test_rows_that_are_none_are_refused(data: Any) -> None:
    """They are not an empty list."""
    for read in (decode.products, decode.customers, decode.stock_rows):
        with pytest.raises(MalformedAnswer):
            read(data)


def test_stock_may_be_negative_and_fractional() -> None:
    """Nhanh keeps doubles, and sells below zero."""
    inventory: dict[str, Any] = {
        "available": Decimal("-1.5"),
        "depots": [{"id": 7, "available": "-2"}, {"id": 8, "available": Decimal("0.5")}],
    }
    ((found_id, stock),) = readable(decode.stock_rows([{"productId": "501", "inventory": inventory}]))
    assert (found_id, stock) == (501, NhanhStock(-15_000, {7: -20_000, 8: 5_000}))


def test_stock_is_keyed_by_product_id() -> None:
    """product/inventory has no `id` for a product; a row without `productId` is refused."""
    with pytest.raises(MalformedAnswer):
        decode.stock_rows([{"id": 501, "inventory": {"available": 1}}])


def test_a_stock_row_without_stock_is_missing() -> None:
    """Missing is not zero: somebody must ask product/list."""
    assert decode.stock_by_product(
        readable(decode.stock_rows([{"productId": 501, "inventory": []}])), {}
    ) == StockAnswer({})


def test_the_same_stock_row_twice_is_one() -> None:
    """Rows that agree are not summed."""
    row: dict[str, Any] = {"productId": 501, "inventory": {"available": 4, "depots": []}}
    answer = decode.stock_by_product(readable(decode.stock_rows([row, row])), {})
    assert answer == StockAnswer({501: NhanhStock(4 * VND, {})})


@pytest.mark.parametrize("second", [{"available": 5, "depots": []}, []])
def test_two_stocks_of_one_product_are_refused(second: Any) -> None:
    """Whether to sum them or to take one is not known, so neither is done."""
    other = {"productId": 502, "inventory": {"available": 1}}
    rows = readable(
        decode.stock_rows(
            [{"productId": 501, "inventory": {"available": 4}}, {"productId": 501, "inventory": second}, other]
        )
    )
    for told in (rows, rows[::-1]):
        answer = decode.stock_by_product(told, {})
        assert (list(answer.stock), list(answer.refused)) == ([502], [501])
        assert "two different stocks" in answer.refused[501]


def test_what_was_refused_stays_refused() -> None:
    """Another row that can be read does not mend it."""
    rows = readable(decode.stock_rows([{"productId": 501, "inventory": {"available": 4}}]))
    assert decode.stock_by_product(rows, {501: "why"}) == StockAnswer({}, {501: "why"})
