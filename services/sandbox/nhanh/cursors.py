"""The places of pages, in the forms that Nhanh gives them: `next` is an array or an object, of numbers or of text.

https://developers.nhanh.group, "Paginator".
"""

from typing import Any


def written(last: int, *, mixed: bool) -> object:
    """Write the place behind a row."""
    if not mixed or last % 3 == 0:
        return {"id": last}
    return {"id": str(last)} if last % 3 == 1 else [last]


def same_place(after: int | None, again: int) -> object:
    """Write another cursor of a place; `again` counts them."""
    return {"id": "" if after is None else str(after), "again": again}


def read(given: Any) -> tuple[int | None, int]:  # noqa: ANN401 - as it came
    """Read the id behind which a page begins (None: at the beginning), and how often its place came again.

    Raises:
        ValueError, TypeError, KeyError: It is no cursor.
    """
    match given:
        case [last]:
            return int(last), 0
        case dict():
            return None if given["id"] == "" else int(given["id"]), int(given.get("again", 0))
        case _:
            raise ValueError("neither a list nor an object")
