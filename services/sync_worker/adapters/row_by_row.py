"""Rows of a vendor's answer, read one by one: what cannot be read spoils its own row and no other."""

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from sync_worker.application.ports.pages import RowRefusal
from sync_worker.domain.failures import MalformedAnswer

Given = TypeVar("Given")
Row = TypeVar("Row", bound=tuple[Any, ...])


def read_rows(
    given: Iterable[Given], id_of: Callable[[Given], int], read: Callable[[Given], Row]
) -> tuple[list[Row], list[RowRefusal]]:
    """Read rows, whose ids come first in them, and tell of those that cannot be read.

    What is told twice and cannot be read once is not read.

    Raises:
        MalformedAnswer: `id_of` raised it: a row without an id is nobody's, so the whole answer is not trusted.
    """
    rows: list[Row] = []
    refused: dict[int, str] = {}
    for each in given:
        try:
            rows.append(read(each))
        except MalformedAnswer as refusal:
            refused[id_of(each)] = refusal.message
    if refused:
        rows = [row for row in rows if row[0] not in refused]
    return rows, [RowRefusal(vendor_id, message) for vendor_id, message in refused.items()]
