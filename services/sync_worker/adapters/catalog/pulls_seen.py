"""What unfinished pulls have seen. Of a pull that is over it is good for nothing, and is cleared away in small transactions."""

from collections.abc import Sequence

from chassis.database import Database
from sqlalchemy import Connection, and_, delete, func, select

from sync_worker.adapters.catalog.driver_statements import insert_missing, read_by_id
from sync_worker.adapters.catalog.parts import part_after_part
from sync_worker.adapters.catalog.tables import pull_runs, pull_seen


def mark_seen(connection: Connection, pull_id: str, vendor_ids: Sequence[int]) -> int:
    """Keep that a pull has seen rows that it does not write; how many of them it had not seen before."""
    return insert_missing(connection, pull_seen, pull_id, vendor_ids)


def seen_before(connection: Connection, pull_id: str, vendor_ids: Sequence[int]) -> set[int]:
    """Find those of these ids that a pull has seen and had not written then."""
    if not vendor_ids:
        return set()
    found = read_by_id(connection, pull_seen, ("vendor_id",), {"pull_id": pull_id}, "vendor_id", vendor_ids)
    return {vendor_id for (vendor_id,) in found}


async def clear_away_seen(database: Database) -> None:
    """Forget what pulls have seen that are over, whosever they are: what a crash has left of earlier ones, too.

    A pull that is over never goes on, so that this needs no fence, and may end anywhere: the next one finds the rest.

    Raises:
        DatabaseUnavailableError: Some of it is left.
    """
    for pull_id in await database.read(_over):

        def part(connection: Connection, limit: int, _: int, pull_id: str = pull_id) -> int:
            return _forget_part(connection, pull_id, limit)

        await part_after_part(database, part)


def _over(connection: Connection) -> list[str]:
    """Find the pulls of which seen rows are left, and that are not unfinished. Each costs a look into the index, not its rows."""
    found: list[str] = []
    following = select(func.min(pull_seen.c.pull_id))
    one = connection.execute(following).scalar()
    while one is not None:
        found.append(one)
        one = connection.execute(following.where(pull_seen.c.pull_id > one)).scalar()
    unfinished = select(pull_runs.c.pull_id).where(pull_runs.c.finish_time.is_(None))
    going_on = set(connection.execute(unfinished).scalars()) if found else set()
    return [pull_id for pull_id in found if pull_id not in going_on]


def _forget_part(connection: Connection, pull_id: str, limit: int) -> int:
    columns = pull_seen.c
    of_it = columns.pull_id == pull_id
    first = select(columns.vendor_id).where(of_it).order_by(columns.vendor_id).limit(limit).subquery()
    last = select(func.max(first.c.vendor_id)).scalar_subquery()
    return connection.execute(delete(pull_seen).where(and_(of_it, columns.vendor_id <= last))).rowcount
