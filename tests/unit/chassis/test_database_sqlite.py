"""Units of work on SQLite: one writer, group commit, readers on snapshots."""

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from chassis.database import (
    Database,
    DatabaseInUseError,
    DatabaseUnavailableError,
    open_database,
)
from chassis.database.sqlite import UNITS_PER_COMMIT, SqliteDatabase
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import IntegrityError, OperationalError


def note(text: str) -> Callable[[Connection], str]:
    """A unit that stores a note."""

    def unit(connection: Connection) -> str:
        connection.exec_driver_sql("INSERT INTO notes (text) VALUES (?)", (text,))
        return text

    return unit


def notes(connection: Connection) -> list[str]:
    """A unit that reads all notes."""
    return list(connection.exec_driver_sql("SELECT text FROM notes ORDER BY id").scalars())


class Gate:
    """A unit that holds the writer until it is let go."""

    def __init__(self) -> None:
        self.reached = threading.Event()
        self.open = threading.Event()

    def __call__(self, _connection: Connection) -> None:
        """Hold the writer."""
        self.reached.set()
        assert self.open.wait(30)


async def opened(gate: Gate, *before: Callable[[], object]) -> None:
    """Let the writer go; as a task, this runs after all tasks that were made before it have queued their units."""
    for step in before:
        step()
    gate.open.set()


class Commits:
    """Counts the commits of the writer."""

    def __init__(self, database: Database) -> None:
        self.count = 0
        assert isinstance(database, SqliteDatabase)
        event.listen(database._writer_engine, "commit", self.add)

    def add(self, _connection: Connection) -> None:
        """Count one."""
        self.count += 1


@pytest.fixture
def url(tmp_path: Path) -> str:
    """Where the database of a test is."""
    return f"sqlite:///{tmp_path / 'deep' / 'notes.db'}"


@pytest.fixture
async def database(url: str, migrations: Path) -> AsyncIterator[Database]:
    """An open database."""
    database = await open_database(url, migrations=migrations)
    yield database
    await database.close()


async def held_back(database: Database, *units: Callable[[Connection], object]) -> list[object]:
    """Queue units while the writer is busy, so that they share what comes next; their answers or errors, in order."""
    gate = Gate()
    busy = asyncio.ensure_future(database.write(gate))
    await asyncio.to_thread(gate.reached.wait, 30)
    waiting = [asyncio.ensure_future(database.write(unit)) for unit in units]
    await asyncio.ensure_future(opened(gate))
    await busy
    return list(await asyncio.gather(*waiting, return_exceptions=True))


async def test_units_that_wait_together_are_committed_together(database: Database) -> None:
    """The writer takes everything that is queued, in order, into one transaction."""
    commits = Commits(database)
    answers = await held_back(database, *(note(str(number)) for number in range(50)))
    assert answers == [str(number) for number in range(50)]
    assert await database.read(notes) == answers
    assert commits.count == 2


async def test_a_transaction_is_bounded(database: Database) -> None:
    """The first of a crowd does not wait for the last."""
    commits = Commits(database)
    await held_back(database, *(note(str(number)) for number in range(UNITS_PER_COMMIT + 1)))
    assert commits.count == 3


async def test_a_unit_that_fails_fails_alone(database: Database) -> None:
    """Its own work is undone, also what it did before it failed; its neighbours are stored."""

    def failing(connection: Connection) -> None:
        note("half")(connection)
        raise ValueError("no")

    answers = await held_back(database, note("a"), failing, note("a"), note("b"))
    assert (answers[0], answers[3]) == ("a", "b")
    assert isinstance(answers[1], ValueError)
    assert isinstance(answers[2], IntegrityError)
    assert await database.read(notes) == ["a", "b"]


async def test_a_unit_that_fails_on_its_own_leaves_nothing(database: Database) -> None:
    """Without neighbours there is no savepoint: its whole transaction is undone."""

    def failing(connection: Connection) -> None:
        note("half")(connection)
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await database.write(failing)
    assert await database.read(notes) == []
    assert await database.write(note("later")) == "later"


async def test_a_caller_that_went_away_breaks_nothing(database: Database) -> None:
    """A task that is cancelled while it waits neither stops its unit nor its neighbours'."""
    gate = Gate()
    busy = asyncio.ensure_future(database.write(gate))
    await asyncio.to_thread(gate.reached.wait, 30)
    gone, staying = (asyncio.ensure_future(database.write(note(text))) for text in ("gone", "staying"))
    await asyncio.ensure_future(opened(gate, gone.cancel))
    assert await staying == "staying"
    await busy
    with pytest.raises(asyncio.CancelledError):
        await gone
    assert await database.read(notes) == ["gone", "staying"]


async def test_when_sqlite_gives_up_the_transaction_nobody_hears_ok(database: Database) -> None:
    """If one unit makes SQLite roll everything back, every unit of the batch is told that it is not stored."""

    def lose(connection: Connection) -> None:
        connection.exec_driver_sql("ROLLBACK")
        raise OperationalError("INSERT", None, Exception("database or disk is full"))

    answers = await held_back(database, note("before"), lose, note("after"))
    assert [type(answer) for answer in answers] == [DatabaseUnavailableError] * 3
    assert all("database or disk is full" in str(answer) for answer in answers)
    assert await database.read(notes) == []
    assert await database.write(note("later")) == "later"
    assert await database.read(notes) == ["later"]


@pytest.mark.parametrize("neighbours", [0, 1])
async def test_a_unit_does_not_go_on_without_its_transaction(database: Database, neighbours: int) -> None:
    """A unit that takes no notice when SQLite gives its transaction up is not answered as if all of it were stored."""

    def heedless(connection: Connection) -> None:
        connection.exec_driver_sql("ROLLBACK")

    answers = await held_back(database, heedless, *[note("neighbour")] * neighbours)
    assert [type(answer) for answer in answers] == [DatabaseUnavailableError] * (1 + neighbours)
    assert "went on without it" in str(answers[0])
    assert await database.read(notes) == []
    assert await database.write(note("later")) == "later"


async def test_a_full_disk_is_unavailable(database: Database) -> None:
    """What cannot be stored is refused as UNAVAILABLE, and what was stored before stays."""
    await database.write(note("small"))

    def shrink(connection: Connection) -> None:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")

    await database.write(shrink)
    with pytest.raises(DatabaseUnavailableError) as refused:
        await database.write(note("x" * 1_000_000))
    assert str(refused.value) == "the database could not run a unit of work: database or disk is full"
    assert await database.read(notes) == ["small"]


async def test_a_commit_that_fails_is_told(database: Database) -> None:
    """A foreign key that is checked at the commit takes all units of the batch with it, and all are told; the next begin anew."""

    def orphan(connection: Connection) -> None:
        connection.exec_driver_sql("PRAGMA defer_foreign_keys = ON")
        connection.exec_driver_sql("CREATE TABLE IF NOT EXISTS child (note INTEGER REFERENCES notes (id))")
        connection.exec_driver_sql("INSERT INTO child VALUES (404)")

    answers = await held_back(database, note("a"), orphan)
    assert [str(answer) for answer in answers] == ["the database could not commit: FOREIGN KEY constraint failed"] * 2
    assert [type(answer) for answer in answers] == [DatabaseUnavailableError] * 2
    with pytest.raises(IntegrityError):
        await database.write(orphan)
    assert await database.write(note("later")) == "later"
    assert await database.read(notes) == ["later"]


async def test_a_new_file_that_somebody_writes_is_waited_for(tmp_path: Path, migrations: Path) -> None:
    """SQLite itself would not wait to switch it to a write-ahead log."""
    path = tmp_path / "notes.db"
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("CREATE TABLE of_another (id INTEGER)")
    other.execute("BEGIN IMMEDIATE")
    other.execute("INSERT INTO of_another VALUES (1)")
    opening = asyncio.ensure_future(open_database(f"sqlite:///{path}", migrations=migrations))
    refused, _ = await asyncio.wait((opening,), timeout=0.3)
    assert not refused
    other.execute("COMMIT")
    other.close()
    await (await opening).close()


class BadDisk(sqlite3.Connection):
    """A connection that, on a bad disk, neither commits nor undoes anything."""

    bad = False

    def commit(self) -> None:
        """Commit, if the disk is good."""
        self._must_be_good()
        super().commit()

    def rollback(self) -> None:
        """Roll back, if the disk is good."""
        self._must_be_good()
        super().rollback()

    @classmethod
    def _must_be_good(cls) -> None:
        if cls.bad:
            raise sqlite3.OperationalError("disk I/O error")


@pytest.mark.parametrize("neighbours", [0, 2])
async def test_the_writer_outlives_a_bad_disk(
    url: str, migrations: Path, monkeypatch: pytest.MonkeyPatch, neighbours: int
) -> None:
    """Each unit is answered, and as soon as the disk is good again units are stored, by a connection of their own."""

    def engine(address: str, **options: Any) -> Engine:
        return create_engine(address, **{**options, "connect_args": {**options["connect_args"], "factory": BadDisk}})

    def spoil(connection: Connection) -> None:
        note("a")(connection)
        monkeypatch.setattr(BadDisk, "bad", True)

    monkeypatch.setattr("chassis.database.sqlite.create_engine", engine)
    database = await open_database(url, migrations=migrations)
    try:
        answers = await held_back(database, spoil, *(note(str(number)) for number in range(neighbours)))
        assert [type(answer) for answer in answers] == [DatabaseUnavailableError] * (1 + neighbours)
        monkeypatch.setattr(BadDisk, "bad", False)
        assert await database.write(note("later")) == "later"
        assert await database.read(notes) == ["later"]
    finally:
        await database.close()


async def test_a_reader_cannot_write(database: Database) -> None:
    """Reads run on connections that refuse to write."""
    with pytest.raises(DatabaseUnavailableError) as refused:
        await database.read(note("a"))
    assert str(refused.value) == "the database cannot be read: attempt to write a readonly database"
    assert await database.read(notes) == []


async def test_it_is_durable_and_checks_foreign_keys(database: Database) -> None:
    """WAL, full synchronisation and foreign keys are on, for readers and the writer."""

    def pragmas(connection: Connection) -> list[object]:
        names = ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        return [connection.exec_driver_sql(f"PRAGMA {name}").scalar_one() for name in names]

    assert await database.read(pragmas) == ["wal", 2, 1, 5_000]
    assert await database.write(pragmas) == ["wal", 2, 1, 5_000]


async def test_lower_knows_vietnamese(database: Database) -> None:
    """Searching without regard to case works in the shop's language."""
    lowered = await database.read(lambda c: c.exec_driver_sql("SELECT lower('ĐƯỜNG'), lower(NULL), lower(1)").one())
    assert tuple(lowered) == ("đường", None, 1)


async def test_an_exclusive_database_is_not_shared(url: str, migrations: Path) -> None:
    """A second opener is refused with a sentence, until the first has closed."""
    first = await open_database(url, migrations=migrations, exclusive=True)
    with pytest.raises(DatabaseInUseError, match="another process has the database"):
        await open_database(url, migrations=migrations, exclusive=True)
    await first.close()
    again = await open_database(url, migrations=migrations, exclusive=True)
    await again.close()


async def test_what_is_no_database_is_refused(tmp_path: Path, migrations: Path) -> None:
    """A file of another kind is left as it is, and the lock on it is given back."""
    path = tmp_path / "photo.db"
    path.write_bytes(b"not a database" * 100)
    for _ in range(2):
        with pytest.raises(DatabaseUnavailableError, match=r"photo\.db cannot be opened: file is not a database$"):
            await open_database(f"sqlite:///{path}", migrations=migrations, exclusive=True)
    assert path.read_bytes() == b"not a database" * 100
