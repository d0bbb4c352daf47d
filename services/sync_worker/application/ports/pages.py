"""A page of a vendor's list."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

Row_co = TypeVar("Row_co", covariant=True)


@dataclass(frozen=True, slots=True)
class Page(Generic[Row_co]):
    """Decoded rows and the place of the next page.

    `next_cursor` is the vendor's own cursor as JSON text, unchanged; None only when the list has truly ended.
    An empty page with a cursor is not the end.
    """

    rows: Sequence[Row_co]
    next_cursor: str | None
