"""A step's rows in their mirror: created, updated and unchanged told apart, and only what changed written."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from sync_worker.adapters.catalog.driver_statements import (
    delete_by_id,
    delete_older,
    insert_new,
    read_by_id,
    update_each,
)
from sync_worker.adapters.catalog.mirrors import Mirror, MirroredRow
from sync_worker.adapters.catalog.tables import confirmed_values, phone_keys
from sync_worker.domain.mappings import Side
from sync_worker.domain.push_plan import Lane

PHONE_COLUMNS = ("store_id", "side", "phone_key", "owner_id", "rule", "confidence")


@dataclass(frozen=True, slots=True)
class Stored:
    """What came of a step's rows. Those that this very pull has written before are in `updated_again`, or nowhere."""

    created: Sequence[MirroredRow]
    updated: Sequence[MirroredRow]
    updated_again: Sequence[MirroredRow]
    unchanged: Sequence[MirroredRow]


def store_rows(
    connection: Connection, mirror: Mirror, store_id: str, rows: Sequence[MirroredRow], *, began: int, read_time: int
) -> Stored:
    """Store what is new or differs. A row that had gone and is told of again is an update.

    Args:
        connection: The step's transaction.
        mirror: Where the rows go.
        store_id: Whose rows they are.
        rows: Each with an id of its own.
        began: When the pull began (Unix microseconds); a row keeps which pull wrote it by that.
        read_time: When the rows were asked for (Unix microseconds).
    """
    stored = _told_apart(connection, mirror, store_id, rows, began)
    times = (began, max(read_time, began), None)
    insert_new(
        connection,
        mirror.table,
        ("store_id", *mirror.columns, "row_hash", "first_time", "change_pull", "change_time", "gone_time"),
        [(store_id, *row.values, row.row_hash, times[1], *times) for row in stored.created],
    )
    differing = (*stored.updated, *stored.updated_again)
    update_each(
        connection,
        mirror.table,
        ("store_id", mirror.id_column),
        (*mirror.columns[1:], "row_hash", "change_pull", "change_time", "gone_time"),
        [(*row.values[1:], row.row_hash, *times, store_id, row.vendor_id) for row in differing],
    )
    if mirror.side is not None:
        delete_by_id(
            connection,
            phone_keys,
            {"store_id": store_id, "side": mirror.side.value},
            "owner_id",
            [row.vendor_id for row in differing],
        )
        insert_new(connection, phone_keys, PHONE_COLUMNS, [*_phones(store_id, mirror.side, stored.created, differing)])
    return stored


def take_back_older_prices(connection: Connection, store_id: str, variant_ids: Sequence[int], read_time: int) -> None:
    """Forget what Shopify confirmed to pushes before these variants were read: what was read is the later word.

    A price that somebody has set back is then known again, although its row has not changed.
    """
    for kind in Lane.PRICE.kinds:
        of = {"store_id": store_id, "kind": kind.value, "location_id": 0}
        delete_older(connection, confirmed_values, of, "owner_id", variant_ids, "confirm_time", read_time)


def _told_apart(
    connection: Connection, mirror: Mirror, store_id: str, rows: Sequence[MirroredRow], began: int
) -> Stored:
    ids = [row.vendor_id for row in rows]
    columns = (mirror.id_column, "row_hash", "gone_time", "change_pull")
    known = {
        vendor_id: (row_hash, gone_time, change_pull)
        for vendor_id, row_hash, gone_time, change_pull in read_by_id(
            connection, mirror.table, columns, {"store_id": store_id}, mirror.id_column, ids
        )
    }
    if not known:
        return Stored(rows, [], [], [])
    created: list[MirroredRow] = []
    updated: list[MirroredRow] = []
    again: list[MirroredRow] = []
    unchanged: list[MirroredRow] = []
    for row in rows:
        found = known.get(row.vendor_id)
        if found is None:
            created.append(row)
            continue
        row_hash, gone_time, change_pull = found
        is_same = row_hash == row.row_hash and gone_time is None
        if change_pull == began:
            if not is_same:
                again.append(row)
        else:
            (unchanged if is_same else updated).append(row)
    return Stored(created, updated, again, unchanged)


def _phones(store_id: str, side: Side, *groups: Sequence[MirroredRow]) -> Iterable[tuple[Any, ...]]:
    for group in groups:
        for row in group:
            for phone in row.phones():
                yield store_id, side.value, phone.key, row.vendor_id, phone.rule.value, phone.confidence
