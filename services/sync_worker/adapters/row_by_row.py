"""Rows of a vendor's answer, read one by one: what cannot be read spoils its own row and no other."""

from collections.abc import Callable, Iterable
from typing import TypeVar

from sync_worker.application.ports.pages import RowRefusal
from sync_worker.domain.failures import MalformedAnswer

Given = TypeVar("Given")
Row = TypeVar("Row")


def read_rows(
    given: Iterable[Given], id_of: Callable[[Given], int], read: Callable[[Given], Row]
) -> tuple[list[Row], list[RowRefusal]]:
    """Read rows, and tell of those that cannot be read. What is told twice and cannot be read once is not read.

    Raises:
        MalformedAnswer: `id_of` raised it: a row without an id is nobody's, so the whole answer is not trusted.
    """
    rows: list[tuple[int, Row]] = []
    refused: dict[int, str] = {}
    for each in given:
        vendor_id = id_of(each)
        try:
            rows.append((vendor_id, read(each)))
        except MalformedAnswer as refusal:
            refused[vendor_id] = refusal.message
    readable = [row for vendor_id, row in rows if vendor_id not in refused]
    return readable, [RowRefusal(vendor_id, message) for vendor_id, message in refused.items()]
