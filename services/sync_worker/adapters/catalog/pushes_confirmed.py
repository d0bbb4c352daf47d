"""What Shopify last confirmed: to a push, or to a pull that read it, whichever came later."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from sqlalchemy import ColumnElement, Connection, case, exists, func, select

from sync_worker.adapters.catalog.pulls_levels import LevelsRead, levels_read
from sync_worker.adapters.catalog.pushes_selection import in_parts
from sync_worker.adapters.catalog.tables import confirmed_values, pull_runs, shopify_variants, unreadable_rows
from sync_worker.domain.operations import Operation
from sync_worker.domain.pulls import OVERLAP_SECONDS
from sync_worker.domain.push_plan import Confirmed, Lane

Key = tuple[int, int]
"""An owner, and a location (0 where there is none)."""


def confirmed(connection: Connection, store_id: str, lane: Lane, owner_ids: Sequence[int]) -> Mapping[Key, Confirmed]:
    """Read what Shopify last confirmed; an owner of whom only some of the lane's kinds are known is left out."""
    known: dict[Key, Confirmed] = {}
    for part in in_parts(owner_ids):
        pushed = _to_pushes(connection, store_id, lane, part)
        match lane:
            case Lane.INVENTORY:
                known |= _with_levels(pushed, levels_read(connection, store_id, part))
            case Lane.PRICE:
                known |= _with_prices(pushed, _prices_read(connection, store_id, part))
            case Lane.TOTAL_SPENT:
                known |= pushed
    return known


def _with_levels(pushed: Mapping[Key, Confirmed], read: LevelsRead | None) -> dict[Key, Confirmed]:
    """What pushes had heard before the pull is over, where that was told of no level, too: it has read all that there are."""
    if read is None:
        return dict(pushed)
    later = {key: value for key, value in pushed.items() if value.time >= read.time}
    return {key: Confirmed((pieces,), read.time) for key, pieces in read.available.items()} | later


def _with_prices(pushed: Mapping[Key, Confirmed], read: Mapping[Key, Confirmed]) -> dict[Key, Confirmed]:
    later = {key: value for key, value in pushed.items() if key not in read or value.time >= read[key].time}
    return {**read, **later}


def _to_pushes(connection: Connection, store_id: str, lane: Lane, owner_ids: Sequence[int]) -> dict[Key, Confirmed]:
    values: dict[Key, dict[str, tuple[int | None, int]]] = defaultdict(dict)
    found = connection.execute(
        select(confirmed_values).where(
            confirmed_values.c.store_id == store_id,
            confirmed_values.c.kind.in_([kind.value for kind in lane.kinds]),
            confirmed_values.c.owner_id.in_(owner_ids),
        )
    )
    for row in found:
        values[row.owner_id, row.location_id][row.kind] = (row.value, row.confirm_time)
    return {
        key: Confirmed(tuple(kinds[kind.value][0] for kind in lane.kinds), min(time for _, time in kinds.values()))
        for key, kinds in values.items()
        if len(kinds) == len(lane.kinds)
    }


def _prices_read(connection: Connection, store_id: str, variant_ids: Sequence[int]) -> dict[Key, Confirmed]:
    """Read the prices that pulls have read.

    A row was as it is when it was written, and again when a pull of everything, or of all changes, began that told of nothing
    else: unchanged rows are not written. A row that such a pull could not read is not confirmed by it.
    What changed shortly before a pull may not have been told of yet, so it confirms nothing of its last OVERLAP_SECONDS.
    """
    columns = shopify_variants.c
    covered = (func.coalesce(_covered_until(store_id), 0) - OVERLAP_SECONDS) * 1_000_000
    unreadable = exists().where(
        unreadable_rows.c.store_id == store_id,
        unreadable_rows.c.operation == Operation.PULL_SHOPIFY_PRODUCTS.value,
        unreadable_rows.c.vendor_id == columns.variant_id,
    )
    is_confirmed = (covered > columns.change_time) & ~unreadable
    time = case((is_confirmed, covered), else_=columns.change_time)
    found = connection.execute(
        select(columns.variant_id, columns.price, columns.compare_at_price, time.label("time")).where(
            columns.store_id == store_id, columns.variant_id.in_(variant_ids), columns.gone_time.is_(None)
        )
    )
    return {(row.variant_id, 0): Confirmed((row.price, row.compare_at_price), row.time) for row in found}


def _covered_until(store_id: str) -> ColumnElement[int]:
    columns = pull_runs.c
    return (
        select(func.max(columns.covered_until))
        .where(
            columns.store_id == store_id,
            columns.operation == Operation.PULL_SHOPIFY_PRODUCTS.value,
            columns.covers_all.is_(True),
        )
        .scalar_subquery()
    )
