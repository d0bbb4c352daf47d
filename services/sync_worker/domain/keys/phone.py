"""Phone numbers: the canonical key of a number however it was typed.

The key is the number's E.164 digits as an integer: 0912 345 678, +84 912345678 and 84912345678 are all 84912345678.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from sync_worker.domain.keys.foreign_plan import read_foreign
from sync_worker.domain.keys.text_cleaning import plain
from sync_worker.domain.keys.vietnam_plan import PhoneForm, PhoneReading, read_national

_SPREADSHEET_ZERO = re.compile(r"(\d{8,12})\.0")
_EXPONENT = re.compile(r"\d+([.,]\d+)?[eE]\+?\d+")
_ONE_NUMBER = re.compile(r"\+?[\d\s.()-]+")
_RUN = re.compile(r"(?:\+ ?)?\(?\d(?:[ \t.()-]*\d)*")
_GROUP = re.compile(r"\d+")

MAX_GROUPS = 6
"""A number is not written in more groups of digits than this."""

_NAKED_SHAPES = frozenset({PhoneForm.CURRENT, PhoneForm.UNALLOCATED})


class FoundNumber(NamedTuple):
    """A number within a longer text. `prefixed` tells whether it was written with its 0, 84 or +."""

    start: int
    end: int
    reading: PhoneReading
    prefixed: bool


def phone_key(text: str | None) -> int | None:
    """Give the key of a field that holds one number; None when it holds none, or several."""
    readings = read_phones(text)
    return readings[0].key if len(readings) == 1 else None


def phone_keys(text: str | None) -> tuple[int, ...]:
    """Give the keys of all numbers in a field, in their order."""
    return tuple(reading.key for reading in read_phones(text))


def phone_text(key: int) -> str:
    """Write a key as people read it: E.164 with its plus."""
    return f"+{key}"


def read_phones(text: str | None) -> tuple[PhoneReading, ...]:
    """Read every number of a phone field: the whole field as one number first, otherwise each that stands in it."""
    if not text:
        return ()
    if text.isascii() and text.removeprefix("+").isdigit() and (plainly := read_digits(text)) is not None:
        return (plainly,)  # as nearly every number comes
    field = plain(text).strip().lstrip("'").strip()
    if _EXPONENT.fullmatch(field):
        return ()  # a spreadsheet has thrown digits away
    if zero := _SPREADSHEET_ZERO.fullmatch(field):
        field = zero[1]
    if _ONE_NUMBER.fullmatch(field) and (whole := read_digits(field)) is not None:
        return (whole,)
    first: dict[int, PhoneReading] = {}
    for found in numbers_in(field):
        first.setdefault(found.reading.key, found.reading)
    return tuple(first.values())


def read_digits(written: str) -> PhoneReading | None:
    """Read one number, written with any separators; None when there is no such number."""
    international = written.lstrip(" (").startswith("+")
    digits = written.removeprefix("+")
    if not digits.isdecimal():
        digits = "".join(_GROUP.findall(written))
    if international and digits[:1] != "0" and not digits.startswith("84"):
        return read_foreign("".join(_GROUP.findall(written.replace("(0)", ""))))
    if digits.startswith("00") and not digits.startswith("0084"):
        return read_foreign(digits[2:]) if len(digits) >= 12 else None
    national = _without_prefix(digits)
    if national is not None:
        return read_national(national)
    if international or digits[:1] == "0":
        return None
    naked = read_national(digits)
    if naked is None or naked.form in _NAKED_SHAPES:
        return naked
    return PhoneReading(naked.key, PhoneForm.GUESSED)


def numbers_in(text: str) -> Iterator[FoundNumber]:
    """Find every number in a plain text. No further digit touches either end of one."""
    for run in _RUN.finditer(text):
        groups = [(each.start(), each.end()) for each in _GROUP.finditer(text, run.start(), run.end())]
        begin = 0
        while begin < len(groups):
            found, used = _longest(text, run.start() if begin == 0 else groups[begin][0], groups, begin)
            if found is not None:
                yield found
            begin += used


def _longest(text: str, start: int, groups: list[tuple[int, int]], begin: int) -> tuple[FoundNumber | None, int]:
    """Find the longest number that begins with a group of digits, and how many groups are done with."""
    alone = len(groups) == 1
    for last in range(min(begin + MAX_GROUPS, len(groups)) - 1, begin - 1, -1):
        end = groups[last][1]
        written = text[start:end]
        reading = read_digits(written)
        if reading is None:
            continue
        prefixed = _is_prefixed(written)
        # Without 0, 84 or +, digits that stand among others may be anything.
        if prefixed or alone:
            return FoundNumber(start, end, reading, prefixed), last - begin + 1
    return None, 1


def _is_prefixed(written: str) -> bool:
    digits = "".join(_GROUP.findall(written))
    return "+" in written or digits[0] == "0" or (digits.startswith("84") and len(digits) >= 11)


def _without_prefix(digits: str) -> str | None:
    """Take 0084, 84, a zero typed before 84, or a zero away; the length tells 84 from VinaPhone's 084 numbers."""
    if digits.startswith("0084") and len(digits) >= 13:
        return digits[4:].removeprefix("0")
    if digits.startswith("84") and 11 <= len(digits) <= 13:
        return digits[2:].removeprefix("0")
    if digits.startswith("084") and len(digits) >= 12:
        return digits[3:].removeprefix("0")
    if digits.startswith("0") and not digits.startswith("00"):
        return digits[1:]
    return None
