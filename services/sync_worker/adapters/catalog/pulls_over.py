"""What pulls leave behind when they are over, which is good for nothing, and is cleared away in small transactions."""

from dataclasses import dataclass
from functools import partial
from typing import Any

from chassis.database import Database
from sqlalchemy import Column, CompoundSelect, Connection, Select, Table, and_, delete, func, select, union

from sync_worker.adapters.catalog.parts import part_after_part
from sync_worker.adapters.catalog.tables import pull_levels, pull_runs, pull_seen


@dataclass(frozen=True, slots=True)
class _Leavings:
    """A table of pulls' rows, its key being the pull's id and then `key`. Those of the pulls in `kept` are still of use."""

    table: Table
    key: Column[Any]
    kept: CompoundSelect[Any] | Select[Any]

    @property
    def pull_id(self) -> Column[Any]:
        return self.table.c.pull_id


_UNFINISHED = select(pull_runs.c.pull_id).where(pull_runs.c.finish_time.is_(None))
_BELIEVED = select(pull_runs.c.levels_pull).where(pull_runs.c.levels_pull.is_not(None))
_ALL = (
    _Leavings(pull_seen, pull_seen.c.vendor_id, _UNFINISHED),
    _Leavings(pull_levels, pull_levels.c.inventory_item_id, union(_UNFINISHED, _BELIEVED)),
)


async def clear_away(database: Database) -> None:
    """Forget what pulls have seen that are over, and levels that later ones have replaced, whosever they are.

    What a crash has left of earlier ones is among it. A pull that is over never goes on, so that this needs no fence, and may end
    anywhere: the next one finds the rest.

    Raises:
        DatabaseUnavailableError: Some of it is left.
    """
    for leavings in _ALL:
        for pull_id in await database.read(partial(_over, of=leavings)):
            await part_after_part(database, partial(_forget_part, of=leavings, pull_id=pull_id))


def _over(connection: Connection, *, of: _Leavings) -> list[str]:
    """Find the pulls of which rows are left to no purpose. Each costs a look into the index, not its rows."""
    found: list[str] = []
    following = select(func.min(of.pull_id))
    one = connection.execute(following).scalar()
    while one is not None:
        found.append(one)
        one = connection.execute(following.where(of.pull_id > one)).scalar()
    kept = set(connection.execute(of.kept).scalars()) if found else set()
    return [pull_id for pull_id in found if pull_id not in kept]


def _forget_part(connection: Connection, limit: int, _done: int, *, of: _Leavings, pull_id: str) -> int:
    of_it = of.pull_id == pull_id
    first = select(of.key.label("key")).where(of_it).order_by(of.key).limit(limit).subquery()
    last = select(func.max(first.c.key)).scalar_subquery()
    return connection.execute(delete(of.table).where(and_(of_it, of.key <= last))).rowcount
