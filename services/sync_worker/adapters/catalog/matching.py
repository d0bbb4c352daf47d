"""`MatchCatalog` on a database: each method hands a unit of work to the runner."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TypeVar

import uuid_utils
from chassis.database import Database, DatabaseUnavailableError
from sqlalchemy import Connection

from sync_worker.adapters.catalog.fencing import raise_fence
from sync_worker.adapters.catalog.job_runs import load_job_run, save_job_run
from sync_worker.adapters.catalog.matching_in_sql import judge_in_sql, judged_links, store_left_alone
from sync_worker.adapters.catalog.matching_rows import count_unmapped, read_batch, read_world
from sync_worker.adapters.catalog.matching_sides import tables_of
from sync_worker.adapters.catalog.matching_storing import (
    clear_unmatched,
    store_judged_links,
    store_links,
    store_place,
    store_unmatched,
)
from sync_worker.adapters.catalog.statistics import refresh_statistics
from sync_worker.application.ports.clock import Clock
from sync_worker.application.ports.job import Fence, JsonValue
from sync_worker.application.ports.job_runs import JobRun
from sync_worker.application.ports.match_catalog import MAX_STRETCH, MatchScope, Stretch, ViewBatch
from sync_worker.domain.failures import CatalogUnavailable
from sync_worker.domain.mappings import Side
from sync_worker.domain.matching.parties import World
from sync_worker.domain.matching.place import MatchPlace, MatchTally, count_verdicts
from sync_worker.domain.matching.verdicts import Link
from sync_worker.domain.matching.views import Judged, Unmatched

Answer = TypeVar("Answer")


def _new_uuid() -> str:
    return str(uuid_utils.uuid7())


class SqlMatchCatalog:
    """What matches read and write; see `MatchCatalog` for what each method promises."""

    def __init__(self, database: Database, clock: Clock, new_id: Callable[[], str] = _new_uuid) -> None:
        self._database = database
        self._clock = clock
        self._new_id = new_id

    async def load(self, job_id: str) -> JobRun | None:
        """Read the place that an earlier attempt left."""
        return await _available(self._database.read(lambda c: load_job_run(c, job_id)))

    async def count_unmapped(self, scope: MatchScope) -> int:
        """Count Nhanh's objects that are not mapped; every match begins so, perhaps on what a pull has just stored."""
        await _available(self._database.write(lambda c: refresh_statistics(c, *tables_of(scope.entity))))
        return await _available(self._database.read(lambda c: count_unmapped(c, scope)))

    async def world(self, scope: MatchScope) -> World:
        """Read all objects of both sides."""
        return await _available(self._database.read(lambda c: read_world(c, scope)))

    async def batch(self, scope: MatchScope, side: Side, after: int, limit: int) -> ViewBatch:
        """Read the next unmapped objects with everything that their verdicts need: in the writer, which has scratch tables."""
        return await _available(self._database.write(lambda c: read_batch(c, scope, side, after, limit)))

    async def store(
        self, scope: MatchScope, place: MatchPlace, verdicts: Sequence[Judged], upto: int | None
    ) -> MatchPlace:
        """Store the verdicts on a stretch and the place behind it."""
        side = _side(place)
        now = self._clock.now_micros()

        def unit(connection: Connection) -> MatchPlace:
            raise_fence(connection, scope.fence)
            clear_unmatched(connection, scope, side, place.after, upto)
            store_unmatched(connection, scope, side, [each for each in verdicts if isinstance(each, Unmatched)])
            counted = count_verdicts(side, verdicts, scope.auto_link_confidence)
            if side is Side.NHANH:
                links = [each for each in verdicts if isinstance(each, Link)]
                created = store_links(connection, scope, links, now=now, new_id=self._new_id)
                counted += MatchTally(created=created)
            reached = place.advanced(counted, upto)
            store_place(connection, scope, reached, now=now)
            return reached

        return await _available(self._database.write(unit))

    async def judge_stretch(self, scope: MatchScope, place: MatchPlace, *, keep: bool, sample: int) -> Stretch:
        """Judge the next objects inside the database. A dry run goes through the writer too: it has the scratch tables."""
        side = _side(place)
        now = self._clock.now_micros()

        def unit(connection: Connection) -> Stretch:
            if keep:
                raise_fence(connection, scope.fence)
            counted, upto = judge_in_sql(connection, scope, side, place.after, MAX_STRETCH)
            links = judged_links(connection, scope.entity, sample) if side is Side.NHANH else []
            if keep:
                clear_unmatched(connection, scope, side, place.after, upto)
                store_left_alone(connection, scope, side)
                if side is Side.NHANH:
                    created = store_judged_links(connection, scope, now=now, new_id=self._new_id)
                    counted += MatchTally(created=created)
            reached = place.advanced(counted, upto)
            if keep:
                store_place(connection, scope, reached, now=now)
            return Stretch(reached, links)

        return await _available(self._database.write(unit))

    async def finish(
        self, job_id: str, fence: Fence, state: Mapping[str, JsonValue], result: Mapping[str, JsonValue]
    ) -> None:
        """Store the final state and result."""
        now = self._clock.now_micros()

        def unit(connection: Connection) -> None:
            raise_fence(connection, fence)
            save_job_run(connection, job_id, now=now, cursor=None, state=state, result=result)

        await _available(self._database.write(unit))


def _side(place: MatchPlace) -> Side:
    if place.side is None:
        raise ValueError("both sides have their verdicts already")
    return place.side


async def _available(answer: Awaitable[Answer]) -> Answer:
    try:
        return await answer
    except DatabaseUnavailableError as error:
        raise CatalogUnavailable(str(error)) from error
