"""What is PostgreSQL's own: victims, time-outs, connections that break, servers that restart, poolers."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import asyncpg
import psutil
import pytest
from chassis.database import Database, DatabaseUnavailableError, open_database, postgres
from sqlalchemy import Connection, make_url, text
from sqlalchemy.util import await_only
from structlog.testing import capture_logs

from tests.fakes.postgres import Server, fresh_database, server


def run(*statements: str) -> Callable[[Connection], None]:
    """A unit of some statements."""

    def unit(connection: Connection) -> None:
        for statement in statements:
            connection.execute(text(statement))

    return unit


def one(query: str) -> Callable[[Connection], object]:
    """A unit that reads one value."""
    return lambda connection: connection.execute(text(query)).scalar_one()


ADD = "INSERT INTO notes (text) VALUES ('added')"
COUNT = one("SELECT count(*) FROM notes")
PID = one("SELECT pg_backend_pid()")
HELD = "SELECT pg_advisory_xact_lock_shared(7)"


class Victim:
    """A unit that stores a note, and that the server gives up after that, so many times."""

    def __init__(self, state: str, times: int) -> None:
        self.state = state
        self.times = times
        self.runs = 0

    def __call__(self, connection: Connection) -> int:
        """Run, or fail as a victim does."""
        self.runs += 1
        run(ADD)(connection)
        if self.runs <= self.times:
            run(f"DO $$ BEGIN RAISE 'for another' USING ERRCODE = '{self.state}'; END $$")(connection)
        return self.runs


@pytest.fixture
def url(tmp_path: Path, migrations: Path) -> Iterator[str]:
    """The address of a database with the table of notes."""
    with fresh_database("postgresql", tmp_path, migrations) as url:
        yield url


@pytest.fixture
async def database(url: str, migrations: Path) -> AsyncIterator[Database]:
    """An open database."""
    database = await open_database(url, migrations=migrations)
    yield database
    await database.close()


@pytest.fixture
async def gate(url: str) -> AsyncIterator["Gate"]:
    """Holds back whoever runs `HELD`."""
    connection = await asyncpg.connect(url)
    await connection.execute("SELECT pg_advisory_lock(7)")
    yield Gate(connection)
    await connection.close()


class Gate:
    """A lock that the test holds."""

    def __init__(self, connection: "asyncpg.Connection[asyncpg.Record]") -> None:
        self.connection = connection

    async def reached_by(self, count: int) -> None:
        """Wait until so many stand before it."""
        await self.connection.execute(
            f"DO $$ BEGIN WHILE (SELECT count(*) FROM pg_locks l JOIN pg_database d ON d.oid = l.database"
            f" WHERE NOT granted AND locktype = 'advisory' AND datname = current_database()) < {count}"
            f" LOOP PERFORM pg_sleep(0.005); END LOOP; END $$"
        )

    async def open(self) -> None:
        """Let them all go on."""
        await self.connection.execute("SELECT pg_advisory_unlock(7)")


@pytest.mark.parametrize("state", ["40P01", "40001"])
async def test_a_victim_is_run_again_whole(database: Database, state: str) -> None:
    """What it did before is undone first, and the log says that it happened."""
    with capture_logs() as logs:
        assert await database.write(Victim(state, 2)) == 3
    assert await database.read(COUNT) == 1
    assert [(entry["log_level"], entry["event"], entry["again"]) for entry in logs] == [
        ("warning", "unit_runs_again", 1),
        ("warning", "unit_runs_again", 2),
    ]


async def test_a_victim_is_given_up_in_the_end(database: Database) -> None:
    """After five more runs the caller hears that the database cannot do it."""
    unit = Victim("40P01", 100)
    with capture_logs() as logs, pytest.raises(DatabaseUnavailableError, match="undid a unit of work 6 times"):
        await database.write(unit)
    assert (unit.runs, len(logs)) == (6, 5)
    assert await database.read(COUNT) == 0


async def test_two_that_wait_for_each_other_both_succeed(database: Database, gate: Gate) -> None:
    """A true deadlock: the server picks one, and it is run again when the other is done."""
    await database.write(run("INSERT INTO notes (id, text) VALUES (1, 'a'), (2, 'b')"))

    def crossing(first: int, second: int) -> Callable[[Connection], None]:
        change = "UPDATE notes SET text = text || '+' WHERE id = "
        return run("SET LOCAL deadlock_timeout = '10ms'", f"{change} {first}", HELD, f"{change} {second}")

    both = [asyncio.ensure_future(database.write(crossing(*order))) for order in ((1, 2), (2, 1))]
    await gate.reached_by(2)
    with capture_logs() as logs:
        await gate.open()
        await asyncio.gather(*both)
    assert [entry["event"] for entry in logs] == ["unit_runs_again"]
    assert await database.read(one("SELECT string_agg(text, ',' ORDER BY id) FROM notes")) == "a++,b++"


async def test_what_the_server_takes_too_long_for_is_unavailable(
    url: str, migrations: Path, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A lock that is not given, a statement that does not end, a connection that does not become free."""
    monkeypatch.setattr(postgres, "LOCK_SECONDS", 0.05)
    monkeypatch.setattr(postgres, "CONNECT_SECONDS", 0.5)
    database = await open_database(url, migrations=migrations, connections=1)
    with pytest.raises(DatabaseUnavailableError, match="lock timeout"):
        await database.write(run(ADD, HELD))
    with pytest.raises(DatabaseUnavailableError, match="statement timeout"):
        await database.write(run(ADD, "SET LOCAL statement_timeout = '20ms'", "SELECT pg_sleep(60)"))
    holding = asyncio.ensure_future(database.write(run("SET LOCAL lock_timeout = 0", HELD)))
    await gate.reached_by(1)
    with pytest.raises(DatabaseUnavailableError, match="every connection to the database is busy"):
        await database.write(run(ADD))
    await gate.open()
    await holding
    assert await database.read(COUNT) == 0
    await database.close()


async def test_a_fault_of_the_unit_is_the_units(database: Database) -> None:
    """A statement that is wrong is no reason to call the database away."""
    with pytest.raises(Exception, match="nowhere") as raised:
        await database.write(run("SELECT * FROM nowhere"))
    assert not isinstance(raised.value, DatabaseUnavailableError)


def copied(*notes: str) -> Callable[[Connection], None]:
    """A unit that asks the driver itself to store notes, with ids from 1 on."""

    def unit(connection: Connection) -> None:
        connection.execute(text("SELECT 1"))  # with its first statement SQLAlchemy begins the transaction
        driver: Any = connection.connection.driver_connection
        rows = list(enumerate(notes, 1))
        await_only(driver.copy_records_to_table("notes", records=rows, columns=("id", "text")))

    return unit


async def test_a_fault_that_the_driver_itself_tells_of_is_the_units(database: Database) -> None:
    """Rows that collide are no reason to call the database away."""
    await database.write(copied("one"))
    with pytest.raises(asyncpg.UniqueViolationError):
        await database.write(copied("again"))
    assert await database.read(COUNT) == 1


async def test_a_victim_that_the_driver_itself_tells_of_is_run_again(database: Database) -> None:
    """It reaches the unit without SQLAlchemy's word for it."""
    runs = count(1)

    def unit(connection: Connection) -> int:
        copied("one")(connection)
        if (run_number := next(runs)) == 1:
            raise asyncpg.DeadlockDetectedError("for another")
        return run_number

    assert await database.write(unit) == 2
    assert await database.read(COUNT) == 1


async def test_a_connection_that_breaks_under_the_driver_is_unavailable(database: Database) -> None:
    """What is asked of the driver itself finds it as every other statement does."""

    def unit(connection: Connection) -> None:
        copied("one")(connection)
        driver: Any = connection.connection.driver_connection
        driver.terminate()
        await_only(driver.copy_records_to_table("notes", records=[(2, "two")], columns=("id", "text")))

    with pytest.raises(DatabaseUnavailableError):
        await database.write(unit)
    assert await database.read(COUNT) == 0


async def test_a_connection_that_breaks_is_unavailable(database: Database) -> None:
    """Nothing of its unit is stored, and the next unit has another connection."""
    with pytest.raises(DatabaseUnavailableError, match="terminating connection"):
        await database.write(run(ADD, "SELECT pg_terminate_backend(pg_backend_pid())"))
    assert await database.read(COUNT) == 0
    await database.write(run(ADD))
    assert await database.read(COUNT) == 1


async def test_idle_connections_that_broke_are_not_handed_out(database: Database, gate: Gate) -> None:
    """Those that a restart or a proxy has closed meanwhile are replaced before anybody's unit fails on them."""
    idle = [asyncio.ensure_future(database.write(run(HELD))) for _ in range(5)]
    await gate.reached_by(5)
    await gate.open()
    await asyncio.gather(*idle)
    mine = (
        f"application_name = 'nhanhsync' AND datname = '{await gate.connection.fetchval('SELECT current_database()')}'"
    )
    pids = [row["pid"] for row in await gate.connection.fetch(f"SELECT pid FROM pg_stat_activity WHERE {mine}")]
    assert len(pids) == 5
    processes = [psutil.Process(pid) for pid in pids]
    await gate.connection.fetch("SELECT pg_terminate_backend(pid) FROM unnest($1::int[]) pid", pids)
    for process in processes:
        await asyncio.to_thread(process.wait, 30)
    for _ in range(3):
        await asyncio.sleep(0)  # the loop reads what is there to be read: that the connections are closed
    assert await asyncio.gather(*(database.read(COUNT) for _ in range(5))) == [0] * 5


async def test_a_restart_heals_by_itself(migrations: Path) -> None:
    """While the server is away, units are refused as UNAVAILABLE; when it is back, they run, and nothing is lost."""
    server = Server(f"restart-{os.getpid()}", durable=True)
    try:
        database = await open_database(server.url(), migrations=migrations)
        await database.write(run(ADD))
        held = await asyncpg.connect(server.url())
        await held.execute("SELECT pg_advisory_lock(7)")
        under_way = [
            asyncio.ensure_future(database.write(run("INSERT INTO notes (text) VALUES (NULL)", HELD))) for _ in range(3)
        ]
        await Gate(held).reached_by(3)
        await asyncio.to_thread(server.kill)
        answers = await asyncio.gather(*under_way, return_exceptions=True)
        assert [type(answer) for answer in answers] == [DatabaseUnavailableError] * 3
        for call, unit in ((database.write, run(ADD)), (database.read, COUNT)):
            with pytest.raises(DatabaseUnavailableError, match="cannot be reached"):
                await call(unit)  # type: ignore[operator]
        await asyncio.to_thread(server.start)
        assert await asyncio.gather(*(database.read(COUNT) for _ in range(10))) == [1] * 10
        await database.write(run("INSERT INTO notes (text) VALUES ('after')"))
        assert await database.read(COUNT) == 2
        await database.close()
        held.terminate()
    finally:
        server.stop()


async def test_a_database_that_lets_nobody_in_is_unavailable(database: Database, gate: Gate) -> None:
    """While it is moved or restored, say: no unit is at fault, and when it lets them in again, they run."""
    name = await gate.connection.fetchval("SELECT current_database()")
    await server().run(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
    try:
        for call, unit in ((database.write, run(ADD)), (database.read, COUNT)):
            with pytest.raises(DatabaseUnavailableError, match="not currently accepting connections"):
                await call(unit)  # type: ignore[operator]
    finally:
        await server().run(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
    await database.write(run(ADD))
    assert await database.read(COUNT) == 1


@pytest.mark.parametrize("behind_pooler", [False, True])
async def test_behind_a_pooler_nothing_is_left_on_a_connection(url: str, migrations: Path, behind_pooler: bool) -> None:
    """No statement is prepared for later, and the time-outs hold all the same, for one transaction each."""
    database = await open_database(url, migrations=migrations, connections=1, behind_pooler=behind_pooler)
    await database.write(run(ADD))
    many = [{"words": str(number)} for number in range(50)]
    add_many = text("INSERT INTO notes (text) VALUES (:words)")
    await database.write(lambda connection: connection.execute(add_many, many).rowcount)
    assert await database.read(COUNT) == 51
    prepared = await database.read(one("SELECT count(*) FROM pg_prepared_statements WHERE name <> ''"))
    assert (prepared == 0) is behind_pooler
    for name, value in (("lock_timeout", "5s"), ("statement_timeout", "30s")):
        assert await database.write(one(f"SELECT current_setting('{name}')")) == value
    await database.close()


@pytest.mark.parametrize(
    "url",
    ["postgresql://me:secret@127.0.0.1:1/jobs", "postgresql://me:secret@/jobs?host=/nowhere&password=secret"],
)
async def test_a_server_that_is_not_there_is_unavailable(url: str, migrations: Path) -> None:
    """The sentence names the database and the host, and no password."""
    with pytest.raises(DatabaseUnavailableError, match=r"the database jobs at \S+ cannot be opened") as refused:
        await open_database(url, migrations=migrations)
    assert "secret" not in str(refused.value)


async def test_a_database_that_is_not_there_is_unavailable(url: str, migrations: Path) -> None:
    """A name that the server does not know is told as the server tells it."""
    missing = make_url(url).set(database="missing").render_as_string(hide_password=False)
    with pytest.raises(DatabaseUnavailableError, match='database "missing" does not exist'):
        await open_database(missing, migrations=migrations)
