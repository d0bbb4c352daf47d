"""The catalog, as callers look at it, and the places of pulls, as callers clear them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from sync_worker.domain.mappings import Entity, Mapping, MappingStatus, Side, UnmatchedReason
from sync_worker.domain.operations import Operation


class MappingPlace(NamedTuple):
    """Where a page of mappings ended: in order of Nhanh's id, then of entity."""

    nhanh_id: int
    entity: Entity


class UnmatchedPlace(NamedTuple):
    """Where a page of unmatched rows ended: in order of side, then of the vendor's id."""

    side: Side
    vendor_id: int


@dataclass(frozen=True, slots=True)
class MappingQuestion:
    """Which mappings of a store: of one entity or both (None), in these states or all (empty)."""

    store_id: str
    entity: Entity | None = None
    statuses: tuple[MappingStatus, ...] = ()


@dataclass(frozen=True, slots=True)
class UnmatchedQuestion:
    """Which unmatched rows of a store and entity: one side or both (None), one reason or all (None)."""

    store_id: str
    entity: Entity
    side: Side | None = None
    reason: UnmatchedReason | None = None


@dataclass(frozen=True, slots=True)
class Unmatched:
    """An object that the last match left alone. `candidate_ids` are of the other side, at most 10."""

    side: Side
    vendor_id: int
    name: str
    reason: UnmatchedReason
    candidate_ids: tuple[int, ...]
    keys: tuple[str, ...]


class Listings(Protocol):
    """Keyset pages of what the catalog holds. Every method raises `DatabaseUnavailableError` when it cannot be reached."""

    async def mappings(self, question: MappingQuestion, *, after: MappingPlace | None, limit: int) -> Sequence[Mapping]:
        """Read at most `limit` mappings after a place, in order of Nhanh's id and entity, with both names."""
        ...

    async def unmatched(
        self, question: UnmatchedQuestion, *, after: UnmatchedPlace | None, limit: int
    ) -> Sequence[Unmatched]:
        """Read at most `limit` rows after a place, in order of side and id."""
        ...


class PullPlaces(Protocol):
    """How far unfinished pulls have come."""

    async def clear(self, store_id: str, operations: Sequence[Operation]) -> int:
        """Forget the places of unfinished pulls of these operations, whatever their filter; how many there were."""
        ...
