"""How long arrays in a call may be: https://shopify.dev/docs/api/usage/limits#input-array-limits."""

from collections.abc import Iterable
from typing import Any

MAX_ARRAY = 250
LONGER_ARRAYS = {"productVariantsBulkUpdate": 2_048}


def array_refusal(asked: Iterable[tuple[str, dict[str, Any]]]) -> dict[str, Any] | None:
    """Give the error of a call whose root fields, with their arguments, have a longer array than is allowed."""
    for name, arguments in asked:
        size, longest = _longest_array(arguments), LONGER_ARRAYS.get(name, MAX_ARRAY)
        if size > longest:
            message = f"The input array size of {size} is greater than the maximum allowed of {longest}."
            return {"message": message, "extensions": {"code": "MAX_INPUT_SIZE_EXCEEDED"}}
    return None


def _longest_array(given: object) -> int:
    if isinstance(given, dict):
        return max((_longest_array(value) for value in given.values()), default=0)
    if isinstance(given, list):
        return max(len(given), max((_longest_array(value) for value in given), default=0))
    return 0
