"""Units of work on SQLite: one writer with group commit, readers on snapshots.

One thread writes. It takes what is queued as soon as it is free, gives each of several units a savepoint, commits them
together and answers only then: a unit that fails, fails alone, and nothing is answered that a crash could take back.
"""

import asyncio
import fcntl
import os
import queue
import sqlite3
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Self

from alembic.util import CommandError
from sqlalchemy import Connection, Engine, Transaction, create_engine, event
from sqlalchemy.exc import DBAPIError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from chassis.database.address import sqlite_path
from chassis.database.contract import DatabaseInUseError, DatabaseUnavailableError, Dialect, Result
from chassis.database.migrating import migrate

BUSY_TIMEOUT_MS = 5_000
"""A writer of another process is waited for so long."""

SWITCH_AGAIN_SECONDS = 0.01

WRITER_CACHE_KIB = 16_000
"""Pages that the writer keeps, eight times SQLite's default: rows of a large import touch pages all over its indexes, which were
else read and written again and again (https://www.sqlite.org/pragma.html#pragma_cache_size)."""

UNITS_PER_COMMIT = 256
"""Bounds how long the first unit of a transaction waits for the last."""

READERS = 4


class _TransactionLostError(Exception):
    """SQLite gave up the whole transaction under us: none of its units is stored."""


class _Queued:
    """A unit that waits for the writer, and the future that waits for its answer."""

    __slots__ = ("future", "outcome", "unit")

    def __init__(self, unit: Callable[[Connection], Any], future: "asyncio.Future[Any]") -> None:
        self.unit = unit
        self.future = future
        self.outcome: Any = None


class SqliteDatabase:
    """An open SQLite file. Units of work run in its threads, never in the event loop's."""

    def __init__(self, writer: Engine, reader: Engine, lock: int | None) -> None:
        self._writer_engine = writer
        self._reader_engine = reader
        self._lock = lock
        self._queue: queue.SimpleQueue[_Queued | None] = queue.SimpleQueue()
        self._loop = asyncio.get_running_loop()
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="database-reader")
        self._writer = threading.Thread(target=self._write_forever, name="database-writer", daemon=True)
        self._closed = False
        self._writer.start()

    @classmethod
    async def open(cls, url: str, *, migrations: Path, exclusive: bool = False) -> Self:
        """Open a file, bring its schema up to date, and start its threads; see `open_database`."""
        path = sqlite_path(url)
        lock: int | None = None
        writer = _engine(path, begin="BEGIN IMMEDIATE", pool_size=1)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            lock = _take_lock(path) if exclusive else None
            await asyncio.to_thread(_migrate, writer, migrations)
        except (OSError, SQLAlchemyError, CommandError) as error:
            writer.dispose()
            if lock is not None:
                os.close(lock)
            raise DatabaseUnavailableError(f"the database {path} cannot be opened: {_said(error)}") from error
        return cls(writer, _engine(path, begin="BEGIN", pool_size=READERS, read_only=True), lock)

    @property
    def dialect(self) -> Dialect:
        """SQLite."""
        return "sqlite"

    async def write(self, unit: Callable[[Connection], Result]) -> Result:
        """Run a unit of work in the next transaction, and answer after its commit.

        A caller that is cancelled while it waits does not take the unit back.

        Raises:
            DatabaseUnavailableError: Nothing of the unit was stored.
        """
        if self._closed:
            raise DatabaseUnavailableError("the database is closed")
        future: asyncio.Future[Result] = self._loop.create_future()
        self._queue.put(_Queued(unit, future))
        return await future

    async def read(self, unit: Callable[[Connection], Result]) -> Result:
        """Run a unit of work that only reads, on a snapshot of what is committed.

        Raises:
            DatabaseUnavailableError: The database cannot be read.
        """
        if self._closed:
            raise DatabaseUnavailableError("the database is closed")
        return await self._loop.run_in_executor(self._readers, self._read, unit)

    async def close(self) -> None:
        """Finish what is queued and close every connection."""
        if self._closed:
            return
        self._closed = True
        self._queue.put(None)
        await asyncio.to_thread(self._writer.join)
        await asyncio.to_thread(self._readers.shutdown)
        self._writer_engine.dispose()
        self._reader_engine.dispose()
        if self._lock is not None:
            os.close(self._lock)

    def _read(self, unit: Callable[[Connection], Result]) -> Result:
        try:
            with self._reader_engine.connect() as connection:
                return unit(connection)
        except (OperationalError, PoolTimeoutError) as error:
            raise DatabaseUnavailableError(f"the database cannot be read: {_said(error)}") from error

    def _write_forever(self) -> None:
        with self._writer_engine.connect() as connection:
            while (first := self._queue.get()) is not None:
                batch = [first]
                last = False
                while len(batch) < UNITS_PER_COMMIT and not self._queue.empty():
                    following = self._queue.get()
                    if following is None:
                        last = True
                        break
                    batch.append(following)
                _commit_together(connection, batch)
                self._loop.call_soon_threadsafe(_answer, batch)
                if last:
                    return


def _engine(path: Path, *, begin: str, pool_size: int, read_only: bool = False) -> Engine:
    engine = create_engine(
        f"sqlite:///{path}",
        pool_size=pool_size,
        max_overflow=0,
        connect_args={"check_same_thread": False},
        hide_parameters=True,  # errors go into logs, and parameters hold lease tokens
    )

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _record: object) -> None:  # noqa: ANN401 - the driver's own connection
        connection.isolation_level = None  # transactions begin when we say so, not when the driver guesses
        connection.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
        _switch_to_wal(connection)
        for pragma in (
            "synchronous = FULL",
            "foreign_keys = ON",
            "query_only = ON" if read_only else f"cache_size = -{WRITER_CACHE_KIB}",
        ):
            connection.execute(f"PRAGMA {pragma}")
        # SQLite's own lower() knows ASCII alone; people search for Vietnamese words.
        connection.create_function("lower", 1, _lower, deterministic=True)

    @event.listens_for(engine, "begin")
    def begin_as_asked(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    return engine


def _switch_to_wal(connection: sqlite3.Connection) -> None:
    """Have the file keep a write-ahead log; one that has it already is left as it is.

    While somebody else writes a new file, or switches it as well, SQLite refuses this at once and does not wait as it does
    elsewhere: two that waited for each other would wait for ever (https://www.sqlite.org/c3ref/busy_handler.html).
    """
    deadline = time.monotonic() + BUSY_TIMEOUT_MS / 1_000
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() >= deadline:
                raise
            time.sleep(SWITCH_AGAIN_SECONDS)
        else:
            return


def _migrate(engine: Engine, migrations: Path) -> None:
    with engine.begin() as connection:
        migrate(connection, migrations)


def _take_lock(path: Path) -> int:
    descriptor = os.open(f"{path}.lock", os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise DatabaseInUseError(
            f"another process has the database {path}; stop it, or give this one its own"
        ) from None
    return descriptor


def _lower(value: object) -> object:
    return value.lower() if isinstance(value, str) else value


def _commit_together(connection: Connection, batch: list[_Queued]) -> None:
    try:
        if len(batch) == 1:  # needs no savepoint, which is two fifths of what a small unit costs
            _run(connection, batch[0], connection.begin())
        else:
            with connection.begin():
                for queued in batch:
                    _run(connection, queued, connection.begin_nested())
                    _must_be_in_transaction(connection, queued)
    except (SQLAlchemyError, _TransactionLostError) as error:
        for queued in batch:
            queued.outcome = (False, _unavailable("could not commit", error))
    if not batch[-1].outcome[0]:
        _leave_nothing_open(connection)


def _leave_nothing_open(connection: Connection) -> None:
    """End a transaction whose commit has failed: SQLAlchemy takes that for its end, SQLite does not.

    Where that fails too, the next transaction opens a connection of its own.
    """
    try:
        driver: Any = connection.connection.dbapi_connection
        if driver.in_transaction:
            driver.rollback()
    except (sqlite3.Error, SQLAlchemyError):
        connection.invalidate()


def _run(connection: Connection, queued: _Queued, transaction: Transaction) -> None:
    """Run a unit in a savepoint, or in a transaction of its own; what it fails with is for whoever asked for it."""
    try:
        with transaction:
            queued.outcome = (True, queued.unit(connection))
            _must_be_in_transaction(connection, queued)
    except (OperationalError, _TransactionLostError) as error:
        queued.outcome = (False, _unavailable("could not run a unit of work", error))
    except Exception as error:
        queued.outcome = (False, error)


def _must_be_in_transaction(connection: Connection, queued: _Queued) -> None:
    """Hold on to what a unit's failure left: after a full disk, say, SQLite has rolled everything back by itself.

    The next statement would then be a transaction of its own, and units before it would be answered as stored.
    See "Response To Errors Within A Transaction" in https://www.sqlite.org/lang_transaction.html.
    """
    driver: Any = connection.connection.dbapi_connection
    if not driver.in_transaction:
        good, outcome = queued.outcome
        reason = "a unit of work went on without it" if good else _said(_first(outcome))
        raise _TransactionLostError(f"SQLite gave up the transaction: {reason}")


def _unavailable(what: str, error: Exception) -> DatabaseUnavailableError:
    failure = DatabaseUnavailableError(f"the database {what}: {_said(error)}")
    failure.__cause__ = error
    return failure


def _said(error: BaseException) -> str:
    """Give the driver's own sentence: SQLAlchemy adds the statement and an address, which help nobody who reads a job."""
    return str(error.orig if isinstance(error, DBAPIError) else error)


def _first(error: BaseException) -> BaseException:
    """Find what began a chain of errors: leaving the lost savepoint fails too, and says nothing of the reason."""
    while (before := error.__cause__ or error.__context__) is not None:
        error = before
    return error


def _answer(batch: list[_Queued]) -> None:
    for queued in batch:
        if queued.future.done():
            continue
        good, outcome = queued.outcome
        if good:
            queued.future.set_result(outcome)
        else:
            queued.future.set_exception(outcome)
