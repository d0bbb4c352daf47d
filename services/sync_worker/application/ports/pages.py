"""A page of a vendor's list."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

Row_co = TypeVar("Row_co", covariant=True)


@dataclass(frozen=True, slots=True)
class RowRefusal:
    """A row that is there and cannot be read, and why: nothing is made of it. Its id is the vendor's."""

    vendor_id: int
    message: str


@dataclass(frozen=True, slots=True)
class Page(Generic[Row_co]):
    """Decoded rows and the place of the next page.

    `next_cursor` is the vendor's own cursor as JSON text, unchanged; None only when the list has truly ended.
    An empty page with a cursor is not the end.

    `refused` are rows that cannot be read although their ids can; none of `rows` has such an id. A row whose id cannot be
    read either makes the page a MalformedAnswer, since nobody can say what it was.
    """

    rows: Sequence[Row_co]
    next_cursor: str | None
    refused: Sequence[RowRefusal] = ()
