"""Barcodes: the forms of one trade item number share a key.

GS1 has items stored as GTINs of 14 digits with zeros in front (GS1 General Specifications, "GTIN formats"), so that
UPC-A, EAN-13 and GTIN-14 of one item meet.
"""

import re

from sync_worker.domain.keys.sku import sku_key

_GTIN_LENGTHS = frozenset({8, 11, 12, 13, 14})
"""Eleven digits are a UPC-A whose zero a spreadsheet has eaten."""

_SPREADSHEET_ZERO = re.compile(r"(\d{8,14})\.0")


def barcode_key(text: str | None) -> str | None:
    """Give the key of a barcode: 14 digits for a trade item number, otherwise the key that a SKU of this text has.

    A number with a wrong check digit, and an in-store number (which may carry a price or a weight), equals only its own
    text.
    """
    key = sku_key(text)
    if key is None:
        return None
    if key.isdigit() and key.isascii():
        return _gtin(key) or key  # as nearly every barcode is
    if zero := _SPREADSHEET_ZERO.fullmatch(key):
        key = zero[1]
    digits = key.replace(" ", "").replace("-", "")
    if not (digits.isascii() and digits.isdigit()):
        return key
    return _gtin(digits) or digits


def _gtin(digits: str) -> str | None:
    if len(digits) in _GTIN_LENGTHS and _is_checked(digits):
        return None if _is_in_store(digits) else digits.zfill(14)
    if len(digits) == 8:
        return _from_upc_e(digits)
    return None


def _is_checked(digits: str) -> bool:
    """Prove the last digit: weights 3 and 1 from the right. Zeros in front change nothing."""
    backwards = digits.encode()[::-1]  # the ASCII code of a digit is 48 more than the digit
    weighed = sum(backwards[::2]) + 3 * sum(backwards[1::2])
    return (weighed - 48 * (len(backwards[::2]) + 3 * len(backwards[1::2]))) % 10 == 0


def _is_in_store(digits: str) -> bool:
    """Recognise numbers that a shop gives by itself: prefixes 02 and 20 to 29, and GTIN-8 that begin with 0 or 2."""
    if len(digits) == 8:
        return digits[0] in "02"
    fourteen = digits.zfill(14)
    return fourteen.startswith(("02", "002"))


def _from_upc_e(digits: str) -> str | None:
    """Expand a zero-suppressed UPC-A of number system 0 or 1."""
    system, body, check = digits[0], digits[1:7], digits[7]
    if system not in "01":
        return None
    last = body[5]
    if last in "012":
        middle = body[:2] + last + "0000" + body[2:5]
    elif last == "3":
        middle = body[:3] + "00000" + body[3:5]
    elif last == "4":
        middle = body[:4] + "00000" + body[4]
    else:
        middle = body[:5] + "0000" + last
    expanded = system + middle + check
    return expanded.zfill(14) if _is_checked(expanded) else None
