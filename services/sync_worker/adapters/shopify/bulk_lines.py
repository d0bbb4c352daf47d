"""The lines of a bulk operation's result (JSONL): rows of the list, and the stock levels that belong to them.

A line with `__parentId` is a child: an object of a list inside a row, which it belongs to by that id wherever the two stand. So
a level goes its own way, with the ids by which it is joined to its row, and nothing waits in memory. Where no levels were asked
for, every line is a row of its own, whole, and a child is something that was not asked for.
"""

from collections.abc import Mapping, Sequence

import structlog

from sync_worker.adapters.shopify import decode
from sync_worker.adapters.shopify.json_text import parsed
from sync_worker.adapters.shopify.plain_rows import PARENT, PLAIN_CUSTOMERS, PLAIN_LEVELS, PLAIN_VARIANTS
from sync_worker.application.ports.shopify_bulk import BulkChunk, BulkList, BulkPosition, UnusableResult
from sync_worker.domain.failures import MalformedAnswer
from sync_worker.domain.products import ShopifyLevel
from sync_worker.domain.requests import ShopifyProductFilter

_CHILD_KEY = f'"{PARENT}":'.encode()
"""So a child is told at a glance: inside of a text its quotes would be escaped. Written otherwise, it is read with care."""

log = structlog.get_logger()


def chunk_of(content: bytes, wanted: BulkList, position: BulkPosition) -> BulkChunk:
    """Read whole lines that begin at a position. A row that cannot be read is refused alone.

    Raises:
        UnusableResult: A line is no JSON object, has no id, or is a child that was not asked for.
    """
    lines = content.removesuffix(b"\n").split(b"\n")
    chunk = _quickly(lines, wanted, position, len(content))
    return chunk if chunk is not None else _with_care(lines, wanted, position, len(content))


def _quickly(lines: Sequence[bytes], wanted: BulkList, position: BulkPosition, length: int) -> BulkChunk | None:
    """Read lines that are as plain as nearly all are, all of them or none."""
    roots, children = lines, list[bytes]()
    if wanted.with_levels:
        children = [line for line in lines if _CHILD_KEY in line]
        roots = [line for line in lines if _CHILD_KEY not in line] if children else lines
    are_variants = isinstance(wanted.filter, ShopifyProductFilter)
    rows = PLAIN_VARIANTS.lines(roots) if are_variants else PLAIN_CUSTOMERS.lines(roots)
    levels = None if rows is None else PLAIN_LEVELS.lines(children)
    if rows is None or levels is None:
        return None
    return BulkChunk(rows, (), _behind(position, length, len(lines), len(rows)), levels)


def _with_care(lines: Sequence[bytes], wanted: BulkList, position: BulkPosition, length: int) -> BulkChunk:
    objects = [_object(line, number) for number, line in enumerate(lines, position.lines + 1)]
    roots = [each for each in objects if PARENT not in each]
    try:
        levels = [
            _level(each, number, wanted) for number, each in enumerate(objects, position.lines + 1) if PARENT in each
        ]
        are_variants = isinstance(wanted.filter, ShopifyProductFilter)
        rows, refused = decode.variants_with_care(roots) if are_variants else decode.customers_with_care(roots)
    except MalformedAnswer as error:
        raise UnusableResult(error.code, f"the result of a bulk operation: {error.message}", retryable=False) from None
    _tell_of_unknown(levels)
    return BulkChunk(rows, refused, _behind(position, length, len(lines), len(roots)), levels)


def _behind(position: BulkPosition, length: int, lines: int, roots: int) -> BulkPosition:
    return BulkPosition(position.offset + length, position.lines + lines, position.roots + roots)


def _object(line: bytes, number: int) -> decode.Row:
    try:
        found = parsed(line)
    except ValueError:
        raise UnusableResult(
            "BULK_INCOMPLETE", f"line {number} of a bulk operation's result is cut or garbled"
        ) from None
    if not isinstance(found, Mapping):
        raise UnusableResult(
            "MALFORMED_ANSWER", f"line {number} of a bulk operation's result is no object", retryable=False
        )
    return found


def _level(line: decode.Row, number: int, wanted: BulkList) -> ShopifyLevel:
    if not wanted.with_levels:
        message = (
            f"line {number} of a bulk operation's result belongs to {str(line[PARENT])[:100]}, and was not asked for"
        )
        raise UnusableResult("MALFORMED_ANSWER", message, retryable=False)
    return decode.level_with_care(line)


def _tell_of_unknown(levels: Sequence[ShopifyLevel]) -> None:
    """Name the first that cannot be read, and how many there are: a whole shop's would fill the log."""
    unknown = [level for level in levels if level.available is None]
    if unknown:
        first = unknown[0]
        log.warning(
            "stock_levels_unreadable", levels=len(unknown), item=first.inventory_item_id, location=first.location_id
        )
