"""Which rows of a mirror a full pull did not see, and the guard before they are marked."""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, Connection, and_, exists, func, or_, select, update

from sync_worker.adapters.catalog.driver_statements import read_by_id
from sync_worker.adapters.catalog.mirrors import MIRRORS, Mirror
from sync_worker.adapters.catalog.tables import pull_runs, pull_seen
from sync_worker.application.ports.pull_catalog import PullScope
from sync_worker.domain.pulls import too_many_gone


def written_by(
    connection: Connection, mirror: Mirror, store_id: str, began: int, vendor_ids: Sequence[int]
) -> set[int]:
    """Find those of these ids whose rows the pull that began then has written."""
    if not vendor_ids:
        return set()
    of = {"store_id": store_id, "change_pull": began}
    found = read_by_id(connection, mirror.table, (mirror.id_column,), of, mirror.id_column, vendor_ids)
    return {vendor_id for (vendor_id,) in found}


def must_not_go(
    connection: Connection, mirror: Mirror, store_id: str, pull_id: str, max_gone_percent: int
) -> str | None:
    """Say why the rows that were not seen must not be marked, None when they may."""
    columns = mirror.table.c
    living = connection.execute(
        select(func.count()).where(columns.store_id == store_id, columns.gone_time.is_(None))
    ).scalar_one()
    going = connection.execute(
        select(func.count()).select_from(mirror.table).where(_going(mirror, store_id, pull_id))
    ).scalar_one()
    if not too_many_gone(going, living, max_gone_percent):
        return None
    return (
        f"The vendor no longer tells of {going} of {living} rows ({100 * going / living:.0f} %), and more than "
        f"{max_gone_percent} % never go without a person. Nothing was marked as gone. If they are gone indeed, raise the "
        "store's max_gone_percent in the stores file, restart SyncWorker, which reads it when it starts, and pull again."
    )


def mark_gone(connection: Connection, mirror: Mirror, store_id: str, pull_id: str, now: int, *, limit: int) -> int:
    """Mark at most so many rows that were not seen; how many."""
    columns = mirror.table.c
    part = select(columns[mirror.id_column]).where(_going(mirror, store_id, pull_id)).limit(limit)
    marked = connection.execute(
        update(mirror.table)
        .where(columns.store_id == store_id, columns[mirror.id_column].in_(part))
        .values(gone_time=now)
    )
    return marked.rowcount


def unseen(connection: Connection, mirror: Mirror, store_id: str, pull_id: str, *, after: int, limit: int) -> list[int]:
    """Find the ids of rows that would be marked, in order, beyond `after`."""
    one = mirror.table.c[mirror.id_column]
    going = select(one).where(_going(mirror, store_id, pull_id), one > after).order_by(one).limit(limit)
    return list(connection.execute(going).scalars())


def may_have_undated(connection: Connection, scope: PullScope) -> bool:
    """Whether a living row has no time of its last change (0 may stand for none), or no pull of all rows has finished yet."""
    columns, runs = MIRRORS[scope.operation].table.c, pull_runs.c
    undated = or_(columns.updated_at.is_(None), columns.updated_at <= 0)
    known = exists().where(columns.store_id == scope.store_id, columns.gone_time.is_(None), undated)
    of_its_kind = runs.store_id == scope.store_id, runs.operation == scope.operation.value
    read_whole = exists().where(*of_its_kind, runs.covers_all, runs.covered_until.is_not(None))
    return bool(connection.execute(select(or_(known, ~read_whole))).scalar_one())


def _going(mirror: Mirror, store_id: str, pull_id: str) -> ColumnElement[bool]:
    """Living rows that the pull neither wrote nor saw. What another pull stored after this one began stays."""
    columns = mirror.table.c
    began = select(pull_runs.c.start_time).where(pull_runs.c.pull_id == pull_id).scalar_subquery()
    seen = exists().where(pull_seen.c.pull_id == pull_id, pull_seen.c.vendor_id == columns[mirror.id_column])
    return and_(columns.store_id == store_id, columns.gone_time.is_(None), columns.change_time < began, ~seen)
