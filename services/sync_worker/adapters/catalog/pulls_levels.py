"""Stock levels that pulls read: kept as they come, each joined to its row by ids, and believed when their pull has finished."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, and_, delete, func, or_, select, union

from sync_worker.adapters.catalog.driver_statements import insert_unless_there
from sync_worker.adapters.catalog.tables import pull_levels, pull_runs, shopify_variants, unreadable_rows
from sync_worker.application.ports.pull_catalog import PullScope
from sync_worker.domain.operations import Operation
from sync_worker.domain.products import ShopifyLevel
from sync_worker.domain.pulls import LevelCounts

_COLUMNS = pull_levels.c
_STORED = (
    _COLUMNS.pull_id,
    *(_COLUMNS[name] for name in ShopifyLevel._fields),
)


@dataclass(frozen=True, slots=True)
class LevelsRead:
    """What the last finished pull of levels has read of (item, location) pairs.

    It counts as of `time` (Unix microseconds), OVERLAP_SECONDS before the pull began: what a push wrote just before may not have
    been told of yet.
    """

    time: int
    available: dict[tuple[int, int], int]


def store_levels(connection: Connection, pull_id: str, levels: Sequence[ShopifyLevel]) -> LevelCounts:
    """Keep levels of a step; how many had not been told of before. Of one that is told twice the first counts."""
    rows = [(pull_id, *level) for level in levels]
    unreadable = insert_unless_there(connection, _STORED, [row for row in rows if row[-1] is None])
    readable = insert_unless_there(connection, _STORED, [row for row in rows if row[-1] is not None])
    return LevelCounts(readable + unreadable, unreadable)


def levels_without_rows(connection: Connection, scope: PullScope, pull_id: str) -> int:
    """Count the levels whose variant the mirror does not have, or has with another item. What cannot be read is no evidence."""
    variants, unreadable = shopify_variants.c, unreadable_rows.c
    own_row = and_(variants.store_id == scope.store_id, variants.variant_id == _COLUMNS.variant_id)
    refused_row = select(unreadable.vendor_id).where(
        unreadable.store_id == scope.store_id,
        unreadable.operation == scope.operation.value,
        unreadable.vendor_id == _COLUMNS.variant_id,
    )
    statement = (
        select(func.count())
        .select_from(pull_levels.outerjoin(shopify_variants, own_row))
        .where(
            _COLUMNS.pull_id == pull_id,
            _COLUMNS.variant_id != 0,
            or_(variants.variant_id.is_(None), variants.inventory_item_id != _COLUMNS.inventory_item_id),
            # Looked up by OFFSET: PostgreSQL, before it has counted them, joins by comparing each level with each refused row.
            ~refused_row.offset(0).exists(),
        )
    )
    return connection.execute(statement).scalar_one()


def forget_levels(connection: Connection, store_id: str, item_id: int) -> None:
    """Forget what pulls of a store were told of an item that is gone, those under way among them."""
    runs = pull_runs.c
    of_the_store = runs.store_id == store_id, runs.operation == Operation.PULL_SHOPIFY_PRODUCTS.value
    told = union(select(runs.pull_id).where(*of_the_store), select(runs.levels_pull).where(*of_the_store))
    connection.execute(delete(pull_levels).where(_COLUMNS.pull_id.in_(told), _COLUMNS.inventory_item_id == item_id))


def levels_read(connection: Connection, store_id: str, item_ids: Sequence[int]) -> LevelsRead | None:
    """Read what pulls know of items; None where no pull has read levels yet.

    What is told of an item under one variant and otherwise under another, or cannot be read there, is not known.
    """
    runs = pull_runs.c
    last = connection.execute(
        select(runs.levels_pull, runs.levels_time)
        .where(
            runs.store_id == store_id,
            runs.operation == Operation.PULL_SHOPIFY_PRODUCTS.value,
            runs.levels_pull.is_not(None),
        )
        .order_by(runs.levels_time.desc())
        .limit(1)
    ).one_or_none()
    if last is None:
        return None
    place, available = (_COLUMNS.inventory_item_id, _COLUMNS.location_id), _COLUMNS.available
    told_alike = and_(func.count() == func.count(available), func.min(available) == func.max(available))
    found = connection.execute(
        select(*place, func.min(available))
        .where(_COLUMNS.pull_id == last.levels_pull, _COLUMNS.inventory_item_id.in_(item_ids))
        .group_by(*place)
        .having(told_alike)
    )
    return LevelsRead(last.levels_time, {(item_id, location_id): pieces for item_id, location_id, pieces in found})
