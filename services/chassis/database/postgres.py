"""Units of work on PostgreSQL: each a transaction of its own, on one of a bounded number of connections.

The unit stays the plain function that it is on SQLite: SQLAlchemy runs it in a greenlet of the event loop
(`AsyncConnection.run_sync`), which gives the loop back at every statement.
"""

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, Self

import asyncpg
import structlog
from alembic.util import CommandError
from sqlalchemy import Connection, event, text
from sqlalchemy.exc import DBAPIError, InvalidatePoolError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from chassis.database.address import shown
from chassis.database.contract import DatabaseUnavailableError, Dialect, Result
from chassis.database.migrating import migrate

RUNS_AGAIN = 5
"""A unit that PostgreSQL chose as a victim is run again so often."""

CONNECT_SECONDS = 5.0
"""How long a new connection may take; the wait for a free one is twice that."""

LOCK_SECONDS = 5
"""How long a statement waits for a row that another transaction has locked."""

IDLE_SECONDS = 10
"""How long a transaction may wait for its process, which may be suspended: then the server ends it, and frees its rows."""

STATEMENT_SECONDS = 30
"""How long one statement may run; the server ends it, and where the server cannot be heard, we do a little later."""

_MIGRATION_LOCK = 0x6E68_616E_6873_796E  # "nhanhsyn": the same for every replica, and unlikely to be anybody else's

_RUN_AGAIN = frozenset({"40001", "40P01"})  # serialization_failure, deadlock_detected

_AWAY = ("08", "53", "57", "58", "25006", "25P03", "25P04", "3D", "55P03", "28", "XX")
"""What says that the server, and not the unit, is at fault; see https://www.postgresql.org/docs/current/errcodes-appendix.html.

Connection lost, out of resources (connections, disk, memory), shut down or starting or a statement cancelled by its
time-out, input or output failed, a standby that cannot be written to, a transaction ended by its time-out, no such database,
a lock waited for too long, not let in, data found broken.
"""

log = structlog.get_logger(__name__)


class PostgresDatabase:
    """An open PostgreSQL database, shared with whoever else has it open."""

    def __init__(self, engine: AsyncEngine, name: str, *, behind_pooler: bool) -> None:
        self._writes = engine.execution_options(isolation_level="READ COMMITTED")
        self._reads = engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        self._name = name
        self._behind_pooler = behind_pooler
        self._running: set[asyncio.Task[Any]] = set()
        self._closed = False

    @classmethod
    async def open(cls, url: str, *, migrations: Path, connections: int, behind_pooler: bool) -> Self:
        """Connect, and bring the schema up to date while no other replica does; see `open_database`."""
        try:
            await _migrate(url, migrations, behind_pooler=behind_pooler)
        except (asyncpg.PostgresError, asyncpg.InterfaceError, DBAPIError, OSError, CommandError) as error:
            raise DatabaseUnavailableError(f"the database {shown(url)} cannot be opened: {error}") from error
        engine = create_async_engine(
            "postgresql+asyncpg://",
            connect_args=_connecting(url, timed=True, behind_pooler=behind_pooler),
            pool_size=connections,
            max_overflow=0,
            pool_timeout=2 * CONNECT_SECONDS,
            hide_parameters=True,
        )
        event.listen(engine.sync_engine, "checkout", _refuse_stale)
        return cls(engine, shown(url), behind_pooler=behind_pooler)

    @property
    def dialect(self) -> Dialect:
        """PostgreSQL."""
        return "postgresql"

    async def write(self, unit: Callable[[Connection], Result]) -> Result:
        """Run a unit of work in a transaction, and answer after its commit; see `Database`."""
        return await self._finish(self._run(self._writes, unit))

    async def read(self, unit: Callable[[Connection], Result]) -> Result:
        """Run a unit of work that only reads, on a snapshot; see `Database`."""
        return await self._finish(self._run(self._reads, unit))

    async def close(self) -> None:
        """Finish what was asked for and close every connection."""
        self._closed = True
        while self._running:
            await asyncio.wait(self._running)
        await self._writes.dispose()

    async def _finish(self, work: Coroutine[Any, Any, Result]) -> Result:
        """Await work that goes on to its end although its caller may be cancelled."""
        if self._closed:
            work.close()
            raise DatabaseUnavailableError("the database is closed")
        task = asyncio.get_running_loop().create_task(work)
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return await asyncio.shield(task)

    async def _run(self, engine: AsyncEngine, unit: Callable[[Connection], Result]) -> Result:
        for again in range(1, RUNS_AGAIN + 1):
            try:
                return await self._run_once(engine, unit)
            except (DBAPIError, asyncpg.PostgresError) as error:
                if not _chosen_as_victim(error):
                    raise
                log.warning("unit_runs_again", database=self._name, again=again, reason=_said(error))
        try:
            return await self._run_once(engine, unit)
        except (DBAPIError, asyncpg.PostgresError) as error:
            if not _chosen_as_victim(error):
                raise
            raise DatabaseUnavailableError(
                f"the database undid a unit of work {RUNS_AGAIN + 1} times for the sake of others: {_said(error)}"
            ) from error

    async def _run_once(self, engine: AsyncEngine, unit: Callable[[Connection], Result]) -> Result:
        connected = False
        try:
            async with engine.begin() as connection:
                connected = True
                if self._behind_pooler:  # which passes no such setting on when it connects
                    await connection.execute(_TIME_OUTS)
                return await connection.run_sync(unit)
        except PoolTimeoutError as error:
            raise DatabaseUnavailableError("every connection to the database is busy") from error
        except DBAPIError as error:
            if connected and not _away(error):  # no unit is at fault for what was said before there was a connection
                raise
            raise DatabaseUnavailableError(f"the database could not run a unit of work: {error.orig}") from error
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
            # As the driver says it: from connecting, and from what a unit asks of the driver itself (COPY). A TimeoutError is
            # an OSError.
            if connected and not _away(error):
                raise
            raise DatabaseUnavailableError(f"the database {self._name} cannot be reached: {error!r}") from error


_TIME_OUTS = text(
    f"SELECT set_config('lock_timeout', '{LOCK_SECONDS}s', true),"
    f" set_config('statement_timeout', '{STATEMENT_SECONDS}s', true),"
    f" set_config('idle_in_transaction_session_timeout', '{IDLE_SECONDS}s', true)"
)


def _connecting(url: str, *, timed: bool, behind_pooler: bool) -> dict[str, Any]:
    """Say how to connect. asyncpg reads the address itself, since it knows every option that libpq does.

    Statements are prepared with names, to be used again; behind a pooler nameless, for this once.
    """
    settings = {"application_name": "nhanhsync"}
    if timed and not behind_pooler:
        settings |= {
            "lock_timeout": f"{LOCK_SECONDS}s",
            "statement_timeout": f"{STATEMENT_SECONDS}s",
            "idle_in_transaction_session_timeout": f"{IDLE_SECONDS}s",
        }

    async def connect(**_: object) -> "asyncpg.Connection[asyncpg.Record]":
        return await asyncpg.connect(
            url,
            timeout=CONNECT_SECONDS,
            command_timeout=STATEMENT_SECONDS + CONNECT_SECONDS if timed else None,
            server_settings=settings,
            **({"statement_cache_size": 0} if behind_pooler else {}),
        )

    nameless = {"prepared_statement_cache_size": 0, "prepared_statement_name_func": str}
    return {"async_creator_fn": connect} | (nameless if behind_pooler else {})


async def _migrate(url: str, migrations: Path, *, behind_pooler: bool) -> None:
    engine = create_async_engine(
        "postgresql+asyncpg://",
        connect_args=_connecting(url, timed=False, behind_pooler=behind_pooler),
        poolclass=NullPool,
        isolation_level="READ COMMITTED",
    )
    async with engine.begin() as connection:
        # Replicas start together: one migrates, and the others find it done. The lock ends with the transaction.
        await connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _MIGRATION_LOCK})
        await connection.run_sync(migrate, migrations)


def _refuse_stale(connection: Any, _record: object, _proxy: object) -> None:  # noqa: ANN401 - SQLAlchemy's own
    """Hand out no connection that the server has closed meanwhile, nor any other of its age: they went together."""
    if connection.driver_connection.is_closed():
        raise InvalidatePoolError


def _chosen_as_victim(error: Exception) -> bool:
    """Tell whether the same unit may well succeed when it is run again.

    So may one whose prepared statement no longer fits, after another replica has migrated the schema.
    """
    return _state(error) in _RUN_AGAIN or isinstance(_driver(error), asyncpg.InvalidCachedStatementError)


def _away(error: Exception) -> bool:
    """Tell whether the database, or the way to it, is at fault, and not what was asked of it."""
    driver = _driver(error)
    if isinstance(driver, ValueError):  # values that it cannot send, which it counts among the errors of its interface
        return False
    return (
        (isinstance(error, DBAPIError) and error.connection_invalidated)
        or isinstance(driver, asyncpg.InterfaceError | OSError)
        or (_state(error) or "").startswith(_AWAY)
    )


def _driver(error: Exception) -> BaseException | None:
    """Find what the driver itself raised."""
    return getattr(error.orig, "__cause__", None) if isinstance(error, DBAPIError) else error


def _said(error: Exception) -> str:
    return str(error.orig if isinstance(error, DBAPIError) else error)


def _state(error: Exception) -> str | None:
    state: str | None = getattr(error.orig if isinstance(error, DBAPIError) else error, "sqlstate", None)
    return state
