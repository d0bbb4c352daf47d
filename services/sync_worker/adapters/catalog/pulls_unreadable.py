"""Rows that a vendor tells of and that cannot be read: kept with the reason until they can be, or are gone."""

from collections.abc import Sequence

from chassis.database.upserts import insert
from sqlalchemy import Connection, and_, delete, select

from sync_worker.adapters.catalog.driver_statements import delete_by_id
from sync_worker.adapters.catalog.tables import unreadable_rows
from sync_worker.application.ports.pages import RowRefusal
from sync_worker.application.ports.pull_catalog import PullPlace, PullScope

MOST_TOLD = 1_000
"""A job that goes on tells of so many unreadable rows of its earlier attempts; JobTracker keeps no more of one job."""


def keep_refused(
    connection: Connection, scope: PullScope, pull_id: str, refused: Sequence[RowRefusal], read: Sequence[int]
) -> None:
    """Keep which rows of a step could not be read and why, and forget those that could."""
    of = {"store_id": scope.store_id, "operation": scope.operation.value}
    delete_by_id(connection, unreadable_rows, of, "vendor_id", read)
    if not refused:
        return
    statement = insert(connection, unreadable_rows)
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=["store_id", "operation", "vendor_id"],
            set_={"message": statement.excluded.message, "pull_id": statement.excluded.pull_id},
        ),
        [{**of, "vendor_id": row.vendor_id, "message": row.message, "pull_id": pull_id} for row in refused],
    )


def refused_of(connection: Connection, scope: PullScope, place: PullPlace) -> list[RowRefusal]:
    """Read which rows a pull could not read so far."""
    columns = unreadable_rows.c
    found = connection.execute(
        select(columns.vendor_id, columns.message)
        .where(
            columns.store_id == scope.store_id,
            columns.operation == scope.operation.value,
            columns.pull_id == place.pull_id,
        )
        .order_by(columns.vendor_id)
        .limit(MOST_TOLD)
    )
    return [RowRefusal(vendor_id, message) for vendor_id, message in found]


def forget_others(connection: Connection, scope: PullScope, pull_id: str, *, limit: int) -> int:
    """Forget at most so many of the unreadable rows that a whole pull was not told of, since they are gone; how many."""
    columns = unreadable_rows.c
    of_its_kind = and_(columns.store_id == scope.store_id, columns.operation == scope.operation.value)
    part = select(columns.vendor_id).where(of_its_kind, columns.pull_id != pull_id).limit(limit)
    return connection.execute(delete(unreadable_rows).where(of_its_kind, columns.vendor_id.in_(part))).rowcount
