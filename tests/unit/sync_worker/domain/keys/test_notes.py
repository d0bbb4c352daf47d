"""Phone numbers in notes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sync_worker.domain.keys.notes import MAX_NOTE_LENGTH, read_note


def noted(note: str | None) -> list[tuple[int, bool]]:
    """The numbers of a note, and whether a label names them."""
    return [(each.reading.key, each.labelled) for each in read_note(note)]


@pytest.mark.parametrize(
    "note",
    [
        "SĐT: 0912345678", "sdt 0912 345 678", "LH:0912345678", "Liên hệ chị Lan 0912.345.678", "zalo 912345678",
        "gọi trước 0912345678", "0912345678 (Zalo)", "Điện thoại +84 912 345 678", "ĐT0912345678", "Mã KH 12\nSĐT 0912345678",
    ],
)  # fmt: skip
def test_a_label_says_that_it_is_a_phone(note: str) -> None:
    """With a label even a number without its zero counts."""
    assert noted(note) == [(84912345678, True)]


def test_numbers_in_a_row_share_a_label() -> None:
    """A label stands for each number behind it, until a word or a line ends its reach."""
    assert noted("SĐT 0912345678 / 987654321") == [(84912345678, True), (84987654321, True)]
    assert noted("SĐT 0912345678 chồng 0987654321") == [(84912345678, True), (84987654321, False)]
    assert noted("SĐT 0912345678\n0987654321") == [(84912345678, True), (84987654321, False)]


@pytest.mark.parametrize("note", ["khách quen 0912345678", "chị Lan 0912 345 678, giao chiều", "84912345678"])
def test_without_a_label_the_prefix_says_it(note: str) -> None:
    """A whole number with its 0 or 84 counts, but less."""
    assert noted(note) == [(84912345678, False)]


@pytest.mark.parametrize(
    "note",
    [
        "MST 0312345678", "MST: 0312345678, 0398765432", "mã số thuế 0312345678", "CCCD 084123456789", "084912345678",
        "STK 0912345678 VCB", "Đơn hàng 0912345678", "đơn 20912345678123", "DH0912345678", "0912345678abc", "912345678",
        "mã KH 0912345678", "order #0912345678", "09xxxx1234", "0912345678 (stk)", "", None,
    ],
)  # fmt: skip
def test_other_numbers_are_no_phones(note: str | None) -> None:
    """Tax codes, identity cards, accounts and orders are left alone, and so are digits without any sign."""
    assert noted(note) == []


def test_the_nearest_label_counts() -> None:
    """A phone may follow an order number."""
    assert noted("đơn 0912345678 gọi 0987654321") == [(84987654321, True)]


def test_a_number_that_is_labelled_once_is_labelled() -> None:
    """The best mention of a number counts."""
    assert noted("0912345678; SĐT 0912345678") == [(84912345678, True)]


def test_a_long_note_is_not_read() -> None:
    """From 2,000 characters on a note is a document."""
    note = "SĐT 0912345678 "
    assert noted(note.ljust(MAX_NOTE_LENGTH - 1, ".")) == [(84912345678, True)]
    assert noted(note.ljust(MAX_NOTE_LENGTH, ".")) == []


@given(st.text(max_size=200))
def test_any_note_can_be_read(note: str) -> None:
    """No text raises, and each number is given once."""
    keys = [key for key, _ in noted(note)]
    assert len(keys) == len(set(keys))
