"""A page's rows in their mirror: created, updated and unchanged told apart, and only what changed written."""

from collections.abc import Collection, Sequence

from sqlalchemy import Connection, delete, select
from sqlalchemy import insert as plain_insert
from sqlalchemy.dialects.sqlite import insert

from sync_worker.adapters.catalog.mirrors import Mirror, MirroredRow
from sync_worker.adapters.catalog.tables import confirmed_values, phone_keys
from sync_worker.domain.mappings import Side
from sync_worker.domain.pulls import PullCounts

CONFIRMED_FRESH_MICROS = 24 * 3600 * 1_000_000
"""A confirmed value that did not change is written again no sooner than this, so that unchanged rows cost no writes."""


def store_rows(
    connection: Connection,
    mirror: Mirror,
    store_id: str,
    rows: Sequence[MirroredRow],
    now: int,
    *,
    counted_before: Collection[int] = (),
) -> PullCounts:
    """Store what is new or differs. A row that had gone and is told of again is an update.

    A row that this pull has counted before is not counted again, whatever it has become.
    """
    known = _known(connection, mirror, store_id, rows)
    created = [row for row in rows if row.vendor_id not in known]
    updated = [row for row in rows if row.vendor_id in known and known[row.vendor_id] != (row.row_hash, None)]
    changed = created + updated
    if changed:
        _upsert(connection, mirror, store_id, changed, now)
        if mirror.side is not None:
            _replace_phones(connection, mirror.side, store_id, changed, had_phones=updated)

    def count(told: Sequence[MirroredRow]) -> int:
        return sum(row.vendor_id not in counted_before for row in told)

    return PullCounts(count(created), count(updated), count(rows) - count(changed), pages=1)


def confirm_prices(connection: Connection, store_id: str, rows: Sequence[MirroredRow], read_time: int) -> None:
    """Keep the prices that Shopify told of at `read_time`, unless it confirmed others later."""
    read = {
        (kind, row.vendor_id): row.columns[column]
        for row in rows
        for kind, column in (("price", "price"), ("compare_at", "compare_at_price"))
    }
    if not read:
        return
    found = connection.execute(
        select(
            confirmed_values.c.kind,
            confirmed_values.c.owner_id,
            confirmed_values.c.value,
            confirmed_values.c.confirm_time,
        ).where(
            confirmed_values.c.store_id == store_id,
            confirmed_values.c.kind.in_(["price", "compare_at"]),
            confirmed_values.c.owner_id.in_([row.vendor_id for row in rows]),
            confirmed_values.c.location_id == 0,
        )
    )
    for kind, owner_id, value, confirm_time in found:
        is_fresh = value == read[kind, owner_id] and read_time - confirm_time < CONFIRMED_FRESH_MICROS
        if is_fresh or confirm_time >= read_time:
            del read[kind, owner_id]
    if not read:
        return
    statement = insert(confirmed_values)
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=["store_id", "kind", "owner_id", "location_id"],
            set_={"value": statement.excluded.value, "confirm_time": statement.excluded.confirm_time},
        ),
        [
            {
                "store_id": store_id,
                "kind": kind,
                "owner_id": owner_id,
                "location_id": 0,
                "value": value,
                "confirm_time": read_time,
            }
            for (kind, owner_id), value in read.items()
        ],
    )


def _known(
    connection: Connection, mirror: Mirror, store_id: str, rows: Sequence[MirroredRow]
) -> dict[int, tuple[int, int | None]]:
    columns = mirror.table.c
    found = connection.execute(
        select(columns[mirror.id_column], columns.row_hash, columns.gone_time).where(
            columns.store_id == store_id, columns[mirror.id_column].in_([row.vendor_id for row in rows])
        )
    )
    return {vendor_id: (row_hash, gone_time) for vendor_id, row_hash, gone_time in found}


def _upsert(connection: Connection, mirror: Mirror, store_id: str, rows: Sequence[MirroredRow], now: int) -> None:
    statement = insert(mirror.table)
    kept = {"store_id", mirror.id_column, "first_time"}
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=["store_id", mirror.id_column],
            set_={column.name: column for column in statement.excluded if column.name not in kept},
        ),
        [
            {
                "store_id": store_id,
                **row.columns,
                "row_hash": row.row_hash,
                "first_time": now,
                "change_time": now,
                "gone_time": None,
            }
            for row in rows
        ],
    )


def _replace_phones(
    connection: Connection,
    side: Side,
    store_id: str,
    rows: Sequence[MirroredRow],
    *,
    had_phones: Sequence[MirroredRow],
) -> None:
    if had_phones:
        connection.execute(
            delete(phone_keys).where(
                phone_keys.c.store_id == store_id,
                phone_keys.c.side == side.value,
                phone_keys.c.owner_id.in_([row.vendor_id for row in had_phones]),
            )
        )
    found = [
        {
            "store_id": store_id,
            "side": side.value,
            "phone_key": phone.key,
            "owner_id": row.vendor_id,
            "rule": phone.rule.value,
            "confidence": phone.confidence,
        }
        for row in rows
        for phone in row.phones
    ]
    if found:
        connection.execute(plain_insert(phone_keys), found)
