"""The catalog, as matches use it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from sync_worker.application.ports.job import Fence, JsonValue
from sync_worker.application.ports.job_runs import JobRun
from sync_worker.domain.mappings import Entity, Side
from sync_worker.domain.matching.parties import World
from sync_worker.domain.matching.place import MatchPlace
from sync_worker.domain.matching.verdicts import Link
from sync_worker.domain.matching.views import Judged, Viewed

MAX_STRETCH = 10_000
"""A transaction stores the verdicts on at most so many objects."""


@dataclass(frozen=True, slots=True)
class MatchScope:
    """Whose objects a match looks at, and on behalf of which attempt.

    Links that the job itself has made do not count as mapped: so its verdicts are the same in every attempt.
    """

    store_id: str
    entity: Entity
    job_id: str
    fence: Fence
    auto_link_confidence: float


@dataclass(frozen=True, slots=True)
class ViewBatch:
    """Objects of one side that are not mapped, in order of id; `upto` None: they are the side's last."""

    rows: Sequence[Viewed]
    upto: int | None


class Stretch(NamedTuple):
    """What became of a stretch that the database judged by itself: the place behind it, and its first links."""

    place: MatchPlace
    sample: Sequence[Link]


class MatchCatalog(Protocol):
    """What matches read and write. Gone objects are never seen.

    Every method raises CatalogUnavailable; those that write raise LeaseLost when a later attempt has begun, and store all
    that they store in one transaction.
    """

    async def load(self, job_id: str) -> JobRun | None:
        """Read the place that an earlier attempt left."""
        ...

    async def count_unmapped(self, scope: MatchScope) -> int:
        """Count Nhanh's objects that are not mapped."""
        ...

    async def world(self, scope: MatchScope) -> World:
        """Read all objects of both sides with their keys."""
        ...

    async def batch(self, scope: MatchScope, side: Side, after: int, limit: int) -> ViewBatch:
        """Read the next unmapped objects of a side with everything that their verdicts need, in one snapshot."""
        ...

    async def store(
        self, scope: MatchScope, place: MatchPlace, verdicts: Sequence[Judged], upto: int | None
    ) -> MatchPlace:
        """Store the verdicts on the stretch behind `place` up to an id, or to the end, and the place behind it.

        Links are stored from Nhanh's side; what was left alone replaces the stretch's rows of the last match. A link of which
        an object has been mapped meanwhile is not stored, and not counted as created.
        """
        ...

    async def judge_stretch(self, scope: MatchScope, place: MatchPlace, *, keep: bool, sample: int) -> Stretch:
        """Judge the next MAX_STRETCH objects inside the database; `keep` also stores what `store` would."""
        ...

    async def finish(
        self, job_id: str, fence: Fence, state: Mapping[str, JsonValue], result: Mapping[str, JsonValue]
    ) -> None:
        """Store the final state and result: from now on only CompleteJob is left."""
        ...
