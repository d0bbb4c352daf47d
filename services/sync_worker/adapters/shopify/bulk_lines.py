"""The lines of a bulk operation's result (JSONL), and the rows that they are.

A line with `__parentId` is a child: an object of a list inside another row, which it belongs to by that id wherever the two
stand in the file. No query of ours asks for a list inside a row, so every line is a row of its own, whole, and a child is
something that was not asked for.
"""

from sync_worker.adapters.shopify import decode
from sync_worker.adapters.shopify.json_text import parsed
from sync_worker.adapters.shopify.plain_rows import PLAIN_CUSTOMERS, PLAIN_VARIANTS
from sync_worker.application.ports.shopify_bulk import BulkChunk, BulkFilter, BulkPosition, UnusableResult
from sync_worker.domain.failures import MalformedAnswer
from sync_worker.domain.requests import ShopifyProductFilter

PARENT = "__parentId"


def chunk_of(content: bytes, wanted: BulkFilter, position: BulkPosition) -> BulkChunk:
    """Read whole lines that begin at a position. A row that cannot be read is refused alone.

    Raises:
        UnusableResult: A line is no JSON object, has no id, or is a child.
    """
    are_variants = isinstance(wanted, ShopifyProductFilter)
    plain = PLAIN_VARIANTS.lines(content) if are_variants else PLAIN_CUSTOMERS.lines(content)
    if plain is not None:
        return BulkChunk(plain, (), _behind(position, content, len(plain)))
    lines = content.removesuffix(b"\n").split(b"\n")
    rows = [_row(line, number) for number, line in enumerate(lines, position.lines + 1)]
    try:
        read, refused = decode.variants_with_care(rows) if are_variants else decode.customers_with_care(rows)
    except MalformedAnswer as error:
        raise UnusableResult(error.code, f"the result of a bulk operation: {error.message}", retryable=False) from None
    return BulkChunk(read, refused, _behind(position, content, len(rows)))


def _behind(position: BulkPosition, content: bytes, roots: int) -> BulkPosition:
    return BulkPosition(position.offset + len(content), position.lines + roots, position.roots + roots)


def _row(line: bytes, number: int) -> decode.Row:
    try:
        row = parsed(line)
    except ValueError:
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
