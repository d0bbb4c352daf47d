"""Facts about single values as PHP writes them."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sync_worker.adapters.nhanh.envelope import Json
from sync_worker.adapters.nhanh.fields import (
    LARGEST_ID,
    amount,
    id_of,
    integer,
    list_of,
    name_within,
    object_of,
    required_amount,
    required_integer,
    text,
)
from sync_worker.domain.failures import MalformedAnswer

NOTHING: list[Json] = [None, "", [], {}]


@pytest.mark.parametrize("nothing", NOTHING)
def test_php_has_four_ways_to_say_nothing(nothing: Json) -> None:
    """Each is no object, no rows, no amount, no text; and none is an id or an amount that must be there."""
    assert object_of(nothing, "it") is None
    assert list_of(nothing, "it") == []
    assert amount(nothing, "it") is None
    assert text(nothing) is None
    assert integer(nothing) is None
    for strict in (id_of, required_amount, required_integer):
        with pytest.raises(MalformedAnswer):
            strict(nothing, "it")


@pytest.mark.parametrize(
    ("written", "scaled"),
    [
        (199000, 1_990_000_000),
        ("199000", 1_990_000_000),
        (Decimal("0.1"), 1_000),
        (" 12.50 ", 125_000),
        ("1.5e3", 15_000_000),
        (Decimal("-3.00005"), -30_001),
        (0, 0),
        ("0", 0),
    ],
)
def test_amounts_are_ten_thousandths(written: Json, scaled: int) -> None:
    """As numbers or as text; zero is an amount."""
    assert amount(written, "it") == scaled


@pytest.mark.parametrize(
    "written",
    [
        "unknown",
        "1,000",
        "1.000.000",
        "0x10",
        "1_000",
        "NaN",
        "Infinity",
        "٣",
        True,
        False,
        [1],
        {"a": 1},
        10**15,
        "1e400",
    ],
)
def test_an_amount_that_cannot_be_read_is_never_zero(written: Json) -> None:
    """Nothing is made of it."""
    with pytest.raises(MalformedAnswer):
        amount(written, "it")


@given(st.decimals(min_value=-(10**13), max_value=10**13, places=4))
def test_an_amount_means_the_same_as_number_and_as_text(value: Decimal) -> None:
    """PHP chooses one or the other by the hour."""
    assert amount(value, "it") == amount(str(value), "it") == int(value * 10_000)


@pytest.mark.parametrize(
    ("written", "found"), [(501, 501), ("501", 501), (Decimal("501.0"), 501), (LARGEST_ID, LARGEST_ID)]
)
def test_ids_are_read(written: Json, found: int) -> None:
    """As numbers or as text."""
    assert id_of(written, "it") == found


@pytest.mark.parametrize("written", [0, -1, "0", "1.5", "abc", True, LARGEST_ID + 1, "9" * 40, [1], Decimal("1.5")])
def test_what_is_no_id_is_refused(written: Json) -> None:
    """No row is kept under a wrong id."""
    with pytest.raises(MalformedAnswer):
        id_of(written, "it")


def test_a_list_may_be_keyed_and_its_keys_say_nothing() -> None:
    """PHP writes a list with holes as an object."""
    assert list_of({"7": {"id": 70}, "9": {"id": 90}}, "it") == [{"id": 70}, {"id": 90}]


@pytest.mark.parametrize("written", ["rows", 7, True, Decimal(1)])
def test_what_is_no_list_and_no_object_is_refused(written: Json) -> None:
    """It is not taken for an empty one."""
    with pytest.raises(MalformedAnswer):
        list_of(written, "it")
    with pytest.raises(MalformedAnswer):
        object_of(written, "it")


def test_descriptions_are_read_leniently() -> None:
    """What only describes may be unknown."""
    assert integer("male") is None
    assert integer(10**30) is None
    assert integer("2") == 2
    assert text(False) is None
    assert text(901234567) == "901234567"
    assert text(" as it came ") == " as it came "
    assert name_within({"id": 2, "name": "VIP"}) == "VIP"
    assert name_within([]) is None
    assert name_within("VIP") is None


def test_half_a_surrogate_pair_is_replaced() -> None:
    """No database takes it; the rest of the text stays, whole pairs included."""
    assert text("a\ud83d b\U0001f600") == "a\ufffd b\U0001f600"
