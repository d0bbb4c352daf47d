"""SKUs, barcodes and e-mail addresses."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sync_worker.domain.keys import barcode_key, email_key, sku_key
from sync_worker.domain.keys.text_cleaning import LONGEST_KEY

DIGITS = "0123456789"


def checked(digits: str) -> str:
    """Digits with their check digit behind them (weights 3 and 1 from the right)."""
    total = sum(int(digit) * (3 if place % 2 == 0 else 1) for place, digit in enumerate(reversed(digits)))
    return f"{digits}{-total % 10}"


@pytest.mark.parametrize(
    "text",
    ["ab-12", "AB-12", " AB-12\t", "AB‑12", "AB–12", "AB−12", "\u200bab-12\ufeff", "'AB-12", "ＡＢ－１２"],
)
def test_forms_of_a_sku_share_a_key(text: str) -> None:
    """Case, dashes, width, white space around and invisible characters do not count."""
    assert sku_key(text) == "ab-12"


def test_accents_are_composed_and_folded() -> None:
    """Both ways to write an accented letter are one."""
    assert sku_key("ĐẦM\u00a0 01") == sku_key("đâ\u0300m 01") == "đầm 01"


@pytest.mark.parametrize(
    ("one", "other"), [("ab-12", "ab12"), ("012", "12"), ("o1", "01"), ("đầm", "dam"), ("a b", "ab")]
)
def test_what_may_tell_two_skus_apart_does(one: str, other: str) -> None:
    """Inner separators, leading zeros, look-alikes and accents count."""
    assert sku_key(one) != sku_key(other)


@pytest.mark.parametrize(
    "text", [None, "", " ", "-", "—", "N/A", "null", "0", "000", "không có", "8.9E+12", "'", "_", "..."]
)
def test_fillers_are_no_sku(text: str | None) -> None:
    """What stands where a code is missing leads to nothing."""
    assert sku_key(text) is None
    assert barcode_key(text) is None


@given(st.text(max_size=20))
def test_keys_are_their_own_keys(text: str) -> None:
    """Normalising is idempotent for all three."""
    for make in (sku_key, barcode_key, email_key):
        key = make(text)
        assert key is None or make(key) == key


@given(st.text(DIGITS, min_size=10, max_size=10).filter(lambda digits: digits.strip("0") != ""))
def test_upc_ean_and_gtin_of_one_item_share_a_key(body: str) -> None:
    """A UPC-A is an EAN-13 and a GTIN-14 with zeros in front; a spreadsheet takes them away."""
    upc = checked("3" + body)
    forms = [upc, "0" + upc, "00" + upc, upc + ".0", f"{upc[:6]} {upc[6:]}", f"{upc[:6]}-{upc[6:]}"]
    assert {barcode_key(form) for form in forms} == {"00" + upc}
    eaten = checked("0" + body)
    if body[0] not in "02":
        assert barcode_key(eaten[1:]) == barcode_key("0" + eaten) == "00" + eaten


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("4006381333931", "04006381333931"),
        ("4006381333932", "4006381333932"),  # a wrong check digit equals its own text only
        ("14006381333938", "14006381333938"),  # a case of them is another trade item
        ("96385074", "00000096385074"),
        ("04252614", "00042100005264"),  # UPC-E
        ("2000000012344", "2000000012344"),  # in-store: may carry a weight
        ("2012345678900", "2012345678900"),
        ("ABC-1", "abc-1"),
    ],
)
def test_barcodes_by_kind(text: str, key: str) -> None:
    """A trade item number has fourteen digits; anything else is a text."""
    assert barcode_key(text) == key


@given(st.text(DIGITS, min_size=12, max_size=12))
def test_an_in_store_number_meets_its_own_text_only(body: str) -> None:
    """Numbers with prefix 2 are never padded, so that another shop's form of them does not meet them."""
    number = checked("2" + body[1:])
    assert barcode_key(number) == number


@pytest.mark.parametrize(
    "text", [" Lan@Example.COM ", "lan@example.com", "ＬＡＮ@example.com", "lan@example.com\u200b"]
)
def test_forms_of_an_address_share_a_key(text: str) -> None:
    """Case, width and invisible characters do not count."""
    assert email_key(text) == "lan@example.com"


@pytest.mark.parametrize(
    "text", [None, "", "lan", "lan@", "@example.com", "lan@example", "a b@example.com", "a@b@c.vn"]
)
def test_what_is_no_address_has_no_key(text: str | None) -> None:
    """Fillers lead to nobody."""
    assert email_key(text) is None


def test_dots_and_tags_tell_addresses_apart() -> None:
    """What a mail server makes of them is its own affair."""
    assert len({email_key(text) for text in ("lan.anh@gmail.com", "lananh@gmail.com", "lananh+a@gmail.com")}) == 3


def test_a_key_fits_an_index() -> None:
    """What is longer than any code or address has no key: an index of PostgreSQL would refuse its whole page."""
    assert sku_key("a" * LONGEST_KEY) == "a" * LONGEST_KEY
    assert sku_key("a" * (LONGEST_KEY + 1)) is None
    assert barcode_key("a" * (LONGEST_KEY + 1)) is None
    assert email_key("a" * LONGEST_KEY + "@x.vn") is None
