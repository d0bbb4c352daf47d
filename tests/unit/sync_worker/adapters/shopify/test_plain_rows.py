"""The quick way of reading rows reads what the careful way reads, or nothing."""

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sync_worker.adapters.shopify import decode
from sync_worker.adapters.shopify.plain_rows import PLAIN_CUSTOMERS, PLAIN_VARIANTS, PlainReader
from sync_worker.domain.failures import MalformedAnswer

ODD = st.sampled_from([None, "", "x", "a\x00b", 0, 7, -1, 1.5, True, [], {}, "1e3", "-5", "1_0", "٣", "9" * 20])
AMOUNTS = (
    st.from_regex(r"[0-9]{1,16}(\.[0-9]{1,6})?", fullmatch=True) | st.sampled_from(["1.", ".5", "00012.30", "+1"]) | ODD
)
TIMES = (
    st.builds(
        "{}-06-30{}12:00:{}{}{}".format,
        st.sampled_from(["2026", "0001", "9999"]),
        st.sampled_from("Tt "),
        st.sampled_from(["00", "59", "60"]),
        st.from_regex(r"(\.[09]{1,9})?", fullmatch=True),
        st.sampled_from(["Z", "z", "+07:00", "-0730", ""]),
    )
    | st.sampled_from(["2026-06-30", "yesterday"])
    | ODD
)
TEXTS = st.text(max_size=5) | ODD


def ids(kind: str) -> st.SearchStrategy[Any]:
    """Ids of a kind, and what is none."""
    numbers = st.integers(1, 2**64).map(lambda number: f"gid://shopify/{kind}/{number}")
    odd = [
        f"gid://shopify/{kind}/0",
        f"gid://shopify/{kind}/01",
        f"gid://shopify/{kind}/7?a=1",
        "gid://shopify/Other/7",
    ]
    return numbers | st.sampled_from(odd) | ODD


VARIANTS = st.fixed_dictionaries(
    {},
    optional={
        "id": ids("ProductVariant"),
        "title": TEXTS | st.just("Default Title"),
        "sku": TEXTS,
        "barcode": TEXTS,
        "price": AMOUNTS,
        "compareAtPrice": AMOUNTS,
        "inventoryQuantity": st.integers(-5, 5) | ODD,
        "updatedAt": TIMES,
        "product": st.fixed_dictionaries({"id": ids("Product"), "title": TEXTS, "status": st.just("ACTIVE") | ODD})
        | ODD,
        "inventoryItem": st.fixed_dictionaries({"id": ids("InventoryItem")}) | ODD,
    },
)
CUSTOMERS = st.fixed_dictionaries(
    {},
    optional={
        "id": ids("Customer"),
        "firstName": TEXTS,
        "lastName": TEXTS,
        "note": TEXTS,
        "numberOfOrders": st.integers(0, 5).map(str) | ODD,
        "updatedAt": TIMES,
        "amountSpent": st.fixed_dictionaries({"amount": AMOUNTS, "currencyCode": st.just("VND") | ODD}) | ODD,
        "defaultEmailAddress": st.none() | st.fixed_dictionaries({"emailAddress": TEXTS}) | ODD,
        "defaultPhoneNumber": st.none() | st.fixed_dictionaries({"phoneNumber": TEXTS}) | ODD,
        "defaultAddress": st.none() | st.fixed_dictionaries({"phone": TEXTS}) | ODD,
    },
)
PLAIN_VARIANT = {
    "id": "gid://shopify/ProductVariant/11",
    "title": "Đỏ / M",
    "sku": "AO-1",
    "barcode": None,
    "price": "199000.50",
    "compareAtPrice": None,
    "inventoryQuantity": -2,
    "updatedAt": "2026-07-01T00:00:00Z",
    "product": {"id": "gid://shopify/Product/1", "title": "Áo", "status": "ACTIVE"},
    "inventoryItem": {"id": "gid://shopify/InventoryItem/111"},
}


def carefully(read: Any, row: Any) -> Any:
    """Read a row with care; None when it cannot be read."""
    try:
        return read(row)
    except MalformedAnswer:
        return None


def quickly(reader: PlainReader[Any, Any], row: Any) -> Any:
    """Read a row the quick way, out of a page and out of a line, which must agree; None when it is not plain."""
    read = reader.rows([row])
    line = orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE)
    assert read == reader.lines([line]) == reader.lines([line[:-1]])
    return None if read is None else read[0]


@given(VARIANTS)
def test_variants_are_read_alike(row: dict[str, Any]) -> None:
    """Whatever the quick way makes of a row, the careful way makes too."""
    quick = quickly(PLAIN_VARIANTS, row)
    assert quick is None or quick == carefully(decode._variant, row)


@given(st.dictionaries(st.sampled_from(sorted(PLAIN_VARIANT)), ODD | AMOUNTS | TIMES, max_size=2))
def test_a_variant_with_an_odd_field_is_read_alike(odd: dict[str, Any]) -> None:
    """A row that is plain but for a field or two."""
    row = PLAIN_VARIANT | odd
    quick = quickly(PLAIN_VARIANTS, row)
    assert quick is None or quick == carefully(decode._variant, row)


@given(CUSTOMERS)
def test_customers_are_read_alike(row: dict[str, Any]) -> None:
    """Whatever the quick way makes of a row, the careful way makes too."""
    quick = quickly(PLAIN_CUSTOMERS, row)
    assert quick is None or quick == carefully(decode._customer, row)


@pytest.mark.parametrize("price", ["0", "199000", "199000.5", "199000.0001"])
def test_a_plain_variant_is_read_quickly(price: str) -> None:
    """The quick way is taken at all."""
    row = PLAIN_VARIANT | {"price": price}
    assert quickly(PLAIN_VARIANTS, row) == decode._variant(row)


@pytest.mark.parametrize("field", [{"title": "a\x00b"}, {"inventoryQuantity": 2**63}])
def test_what_no_database_takes_is_not_plain(field: dict[str, Any]) -> None:
    """A NUL, or a number beyond 64 bits, goes the careful way."""
    assert quickly(PLAIN_VARIANTS, PLAIN_VARIANT | field) is None


def test_a_plain_customer_is_read_quickly() -> None:
    """With everything that it may lack, and without."""
    for contact in (None, "x"):
        row = {
            "id": "gid://shopify/Customer/7",
            "firstName": contact,
            "lastName": "Nguyễn",
            "note": contact,
            "numberOfOrders": "3",
            "updatedAt": "2026-07-01T00:00:00Z",
            "amountSpent": {"amount": "1250000.0", "currencyCode": "VND"},
            "defaultEmailAddress": contact and {"emailAddress": "a@b.vn"},
            "defaultPhoneNumber": contact and {"phoneNumber": "+84912345678"},
            "defaultAddress": contact and {"phone": None},
        }
        assert quickly(PLAIN_CUSTOMERS, row) == decode._customer(row)


def test_one_row_that_is_not_plain_has_all_read_with_care() -> None:
    """None is left out."""
    line = orjson.dumps(PLAIN_VARIANT)
    assert PLAIN_VARIANTS.lines([line, line]) is not None
    for other in (b"", b"{}", b'{"id":', b"7", orjson.dumps(PLAIN_VARIANT | {"__parentId": "gid://shopify/Product/1"})):
        assert PLAIN_VARIANTS.lines([line, other, line]) is None


@pytest.mark.parametrize("between", [b" ", b"", b"\r"])
def test_a_line_is_one_row(between: bytes) -> None:
    """Neither two nor none."""
    line = orjson.dumps(PLAIN_VARIANT)
    assert PLAIN_VARIANTS.lines([line + between + line]) is None
    assert PLAIN_VARIANTS.lines([line, between]) is None
