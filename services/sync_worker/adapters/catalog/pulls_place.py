"""The row of `pull_runs` that keeps a pull's place: opened when the pull begins, moved with each step, closed at its end."""

from collections.abc import Callable
from functools import cache
from typing import Any

from chassis.database.upserts import insert
from sqlalchemy import Connection, Row, Update, bindparam, select, update

from sync_worker.adapters.catalog.tables import pull_runs
from sync_worker.application.ports.pull_catalog import PullPlace, PullScope
from sync_worker.domain.failures import OperationFailure
from sync_worker.domain.pulls import OVERLAP_SECONDS, LevelCounts, PullCounts
from sync_worker.domain.requests import PullMode

OUTDATED_MICROS = 24 * 3600 * 1_000_000
"""A place that was not touched for so long is given up: the vendor's list has moved on too far."""


def open_place(
    connection: Connection, scope: PullScope, mode: PullMode, new_id: Callable[[], str], now: int
) -> PullPlace:
    """Find the place of an unfinished pull, or begin anew, as `PullCatalog.open` says; `now` in Unix microseconds."""
    known = connection.execute(select(pull_runs).where(*_ours(scope))).one_or_none()
    if known is not None and known.finished_by == scope.job_id:
        return _place(known)
    covered = None if known is None else known.covered_until
    going = mode if covered is not None else PullMode.FULL
    outdated_hours = replaced = None
    if known is not None and known.finish_time is None:
        idle = now - known.touch_time
        if known.mode == going and idle < OUTDATED_MICROS:
            return _place(known)
        outdated_hours = idle // 3_600_000_000 if idle >= OUTDATED_MICROS else None
        replaced = known.pages if known.mode != going else None
    since = covered - OVERLAP_SECONDS if covered is not None and going is PullMode.INCREMENTAL else None
    left = None if known is None else known.cursor or known.left_behind
    reads_levels = scope.reads_levels and going is PullMode.FULL
    pull_id = new_id()
    values = {
        "pull_id": pull_id,
        "mode": going.value,
        "since": since,
        "cursor": None,
        "read_to_end": False,
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
        "covers_all": scope.marks_gone,
        "left_behind": left,
        "replaced": replaced,
        "outdated_hours": outdated_hours,
        "levels": 0 if reads_levels else None,
        "unreadable_levels": 0 if reads_levels else None,
    }
    connection.execute(
        insert(connection, pull_runs)
        .values(**_key(scope), **values)
        .on_conflict_do_update(index_elements=list(_key(scope)), set_=values)
    )
    counts, levels = PullCounts(), LevelCounts() if reads_levels else None
    return PullPlace(pull_id, now, going, since, None, counts, False, False, outdated_hours, replaced, left, levels)


def _key(scope: PullScope) -> dict[str, str]:
    return {"store_id": scope.store_id, "operation": scope.operation.value, "filter_hash": scope.filter_hash}


def _ours(scope: PullScope) -> tuple[Any, ...]:
    return tuple(pull_runs.c[name] == value for name, value in _key(scope).items())


def move(connection: Connection, scope: PullScope, place: PullPlace, **values: object) -> None:
    """Change columns of the place's row.

    Raises:
        OperationFailure: PULL_PLACE_CLEARED: it is not there any more.
    """
    of = {**_key(scope), "pull_id": place.pull_id}
    given = {f"of_{name}": value for name, value in of.items()} | {f"new_{name}": values[name] for name in values}
    moved = connection.execute(_moving(tuple(of), tuple(values)), given)
    if moved.rowcount != 1:
        message = "The pull's place was cleared while it was under way; the next attempt begins anew."
        raise OperationFailure("PULL_PLACE_CLEARED", message, retryable=True)


@cache
def _moving(of: tuple[str, ...], changed: tuple[str, ...]) -> Update:
    """Put a statement together, once for every step of every pull."""
    where = [pull_runs.c[name] == bindparam(f"of_{name}") for name in of]
    return update(pull_runs).where(*where).values({name: bindparam(f"new_{name}") for name in changed})


def end_untrusted(connection: Connection, scope: PullScope, place: PullPlace, now: int) -> None:
    """End a pull without a job that could say so: the next reads everything again. What pulls before it covered stays known.

    Its cursor stays, for the next to see what it has left at the vendor.
    """
    move(connection, scope, place, finish_time=now)


def _place(row: Row[Any]) -> PullPlace:
    finished = row.finish_time is not None
    failed = row.processed - row.created - row.updated - row.unchanged
    return PullPlace(
        pull_id=row.pull_id,
        began=row.start_time,
        mode=PullMode(row.mode),
        since=row.since,
        cursor=row.cursor,
        counts=PullCounts(row.created, row.updated, row.unchanged, row.pages, row.gone, failed),
        read_to_end=row.read_to_end,
        finished=finished,
        outdated_hours=row.outdated_hours,
        replaced=row.replaced,
        left=row.left_behind,
        levels=None if row.levels is None else LevelCounts(row.levels, row.unreadable_levels),
    )
