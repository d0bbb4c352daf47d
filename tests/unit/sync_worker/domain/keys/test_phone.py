"""Phone numbers, however they are typed."""

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sync_worker.domain.keys import phone_key, phone_keys, phone_text
from sync_worker.domain.keys.phone import read_phones
from sync_worker.domain.keys.vietnam_plan import AREA_CODES, MOBILE_BLOCKS, RENUMBERED_MOBILES, PhoneForm

MOBILES = st.builds(
    lambda block, rest: block + rest,
    st.sampled_from(sorted(MOBILE_BLOCKS)),
    st.text("0123456789", min_size=7, max_size=7),
)
LANDLINES = st.builds(
    lambda area, rest: area + rest, st.sampled_from(sorted(AREA_CODES)), st.text("0123456789", min_size=7, max_size=7)
)
PREFIXES = st.sampled_from(["0", "84", "+84", "0084", "+84(0)", "+840", "840", "+84 ", "(+84) ", "084", "+0", ""])
SEPARATORS = st.sampled_from(["", " ", ".", "-", "\u00a0", "–", " - ", "\u200b"])


@given(MOBILES | LANDLINES, PREFIXES, SEPARATORS)
def test_every_form_of_a_number_has_its_key(national: str, prefix: str, separator: str) -> None:
    """Prefix and separators do not matter."""
    written = prefix + separator.join((national[:2], national[2:5], national[5:]))
    assert phone_keys(written) == (int("84" + national),)


@given(MOBILES | LANDLINES)
def test_a_key_written_out_has_itself_as_its_key(national: str) -> None:
    """Normalising is idempotent."""
    key = phone_key("0" + national)
    assert key is not None
    assert phone_key(str(key)) == phone_key(phone_text(key)) == key


@given(st.text(max_size=60))
def test_whatever_is_read_is_read_again_the_same(text: str) -> None:
    """No text makes a key that does not read as itself, and none raises."""
    for key in phone_keys(text):
        assert phone_keys(phone_text(key)) == (key,)


@given(st.text("+0123456789 .-()/,", min_size=8, max_size=30))
def test_numbers_among_punctuation_are_read_again_the_same(text: str) -> None:
    """The same where digits are many."""
    for key in phone_keys(text):
        assert phone_keys(phone_text(key)) == (key,)


@given(MOBILES | LANDLINES, st.sampled_from(["0", "+84", "0084"]))
def test_what_the_metadata_knows_is_read_alike(national: str, prefix: str) -> None:
    """`phonenumbers` reads numbers of today's plan as we do."""
    number = phonenumbers.parse(prefix + national, "VN")
    assert phone_key(prefix + national) == int(f"{number.country_code}{number.national_number}")


@pytest.mark.parametrize("region", sorted(phonenumbers.SUPPORTED_REGIONS - {"VN"}))
def test_a_number_of_every_other_country_is_its_digits(region: str) -> None:
    """A foreign number in its international form, as Shopify keeps it, has its E.164 digits as its key."""
    example = phonenumbers.example_number(region)
    assert example is not None
    e164 = phonenumbers.format_number(example, phonenumbers.PhoneNumberFormat.E164)
    international = phonenumbers.format_number(example, phonenumbers.PhoneNumberFormat.INTERNATIONAL)
    expected = (
        int(e164[1:]) if len(e164) > 8 else None
    )  # a few islands have numbers that are too short to tell from junk
    assert phone_key(e164) == phone_key(international) == expected


@pytest.mark.parametrize(("old", "new"), sorted(RENUMBERED_MOBILES.items()))
def test_an_old_mobile_number_is_the_new_one(old: str, new: str) -> None:
    """All 21 prefixes of 2018 lead to today's number."""
    assert len(RENUMBERED_MOBILES) == 21
    for prefix in ("0", "+84", "84"):
        (reading,) = read_phones(f"{prefix}{old}4567890")
        assert reading == (int(f"84{new}4567890"), PhoneForm.RENUMBERED)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("0511 3812345", 842363812345),  # Đà Nẵng, eleven digits
        ("0650 3812345", 842743812345),
        ("04 38123456", 842438123456),  # Hà Nội
        ("054 3812345", 842343812345),  # Huế: no mobile block begins so
        ("0240 3812345", 842043812345),  # not Hà Nội: its numbers never begin with 0 or 1
        ("0281 3812345", 842093812345),
    ],
)
def test_an_old_area_code_is_the_new_one(old: str, new: int) -> None:
    """Landlines of before 2017 lead to today's number, where no mobile number looks the same."""
    assert [tuple(each) for each in read_phones(old)] == [(new, PhoneForm.OLD_AREA)]


@pytest.mark.parametrize("number", ["0838123456", "0333812345", "0393812345", "0563812345", "0703812345", "0793812345"])
def test_an_old_landline_that_looks_like_a_mobile_number_is_one(number: str) -> None:
    """Ten digits in today's mobile blocks are never rewritten."""
    assert [tuple(each) for each in read_phones(number)] == [(int("84" + number[1:]), PhoneForm.CURRENT)]


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("912345678.0", (84912345678,)),
        ("'0912345678", (84912345678,)),
        ("０９１２３４５６７８", (84912345678,)),
        ("٠٩١٢٣٤٥٦٧٨", (84912345678,)),
        ("tel:0912345678", (84912345678,)),
        ("0912345678 (Lan)", (84912345678,)),
        ("841234567", (84841234567,)),  # VinaPhone's 084 without its zero
        ("0841234567", (84841234567,)),
        ("84841234567", (84841234567,)),
        ("0912345678 / 0987654321", (84912345678, 84987654321)),
        ("0912345678-0987654321", (84912345678, 84987654321)),
        ("0912345678 0987654321", (84912345678, 84987654321)),
        ("0912 345 678 0987 654 321", (84912345678, 84987654321)),
        ("0912345678 hoặc +84987654321", (84912345678, 84987654321)),
        ("0912345678, 0912 345 678", (84912345678,)),
        ("0988888888", (84988888888,)),
    ],
)
def test_fields_as_people_fill_them(text: str, keys: tuple[int, ...]) -> None:
    """Spreadsheets, keyboards and second numbers leave their marks; the numbers are found all the same."""
    assert phone_keys(text) == keys


@pytest.mark.parametrize(
    "text",
    [
        None, "", "-", "0000000000", "0123456789", "1111111111", "113", "18001234", "1900123456", "09xxxx1234", "0121 012345",
        "9.12345678E+08", "20912345678123", "091234567", "09123456789", "84123456789", "+1 000 000 0000", "+84 12", "không có",
    ],
)  # fmt: skip
def test_what_is_no_number_has_no_key(text: str | None) -> None:
    """Fillers, service lines, masked and truncated numbers lead to nobody."""
    assert phone_keys(text) == ()
    assert phone_key(text) is None


def test_a_field_with_two_numbers_has_no_single_key() -> None:
    """`phone_key` never chooses."""
    assert phone_key("0912345678 / 0987654321") is None


def test_how_a_number_was_read_is_told() -> None:
    """An unknown block, an old number without its zero and a foreign number are told from a current one."""
    forms = [
        read_phones(text)[0].form for text in ("0912345678", "0951234567", "1212345678", "438123456", "+14155552671")
    ]
    assert forms == [
        PhoneForm.CURRENT,
        PhoneForm.UNALLOCATED,
        PhoneForm.GUESSED,
        PhoneForm.GUESSED,
        PhoneForm.FOREIGN,
    ]
