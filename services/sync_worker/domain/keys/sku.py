"""SKUs: the same code however it was typed."""

import re
import unicodedata

from sync_worker.domain.keys.text_cleaning import plain, squeezed

FILLERS = frozenset(
    {
        "n/a", "#n/a", "na", "nan", "nil", "null", "none", "undefined", "không", "khong", "không có", "khong co", "chưa có",
        "chua co", "trống", "trong", "no sku", "nosku", "no barcode", "test",
    }
)  # fmt: skip
"""Words that stand where a code is missing."""

_SCIENTIFIC = re.compile(r"\d[.,]\d+e\+\d+")
_SAYS_SOMETHING = re.compile(r"[^\W_]")


def sku_key(text: str | None) -> str | None:
    """Give the key of a SKU; None for what stands in place of one.

    Case, white space at the ends, invisible characters and kinds of dashes do not tell two SKUs apart. Inner separators,
    leading zeros and accents do.
    """
    if text is None:
        return None
    if text.isascii() and "'" not in text:
        key = squeezed(text).lower()  # what the rest comes to for nearly every SKU
    else:
        key = _folded(text)
        while (again := _folded(key)) != key:  # folding case may make new forms to compose
            key = again
    if key in FILLERS or not key.strip("0") or not _SAYS_SOMETHING.search(key) or _SCIENTIFIC.fullmatch(key):
        return None
    return key


def _folded(text: str) -> str:
    return unicodedata.normalize("NFC", squeezed(plain(text)).lstrip("'").strip().casefold())
