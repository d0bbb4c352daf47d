"""Codes and how they are typed."""

from random import Random

import pytest
from sandbox.generator.codes import CodeBook, printed, typed, with_check_digit

from tests.unit.sandbox.generator.normaliser import clean


@pytest.mark.parametrize(
    ("digits", "whole"),
    [
        ("400638133393", "4006381333931"),  # GS1's own example of an EAN-13
        ("03600029145", "036000291452"),  # a UPC-A
        ("9638507", "96385074"),  # a GTIN-8
        ("893850000000", "8938500000003"),
    ],
)
def test_check_digits(digits: str, whole: str) -> None:
    """The last digit makes the sum with weights 3 and 1 from the right a multiple of ten."""
    assert with_check_digit(digits) == whole


def test_no_code_is_given_twice() -> None:
    """Every SKU, EAN-13 and UPC-A is its own; each barcode's check digit holds and its length is its kind's."""
    codes = CodeBook(Random(1))
    skus = [codes.sku() for _ in range(200)]
    eans, upcs = [codes.ean13() for _ in range(200)], [codes.upc() for _ in range(200)]
    assert len({*skus, *eans, *upcs}) == 600
    assert {len(one) for one in eans} == {13}
    assert {len(one) for one in upcs} == {12}
    for one in eans + upcs:
        assert sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(reversed(one))) % 10 == 0
    assert len({one.zfill(14) for one in eans + upcs}) == 400


def test_what_is_typed_is_the_same_code() -> None:
    """Case, white space, dashes and invisible characters are all that differs, in ten forms at least."""
    rng = Random(2)
    forms = {typed(rng, "AO-00017-XL") for _ in range(500)}
    assert len(forms) >= 10
    assert {clean(form).casefold() for form in forms} == {"ao-00017-xl"}


def test_a_upc_is_printed_with_zeros_before_it() -> None:
    """UPC-A, EAN-13 and GTIN-14 are one trade item."""
    rng = Random(3)
    forms = {printed(rng, "036000291452") for _ in range(50)}
    assert sorted(map(len, forms)) == [12, 13, 14]
    assert {form.zfill(14) for form in forms} == {"00036000291452"}
