"""The lines of a bulk operation's result (JSONL), and the rows that they are.

A line with `__parentId` is a child: an object of a list inside another row, which it belongs to by that id wherever the two
stand in the file. No query of ours asks for a list inside a row, so every line is a row of its own, whole, and a child is
something that was not asked for.
"""

from collections.abc import Sequence

import orjson

from sync_worker.adapters.shopify import decode
from sync_worker.application.ports.pages import RowRefusal
from sync_worker.application.ports.shopify_bulk import BulkChunk, BulkFilter, BulkPosition, UnusableResult
from sync_worker.domain.customers import ShopifyCustomer
from sync_worker.domain.failures import MalformedAnswer
from sync_worker.domain.products import ShopifyVariant
from sync_worker.domain.requests import ShopifyProductFilter

PARENT = "__parentId"


def chunk_of(content: bytes, wanted: BulkFilter, position: BulkPosition) -> BulkChunk:
    """Read whole lines that begin at a position. A row that cannot be read is refused alone.

    Raises:
        UnusableResult: A line is no JSON object, has no id, or is a child.
    """
    lines = content.removesuffix(b"\n").split(b"\n")
    rows = _plain_rows(lines)
    if rows is None:
        rows = [_row(line, number) for number, line in enumerate(lines, position.lines + 1)]
    try:
        read, refused = _decoded(rows, wanted)
    except MalformedAnswer as error:
        raise UnusableResult(error.code, f"the result of a bulk operation: {error.message}", retryable=False) from None
    behind = BulkPosition(position.offset + len(content), position.lines + len(lines), position.roots + len(rows))
    return BulkChunk(read, refused, behind)


def _plain_rows(lines: Sequence[bytes]) -> list[decode.Row] | None:
    """Parse all lines at once, which is quicker; None where one of them is not a plain root."""
    try:
        rows: list[decode.Row] = orjson.loads(b"[%b]" % b",".join(lines))
    except orjson.JSONDecodeError:
        return None
    are_plain = len(rows) == len(lines) and all(type(row) is dict and PARENT not in row for row in rows)
    return rows if are_plain else None


def _row(line: bytes, number: int) -> decode.Row:
    try:
        row = orjson.loads(line)
    except orjson.JSONDecodeError:
        raise UnusableResult(
            "BULK_INCOMPLETE", f"line {number} of a bulk operation's result is cut or garbled"
        ) from None
    if not isinstance(row, dict):
        raise UnusableResult(
            "MALFORMED_ANSWER", f"line {number} of a bulk operation's result is no object", retryable=False
        )
    if PARENT in row:
        message = (
            f"line {number} of a bulk operation's result belongs to {str(row[PARENT])[:100]}, and was not asked for"
        )
        raise UnusableResult("MALFORMED_ANSWER", message, retryable=False)
    return row


def _decoded(
    rows: Sequence[decode.Row], wanted: BulkFilter
) -> tuple[Sequence[ShopifyVariant] | Sequence[ShopifyCustomer], Sequence[RowRefusal]]:
    return decode.variants(rows) if isinstance(wanted, ShopifyProductFilter) else decode.customers(rows)
