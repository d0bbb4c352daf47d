"""Pulls in the catalog: a step's rows and the place behind them, in one transaction."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import cast

import uuid_utils
from chassis.database import Database
from sqlalchemy import Connection

from sync_worker.adapters.catalog.fencing import raise_fence
from sync_worker.adapters.catalog.mirrors import MIRRORS, MirroredRow
from sync_worker.adapters.catalog.parts import part_after_part
from sync_worker.adapters.catalog.pulls_gone import (
    mark_gone,
    may_have_undated,
    must_not_go,
    unseen,
    written_by,
)
from sync_worker.adapters.catalog.pulls_levels import levels_without_rows, store_levels
from sync_worker.adapters.catalog.pulls_over import clear_away
from sync_worker.adapters.catalog.pulls_pages import Stored, store_rows, take_back_older_prices
from sync_worker.adapters.catalog.pulls_place import end_untrusted, move, open_place
from sync_worker.adapters.catalog.pulls_seen import mark_seen, seen_before
from sync_worker.adapters.catalog.pulls_unreadable import forget_others, keep_refused, refused_of
from sync_worker.adapters.row_thread import giving_way, in_row_thread
from sync_worker.application.ports.clock import Clock
from sync_worker.application.ports.pages import RowRefusal
from sync_worker.application.ports.pull_catalog import MirrorRow, PreparedRows, PullPlace, PullScope
from sync_worker.domain.failures import GuardTripped, OperationFailure
from sync_worker.domain.operations import Operation
from sync_worker.domain.products import ShopifyLevel
from sync_worker.domain.pulls import OVERLAP_SECONDS, PullCounts
from sync_worker.domain.requests import PullMode


class SqlPullCatalog:
    """`PullCatalog` in the catalog's database."""

    def __init__(
        self, database: Database, clock: Clock, new_id: Callable[[], str] = lambda: str(uuid_utils.uuid7())
    ) -> None:
        self._database = database
        self._clock = clock
        self._new_id = new_id

    async def open(self, scope: PullScope, mode: PullMode) -> PullPlace:
        """Go on or begin anew; see `PullCatalog`."""
        now = self._clock.now_micros()

        def unit(connection: Connection) -> PullPlace:
            raise_fence(connection, scope.fence)
            return open_place(connection, scope, mode, self._new_id, now)

        place = await self._database.write(unit)
        await clear_away(self._database)
        return place

    async def prepare(self, scope: PullScope, rows: Sequence[MirrorRow]) -> list[MirroredRow]:
        """Make rows ready; see `PullCatalog`. It takes milliseconds of CPU, so a thread does it."""
        return await in_row_thread(MIRRORS[scope.operation].rows, giving_way(rows)) if rows else []

    async def store_step(
        self,
        scope: PullScope,
        place: PullPlace,
        rows: PreparedRows,
        next_cursor: str | None,
        *,
        read_time: int,
        refused: Sequence[RowRefusal] = (),
        pages: int = 1,
        levels: Sequence[ShopifyLevel] = (),
    ) -> PullPlace:
        """Store a step; see `PullCatalog`."""
        mirror = MIRRORS[scope.operation]
        ready = cast("list[MirroredRow]", rows)
        now = self._clock.now_micros()

        def unit(connection: Connection) -> PullPlace:
            raise_fence(connection, scope.fence)
            stored = store_rows(connection, mirror, scope.store_id, ready, began=place.began, read_time=read_time)
            read = [row.vendor_id for row in ready]
            if scope.operation is Operation.PULL_SHOPIFY_PRODUCTS:
                take_back_older_prices(connection, scope.store_id, read, read_time)
            keep_refused(connection, scope, place.pull_id, refused, read)
            told = _counted(connection, scope, place, stored, [row.vendor_id for row in refused])
            counts = place.counts + replace(told, pages=pages)
            told_levels = place.levels
            if told_levels is not None:
                told_levels += store_levels(connection, place.pull_id, levels)
            move(
                connection,
                scope,
                place,
                cursor=next_cursor,
                read_to_end=next_cursor is None,
                touch_time=now,
                processed=counts.rows + counts.failed,
                created=counts.created,
                updated=counts.updated,
                unchanged=counts.unchanged,
                pages=counts.pages,
                left_behind=None,
                replaced=None,
                outdated_hours=None,
                levels=None if told_levels is None else told_levels.told,
                unreadable_levels=None if told_levels is None else told_levels.unreadable,
            )
            moved = replace(place, cursor=next_cursor, counts=counts, read_to_end=next_cursor is None)
            return replace(moved, levels=told_levels, left=None, replaced=None, outdated_hours=None)

        return await self._database.write(unit)

    async def refused(self, scope: PullScope, place: PullPlace) -> Sequence[RowRefusal]:
        """Read what could not be read; see `PullCatalog`."""
        return await self._database.read(lambda connection: refused_of(connection, scope, place))

    async def give_up(self, scope: PullScope, place: PullPlace) -> None:
        """End without a result; see `PullCatalog`."""
        now = self._clock.now_micros()

        def unit(connection: Connection) -> None:
            raise_fence(connection, scope.fence)
            end_untrusted(connection, scope, place, now)

        await self._database.write(unit)
        await clear_away(self._database)

    async def may_have_undated(self, scope: PullScope) -> bool:
        """Look for rows without a time; see `PullCatalog`."""
        return await self._database.read(lambda connection: may_have_undated(connection, scope))

    async def unseen(self, scope: PullScope, pull_id: str, *, after: int, limit: int) -> Sequence[int]:
        """Look for rows that nobody told of; see `PullCatalog`."""
        mirror = MIRRORS[scope.operation]
        return await self._database.read(
            lambda connection: unseen(connection, mirror, scope.store_id, pull_id, after=after, limit=limit)
        )

    async def finish(self, scope: PullScope, place: PullPlace, *, max_gone_percent: int) -> PullPlace:
        """Mark the gone and end the pull; see `PullCatalog`."""
        gone = place.counts.gone
        believed: dict[str, object] = {}
        if place.levels is not None:
            await self._must_belong_together(scope, place)
            believed = {"levels_pull": place.pull_id, "levels_time": place.began - OVERLAP_SECONDS * 1_000_000}
        if scope.marks_gone_in(place.mode):
            gone = await self._mark_gone(scope, place, max_gone_percent)
            await self._forget_unreadable(scope, place)
        now = self._clock.now_micros()

        def unit(connection: Connection) -> PullPlace:
            raise_fence(connection, scope.fence)
            move(
                connection,
                scope,
                place,
                touch_time=now,
                finished_by=scope.job_id,
                finish_time=now,
                covered_until=place.began // 1_000_000,
                **believed,
            )
            return replace(place, cursor=None, counts=replace(place.counts, gone=gone), read_to_end=True, finished=True)

        finished = await self._database.write(unit)
        await clear_away(self._database)
        return finished

    async def _must_belong_together(self, scope: PullScope, place: PullPlace) -> None:
        strays = await self._database.read(lambda connection: levels_without_rows(connection, scope, place.pull_id))
        if strays:
            await self.give_up(scope, place)
            message = (
                f"{strays} of Shopify's stock levels belong to no variant with their item; nothing is marked as gone"
            )
            raise OperationFailure("LEVELS_WITHOUT_ROWS", message, retryable=True)

    async def _mark_gone(self, scope: PullScope, place: PullPlace, max_gone_percent: int) -> int:
        """Mark part after part, each in a transaction of its own that also counts it; how many there are in all."""
        mirror = MIRRORS[scope.operation]

        def guard(connection: Connection) -> str | None:
            raise_fence(connection, scope.fence)
            objection = must_not_go(connection, mirror, scope.store_id, place.pull_id, max_gone_percent)
            if objection is not None:
                end_untrusted(connection, scope, place, self._clock.now_micros())
            return objection

        objection = await self._database.write(guard)
        if objection is not None:
            await clear_away(self._database)
            raise GuardTripped("MASS_GONE_GUARD", objection)
        before = place.counts.gone

        def part(connection: Connection, limit: int, done: int) -> int:
            raise_fence(connection, scope.fence)
            now = self._clock.now_micros()
            marked = mark_gone(connection, mirror, scope.store_id, place.pull_id, now, limit=limit)
            if marked:
                move(connection, scope, place, gone=before + done + marked, touch_time=now)
            return marked

        return before + await part_after_part(self._database, part)

    async def _forget_unreadable(self, scope: PullScope, place: PullPlace) -> None:
        """Forget the unreadable rows that are gone, part after part; a later attempt goes on with the rest."""

        def part(connection: Connection, limit: int, _: int) -> int:
            raise_fence(connection, scope.fence)
            return forget_others(connection, scope, place.pull_id, limit=limit)

        await part_after_part(self._database, part)


def _counted(
    connection: Connection, scope: PullScope, place: PullPlace, stored: Stored, refused: Sequence[int]
) -> PullCounts:
    """Count what came of a step's rows, and mark as seen what was not written.

    Each row is counted once, by the first time that the pull is told of it.
    """
    changed = [row.vendor_id for row in (*stored.updated, *(stored.created if place.counts.failed else ()))]
    before = seen_before(connection, place.pull_id, changed)
    written = written_by(connection, MIRRORS[scope.operation], scope.store_id, place.began, refused)
    return PullCounts(
        created=sum(row.vendor_id not in before for row in stored.created),
        updated=sum(row.vendor_id not in before for row in stored.updated),
        unchanged=mark_seen(connection, place.pull_id, [row.vendor_id for row in stored.unchanged]),
        failed=mark_seen(connection, place.pull_id, [one for one in refused if one not in written]),
    )
