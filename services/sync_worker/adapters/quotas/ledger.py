"""Keeps what is known of limits where all workers of a catalog see it, and lets them decide one after the other."""

from collections.abc import Callable
from typing import Protocol, TypeVar

from chassis.database import Database
from chassis.database.server_time import server_micros
from chassis.database.upserts import insert
from sqlalchemy import Connection, select, update

from sync_worker.adapters.quotas.moments import Moment, micros
from sync_worker.adapters.quotas.tables import quotas
from sync_worker.adapters.quotas.witness import Witness
from sync_worker.application.ports.clock import Clock

Answer = TypeVar("Answer")

Decide = Callable[[str, Moment], tuple[str, Answer]]
"""From what is known, empty at first, and the time, to what is known now, and an answer."""


class Ledger(Protocol):
    """What is known of each limit."""

    async def visit(self, key: str, decide: Decide[Answer]) -> Answer:
        """Decide on a limit, alone; what is known then is kept before the answer is given.

        `decide` may be called more than once; what its last call said is kept.

        Raises:
            DatabaseUnavailableError: Perhaps nothing was kept.
        """
        ...


class SqlLedger:
    """`Ledger` in the catalog's database.

    The time is the database's own on PostgreSQL, to which the process's monotonic clock bears witness. SQLite belongs to one
    process, whose clock it is: the wall clock, which goes on over restarts, as it was when the process began; from then on it
    goes evenly, however the wall clock is set.
    """

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._began = clock.now_micros()
        self._began_at = clock.monotonic()
        self._witness = Witness()

    async def visit(self, key: str, decide: Decide[Answer]) -> Answer:
        """Decide on a limit in one transaction, which holds its row; see `Ledger`."""

        def unit(connection: Connection) -> Answer:
            known = _hold(connection, key)
            now = self._now(connection)  # asked for once the row is ours: so it never runs behind a decision before
            text, answer = decide(known, now)
            if text != known:
                changed = update(quotas).where(quotas.c.quota_key == key).values(state=text, change_time=now.micros)
                connection.execute(changed)
            return answer

        return await self._database.write(unit)

    def _now(self, connection: Connection) -> Moment:
        before = self._clock.monotonic()
        if connection.dialect.name == "postgresql":
            return self._witness.saw(server_micros(connection), before, self._clock.monotonic())
        return Moment(self._began + micros(before - self._began_at), self._began)


def _hold(connection: Connection, key: str) -> str:
    """Read a limit's row, and keep others from it until this transaction ends."""
    mine = select(quotas.c.state).where(quotas.c.quota_key == key).with_for_update()
    state: str | None = connection.execute(mine).scalar_one_or_none()
    if state is None:
        new = insert(connection, quotas).values(quota_key=key, state="", change_time=0)
        connection.execute(new.on_conflict_do_nothing(index_elements=[quotas.c.quota_key]))
        state = connection.execute(mine).scalar_one()
    return state
