"""What every database promises its service, held against both kinds."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from chassis.database import Database, DatabaseUnavailableError, open_database
from sqlalchemy import Connection, text
from sqlalchemy.exc import IntegrityError

from tests.fakes.postgres import KINDS, elsewhere, fresh_database


def note(words: str) -> Callable[[Connection], str]:
    """A unit that stores a note."""

    def unit(connection: Connection) -> str:
        connection.execute(text("INSERT INTO notes (text) VALUES (:words)"), {"words": words})
        return words

    return unit


def notes(connection: Connection) -> list[str]:
    """A unit that reads all notes."""
    return list(connection.execute(text("SELECT text FROM notes ORDER BY text")).scalars())


async def opened_once(url: str, migrations: Path, unit: Callable[[Connection], Any]) -> Any:
    """Run one unit as another process would."""
    database = await open_database(url, migrations=migrations)
    try:
        return await database.write(unit)
    finally:
        await database.close()


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    """Which kind of database."""
    return str(request.param)


@pytest.fixture
def url(kind: str, tmp_path: Path) -> Iterator[str]:
    """The address of a database without a schema."""
    with fresh_database(kind, tmp_path, None) as url:
        yield url


@pytest.fixture
async def database(url: str, migrations: Path) -> AsyncIterator[Database]:
    """An open database."""
    database = await open_database(url, migrations=migrations)
    yield database
    await database.close()


async def test_it_says_which_kind_it_is(database: Database, kind: str) -> None:
    """Whoever writes a statement that differs can ask."""
    assert database.dialect == kind


async def test_what_was_answered_is_stored(database: Database, url: str, migrations: Path) -> None:
    """A write is seen by every read that begins after its answer, in every process."""
    assert await database.write(note("a")) == "a"
    assert await database.read(notes) == ["a"]
    assert await opened_once(url, migrations, notes) == ["a"]


async def test_a_unit_that_fails_fails_alone(database: Database) -> None:
    """Its own work is undone, also what it did before it failed; its neighbours are stored."""

    def failing(connection: Connection) -> None:
        note("half")(connection)
        raise ValueError("no")

    units: list[Callable[[Connection], object]] = [note("a"), failing, note("a"), note("b")]
    answers = await asyncio.gather(*(database.write(unit) for unit in units), return_exceptions=True)
    assert [answer for answer in answers if isinstance(answer, str)] == ["a", "b"]
    assert [type(answer) for answer in answers if isinstance(answer, Exception)] in (
        [ValueError, IntegrityError],
        [IntegrityError, ValueError],
    )
    assert await database.read(notes) == ["a", "b"]


async def test_units_do_not_see_each_other_half_done(database: Database) -> None:
    """Many that change the same row at once each find what the one before them left."""
    await database.write(note("0"))

    def count(connection: Connection) -> int:
        changed = connection.execute(text("UPDATE notes SET text = CAST(text AS INTEGER) + 1 RETURNING text"))
        return int(changed.scalar_one())

    counted = await asyncio.gather(*(database.write(count) for _ in range(30)))
    assert sorted(counted) == list(range(1, 31))


async def test_more_units_than_connections_all_run(database: Database) -> None:
    """Whoever finds everything busy waits its turn."""
    words = [f"{number:03}" for number in range(100)]
    assert await asyncio.gather(*(database.write(note(word)) for word in words)) == words
    assert all(found == words for found in await asyncio.gather(*(database.read(notes) for _ in range(50))))


async def test_a_caller_that_went_away_breaks_nothing(database: Database, url: str, migrations: Path) -> None:
    """A task that is cancelled while it waits neither stops its unit nor its neighbours'."""
    gone, staying = (asyncio.ensure_future(database.write(note(words))) for words in ("gone", "staying"))
    await asyncio.sleep(0)
    gone.cancel()
    with pytest.raises(asyncio.CancelledError):
        await gone
    assert await staying == "staying"
    await database.close()
    assert await opened_once(url, migrations, notes) == ["gone", "staying"]


async def test_a_reader_cannot_write(database: Database) -> None:
    """Reads run where writing is refused."""
    with pytest.raises(DatabaseUnavailableError, match=r"read-?only"):
        await database.read(note("a"))
    assert await database.read(notes) == []


async def test_a_read_sees_one_moment(database: Database, url: str, migrations: Path) -> None:
    """What is committed while a read runs is not seen by it, though it reads in several statements."""
    await database.write(note("a"))

    def twice(connection: Connection) -> tuple[list[str], list[str]]:
        first = notes(connection)
        elsewhere(opened_once(url, migrations, note("b")))
        return first, notes(connection)

    assert await database.read(twice) == (["a"], ["a"])
    assert await database.read(notes) == ["a", "b"]


async def test_closing_finishes_what_is_queued(url: str, migrations: Path) -> None:
    """What was asked for before the close is stored and answered; what comes later is refused."""
    database = await open_database(url, migrations=migrations)
    waiting = [asyncio.ensure_future(database.write(note(str(number)))) for number in range(10)]
    await asyncio.sleep(0)
    await database.close()
    assert await asyncio.gather(*waiting) == [str(number) for number in range(10)]
    await database.close()
    for call in (database.write, database.read):
        with pytest.raises(DatabaseUnavailableError, match="closed"):
            await call(notes)


async def test_processes_that_start_together_migrate_once(url: str, migrations: Path) -> None:
    """All of them find the schema, whoever made it."""
    databases = await asyncio.gather(*(open_database(url, migrations=migrations) for _ in range(4)))
    for number, database in enumerate(databases):
        await database.write(note(str(number)))
        assert len(await database.read(notes)) == number + 1
    await asyncio.gather(*(database.close() for database in databases))


async def test_a_migration_that_fails_leaves_nothing(url: str, migrations: Path) -> None:
    """A schema changes as a whole or not at all."""
    second = migrations / "versions" / "0002_broken.py"
    second.write_text(
        'from alembic import op\n\nrevision = "0002"\ndown_revision = "0001"\n\n\n'
        'def upgrade():\n    op.execute("DROP TABLE notes")\n    op.execute("DROP TABLE of_nobody")\n'
    )
    with pytest.raises(DatabaseUnavailableError, match="of_nobody"):
        await open_database(url, migrations=migrations)
    second.unlink()
    assert await opened_once(url, migrations, note("a")) == "a"


async def test_a_database_of_a_later_version_is_refused(url: str, migrations: Path) -> None:
    """A schema that this version does not know is not touched."""
    later = text("UPDATE alembic_version SET version_num = '0999'")
    await opened_once(url, migrations, lambda connection: connection.execute(later).rowcount)
    with pytest.raises(DatabaseUnavailableError, match="0999"):
        await open_database(url, migrations=migrations)
