"""Pulls in the catalog: a page's rows and the place behind them, in one transaction."""

import asyncio
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from typing import Any

import uuid_utils
from chassis.database import Database
from sqlalchemy import Connection, Row, select, update
from sqlalchemy.dialects.sqlite import insert

from sync_worker.adapters.catalog.fencing import raise_fence
from sync_worker.adapters.catalog.mirrors import MIRRORS
from sync_worker.adapters.catalog.pulls_gone import (
    drop_seen,
    has_undated,
    mark_gone,
    mark_seen,
    must_not_go,
    seen_before,
    unseen,
)
from sync_worker.adapters.catalog.pulls_pages import confirm_prices, store_rows
from sync_worker.adapters.catalog.tables import pull_runs
from sync_worker.application.ports.clock import Clock
from sync_worker.application.ports.pull_catalog import MirrorRow, PullPlace, PullScope
from sync_worker.domain.failures import GuardTripped, OperationFailure
from sync_worker.domain.operations import Operation
from sync_worker.domain.pulls import OVERLAP_SECONDS, PullCounts
from sync_worker.domain.requests import PullMode

OUTDATED_MICROS = 24 * 3600 * 1_000_000
"""A place that was not touched for so long is given up: the vendor's list has moved on too far."""


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
            known = connection.execute(select(pull_runs).where(*_ours(scope))).one_or_none()
            if known is not None and known.finished_by == scope.job_id:
                return _place(known)
            covered = None if known is None else known.covered_until
            going = mode if covered is not None else PullMode.FULL
            outdated_hours = None
            if known is not None and known.finish_time is None:
                idle = now - known.touch_time
                if known.mode == going and idle < OUTDATED_MICROS:
                    return _place(known)
                outdated_hours = idle // 3_600_000_000 if idle >= OUTDATED_MICROS else None
                drop_seen(connection, known.pull_id)
            since = covered - OVERLAP_SECONDS if covered is not None and going is PullMode.INCREMENTAL else None
            values = {
                "pull_id": self._new_id(),
                "mode": going.value,
                "since": since,
                "cursor": None,
                "processed": 0,
                "created": 0,
                "updated": 0,
                "unchanged": 0,
                "pages": 0,
                "gone": 0,
                "start_time": now,
                "touch_time": now,
                "finished_by": None,
                "finish_time": None,
                "covered_until": covered,
            }
            connection.execute(
                insert(pull_runs)
                .values(**_key(scope), **values)
                .on_conflict_do_update(index_elements=list(_key(scope)), set_=values)
            )
            return PullPlace(
                str(values["pull_id"]), going, since, None, PullCounts(), False, False, outdated_hours=outdated_hours
            )

        return await self._database.write(unit)

    async def store_page(
        self,
        scope: PullScope,
        place: PullPlace,
        rows: Sequence[MirrorRow],
        next_cursor: str | None,
        *,
        read_time: int,
        refused: Collection[int] = (),
    ) -> PullPlace:
        """Store a page; see `PullCatalog`."""
        mirror = MIRRORS[scope.operation]
        # Keys and hashes take milliseconds of CPU: neither the event loop nor the one writer waits for them.
        ready = await asyncio.to_thread(mirror.rows, rows)
        now = self._clock.now_micros()
        read_to_end = next_cursor is None
        told = [*(row.vendor_id for row in ready), *refused]

        def unit(connection: Connection) -> PullPlace:
            raise_fence(connection, scope.fence)
            before = seen_before(connection, place.pull_id, told) if _marks_gone(scope, place) else set()
            stored = store_rows(connection, mirror, scope.store_id, ready, now, counted_before=before)
            counts = place.counts + stored + PullCounts(failed=len(set(refused) - before))
            if scope.operation is Operation.PULL_SHOPIFY_PRODUCTS:
                confirm_prices(connection, scope.store_id, ready, read_time)
            if _marks_gone(scope, place):
                mark_seen(connection, place.pull_id, told)
            _move(
                connection,
                scope,
                place,
                cursor=next_cursor,
                touch_time=now,
                processed=counts.rows + counts.failed,
                created=counts.created,
                updated=counts.updated,
                unchanged=counts.unchanged,
                pages=counts.pages,
            )
            return PullPlace(place.pull_id, place.mode, place.since, next_cursor, counts, read_to_end, False)

        return await self._database.write(unit)

    async def has_undated(self, scope: PullScope) -> bool:
        """Look for rows without a time; see `PullCatalog`."""
        mirror = MIRRORS[scope.operation]
        return await self._database.read(lambda connection: has_undated(connection, mirror, scope.store_id))

    async def unseen(self, scope: PullScope, place: PullPlace, *, after: int, limit: int) -> Sequence[int]:
        """Look for rows that nobody told of; see `PullCatalog`."""
        if not _marks_gone(scope, place):
            return ()
        mirror = MIRRORS[scope.operation]
        return await self._database.read(
            lambda connection: unseen(connection, mirror, scope.store_id, place.pull_id, after=after, limit=limit)
        )

    async def finish(self, scope: PullScope, place: PullPlace, *, max_gone_percent: int) -> PullPlace:
        """Mark the gone and end the pull; see `PullCatalog`."""
        gone = place.counts.gone
        if _marks_gone(scope, place):
            gone = await self._mark_gone(scope, place, max_gone_percent)
        now = self._clock.now_micros()

        def unit(connection: Connection) -> PullPlace:
            raise_fence(connection, scope.fence)
            began: int = connection.execute(select(pull_runs.c.start_time).where(*_ours(scope))).scalar_one()
            _move(
                connection,
                scope,
                place,
                touch_time=now,
                finished_by=scope.job_id,
                finish_time=now,
                covered_until=began // 1_000_000,
            )
            drop_seen(connection, place.pull_id)
            return PullPlace(place.pull_id, place.mode, place.since, None, replace(place.counts, gone=gone), True, True)

        return await self._database.write(unit)

    async def _mark_gone(self, scope: PullScope, place: PullPlace, max_gone_percent: int) -> int:
        """Mark part after part, each in a transaction of its own that also counts it; how many there are in all."""
        mirror = MIRRORS[scope.operation]

        def guard(connection: Connection) -> str | None:
            raise_fence(connection, scope.fence)
            objection = must_not_go(connection, mirror, scope.store_id, place.pull_id, max_gone_percent)
            if objection is not None:
                # The next pull reads everything again: this one's reading is what cannot be trusted.
                # It ends without a job that could say so; what pulls before it have covered stays known.
                _move(connection, scope, place, cursor=None, finish_time=self._clock.now_micros())
                drop_seen(connection, place.pull_id)
            return objection

        objection = await self._database.write(guard)
        if objection is not None:
            raise GuardTripped("MASS_GONE_GUARD", objection)
        gone = place.counts.gone
        while True:
            now = self._clock.now_micros()

            def part(connection: Connection, before: int = gone, now: int = now) -> int:
                raise_fence(connection, scope.fence)
                marked = mark_gone(connection, mirror, scope.store_id, place.pull_id, now)
                if marked:
                    _move(connection, scope, place, gone=before + marked, touch_time=now)
                return marked

            marked = await self._database.write(part)
            if not marked:
                return gone
            gone += marked


def _marks_gone(scope: PullScope, place: PullPlace) -> bool:
    return scope.marks_gone and place.mode is PullMode.FULL


def _key(scope: PullScope) -> dict[str, str]:
    return {"store_id": scope.store_id, "operation": scope.operation.value, "filter_hash": scope.filter_hash}


def _ours(scope: PullScope) -> tuple[Any, ...]:
    return tuple(pull_runs.c[name] == value for name, value in _key(scope).items())


def _move(connection: Connection, scope: PullScope, place: PullPlace, **values: object) -> None:
    moved = connection.execute(
        update(pull_runs).where(*_ours(scope), pull_runs.c.pull_id == place.pull_id).values(**values)
    )
    if moved.rowcount != 1:
        message = "The pull's place was cleared while it was under way; the next attempt begins anew."
        raise OperationFailure("PULL_PLACE_CLEARED", message, retryable=True)


def _place(row: Row[Any]) -> PullPlace:
    finished = row.finish_time is not None
    failed = row.processed - row.created - row.updated - row.unchanged
    return PullPlace(
        pull_id=row.pull_id,
        mode=PullMode(row.mode),
        since=row.since,
        cursor=row.cursor,
        counts=PullCounts(row.created, row.updated, row.unchanged, row.pages, row.gone, failed),
        read_to_end=row.pages > 0 and row.cursor is None,
        finished=finished,
    )
