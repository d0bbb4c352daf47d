"""Rows whose amount cannot be read: the plan's `bad_item` in lists, at pages and in results of bulk queries."""

from sandbox.shopify.context import Call
from sandbox.shopify.rows import Row

NO_AMOUNT = "unreadable"


def as_planned(row: Row, call: Call) -> Row:
    """Give a row as the fault plan wants it: one that it names has no number for its price, or for what was spent."""
    rule = call.unreadable.get(row["id"]) if call.unreadable else None
    if rule is None:
        return row
    shown = rule.message or NO_AMOUNT
    if "amountSpent" in row:
        return {**row, "amountSpent": {**row["amountSpent"], "amount": shown}}
    return {**row, "price": shown} if "price" in row else row
