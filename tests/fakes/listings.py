"""The catalog in memory, as callers look at it."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from sync_worker.application.ports.listings import (
    MappingPlace,
    MappingQuestion,
    Unmatched,
    UnmatchedPlace,
    UnmatchedQuestion,
)
from sync_worker.domain.mappings import Mapping
from sync_worker.domain.operations import Operation


@dataclass
class ListingsInMemory:
    """`Listings` and `PullPlaces` in memory. `error` is raised by every call."""

    rows: list[Mapping] = field(default_factory=list)
    left_alone: list[tuple[UnmatchedQuestion, Unmatched]] = field(default_factory=list)
    """Each row with the store and entity that it belongs to."""
    places: list[tuple[str, Operation]] = field(default_factory=list)
    error: Exception | None = None

    async def mappings(self, question: MappingQuestion, *, after: MappingPlace | None, limit: int) -> Sequence[Mapping]:
        """Find mappings."""
        self._may_answer()
        found = [
            row
            for row in sorted(self.rows, key=lambda row: (row.nhanh_id, row.entity))
            if row.store_id == question.store_id
            and question.entity in (None, row.entity)
            and (not question.statuses or row.status in question.statuses)
            and (after is None or (row.nhanh_id, row.entity) > after)
        ]
        return found[:limit]

    async def unmatched(
        self, question: UnmatchedQuestion, *, after: UnmatchedPlace | None, limit: int
    ) -> Sequence[Unmatched]:
        """Find unmatched rows."""
        self._may_answer()
        found = [
            row
            for home, row in sorted(self.left_alone, key=lambda one: (one[1].side, one[1].vendor_id))
            if (home.store_id, home.entity) == (question.store_id, question.entity)
            and question.side in (None, row.side)
            and question.reason in (None, row.reason)
            and (after is None or (row.side, row.vendor_id) > after)
        ]
        return found[:limit]

    async def clear(self, store_id: str, operations: Sequence[Operation]) -> int:
        """Forget places."""
        self._may_answer()
        before = len(self.places)
        self.places = [place for place in self.places if place[0] != store_id or place[1] not in operations]
        return before - len(self.places)

    def _may_answer(self) -> None:
        if self.error is not None:
            raise self.error
