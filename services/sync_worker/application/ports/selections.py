"""Selections that are too large for a job's params."""

from collections.abc import Sequence
from typing import Protocol


class Selections(Protocol):
    """Keeps lists of mapping ids for jobs that name them. They are never changed."""

    async def keep(self, selection_id: str, mapping_ids: Sequence[str]) -> None:
        """Store a list; storing the same list again changes nothing."""
        ...

    async def load(self, selection_id: str) -> Sequence[str] | None:
        """Read a list, None when there is none of this id."""
        ...
