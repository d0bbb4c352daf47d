"""SKUs and barcodes, each given to one thing, and the ways in which they are typed."""

from collections.abc import Sequence
from random import Random

FILLERS = ("", "-", "n/a", "N/A", "0", "không có")
DASHES = ("-", "\u2010", "\u2011", "\u2013", "\u2212")
FULL_WIDTH = str.maketrans({chr(code): chr(code + 0xFEE0) for code in (*range(48, 58), *range(65, 91))})


class CodeBook:
    """Hands out codes, no code twice."""

    def __init__(self, rng: Random) -> None:
        self._rng = rng
        self._skus = 0
        self._barcodes = 0

    def sku(self, size: str | None = None) -> str:
        """Give a SKU."""
        self._skus += 1
        head = self._rng.choice(("AO", "QU", "DA", "VA", "GI", "TU"))
        code = f"{head}-{self._skus:05d}"
        return code if size is None else f"{code}-{size}"

    def ean13(self) -> str:
        """Give an EAN-13 of Vietnam (GS1 prefix 893)."""
        self._barcodes += 1
        return with_check_digit(f"893{self._barcodes:09d}")

    def upc(self) -> str:
        """Give a UPC-A of 12 digits."""
        self._barcodes += 1
        return with_check_digit(f"7{self._barcodes:010d}")


def with_check_digit(digits: str) -> str:
    """Append the check digit of GS1: weights 3 and 1 from the right."""
    total = sum(int(digit) * (3 if place % 2 == 0 else 1) for place, digit in enumerate(reversed(digits)))
    return f"{digits}{-total % 10}"


def typed(rng: Random, sku: str) -> str:
    """Type a SKU as somebody might: what differs is case, white space, dashes and what cannot be seen."""
    ways: Sequence[str] = (
        sku,
        sku,
        sku,
        sku.lower(),
        sku.capitalize(),
        f" {sku}",
        f"{sku}\t",
        f"{sku}\u00a0",
        f"\ufeff{sku}",
        sku.replace("-", rng.choice(DASHES)),
        f"{sku[:2]}\u200b{sku[2:]}",
        f"'{sku}",
        sku.translate(FULL_WIDTH),
    )
    return rng.choice(ways)


def filler(rng: Random) -> str:
    """Type what stands where a code is missing."""
    return rng.choice(FILLERS)


def printed(rng: Random, upc: str) -> str:
    """Give one of the forms of a UPC-A that are read as one trade item: itself, EAN-13 or GTIN-14."""
    return rng.choice((upc, f"0{upc}", f"00{upc}"))
