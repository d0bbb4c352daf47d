"""Rows by id, and their ids in order: sorted anew only after a row came or went."""

from collections.abc import Iterator, MutableMapping, Sequence
from typing import Any, TypeVar

Row = TypeVar("Row")


class ById(MutableMapping[int, Row]):
    """A mapping whose keys can also be walked in order; a page of a long list then costs no sort."""

    def __init__(self) -> None:
        self._rows: dict[int, Row] = {}
        self._ids: list[int] | None = None
        self.removed: set[int] = set()
        """Ids of rows that there were and are no more."""

    @property
    def ids(self) -> Sequence[int]:
        """The ids, ascending."""
        if self._ids is None:
            self._ids = sorted(self._rows)
        return self._ids

    def __getitem__(self, one: int) -> Row:
        return self._rows[one]

    def __setitem__(self, one: int, row: Row) -> None:
        if one not in self._rows:
            self._ids = None
        self._rows[one] = row
        self.removed.discard(one)

    def __delitem__(self, one: int) -> None:
        del self._rows[one]
        self._ids = None
        self.removed.add(one)

    def get(self, one: int, default: Any = None) -> Any:  # noqa: ANN401 - as the mapping that this is
        """Find a row, faster than the mixin does."""
        return self._rows.get(one, default)

    def __contains__(self, one: object) -> bool:
        return one in self._rows

    def __iter__(self) -> Iterator[int]:
        return iter(self._rows)

    def __len__(self) -> int:
        return len(self._rows)
