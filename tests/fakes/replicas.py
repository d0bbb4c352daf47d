"""Replicas of JobTracker on one database: their changes recorded, their jobs plain rows."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
from chassis.database import Database, open_database
from job_tracker.__main__ import MIGRATIONS
from job_tracker.adapters.store.job_store import SqlJobStore
from job_tracker.adapters.store.moment import usual
from job_tracker.adapters.store.tables import jobs
from job_tracker.adapters.wakeups.lines import LOOK
from job_tracker.adapters.wakeups.link import CHANNEL
from job_tracker.adapters.wakeups.payloads import packed, unpacked
from job_tracker.adapters.wakeups.replicas import joined
from job_tracker.application.changes import Changes
from sqlalchemy import Connection, delete, insert, update

from tests.fakes.postgres import elsewhere, server
from tests.fakes.tracker_world import TrackerClock

Delivery = tuple[str, str, object, bool]


class RecordedChanges(Changes):
    """Remembers what was delivered in its process, and lets a test wait for it."""

    def __init__(self) -> None:
        super().__init__()
        self.delivered: list[Delivery] = []
        self._more = asyncio.Event()

    def deliver(self, topic: str, key: str, value: object, *, urgent: bool = True) -> None:
        """Deliver, and remember."""
        super().deliver(topic, key, value, urgent=urgent)
        self.delivered.append((topic, key, value, urgent))
        self._more.set()

    async def until(self, *wanted: Delivery) -> None:
        """Wait until all of these were delivered."""
        async with asyncio.timeout(30):
            while not set(wanted) <= set(self.delivered):
                self._more.clear()
                await self._more.wait()

    def forget(self) -> None:
        """Begin anew."""
        self.delivered.clear()


@asynccontextmanager
async def replica(url: str, *, notify: bool = True) -> AsyncIterator[RecordedChanges]:
    """The changes of one more replica, joined to those of the others."""
    database = await open_database(url, migrations=MIGRATIONS, connections=2, behind_pooler=not notify)
    clock = TrackerClock()
    changes = RecordedChanges()
    try:
        async with joined(changes, SqlJobStore(database, usual(database.dialect, clock)), clock, url, notify=notify):
            yield changes
    finally:
        await database.close()


class JobRows:
    """Changes rows of jobs as another replica would."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, *job_ids: str, **changed: object) -> None:
        """Add jobs, PENDING unless something else is given."""
        required = [column for column in jobs.columns if not column.nullable]
        empty = {c.name: {int: 0, bool: False}.get(c.type.python_type, "") for c in required}
        lists = dict.fromkeys(("locks",), "[]") | dict.fromkeys(("params", "labels", "metrics"), "{}")
        usual = empty | lists | {"type": "T", "state": "PENDING", "revision": 1, "retry_scope": "ALL"}
        rows = [usual | changed | {"job_id": job_id} for job_id in job_ids]
        await self._database.write(lambda c: c.execute(insert(jobs), rows).rowcount)

    async def change(self, job_id: str, **changed: object) -> None:
        """Change a job; its revision rises."""

        def unit(connection: Connection) -> None:
            values = {"revision": jobs.c.revision + 1} | changed
            connection.execute(update(jobs).where(jobs.c.job_id == job_id).values(**values))

        await self._database.write(unit)

    async def remove(self, job_id: str) -> None:
        """Remove a job."""
        await self._database.write(lambda c: c.execute(delete(jobs).where(jobs.c.job_id == job_id)).rowcount)


class Overhearer:
    """Hears what the replicas tell each other, and has power over their connections."""

    def __init__(self, connection: "asyncpg.Connection[asyncpg.Record]") -> None:
        self._connection = connection
        self.payloads: list[list[str]] = []
        self._more = asyncio.Event()

    @classmethod
    @asynccontextmanager
    async def on(cls, url: str) -> AsyncIterator["Overhearer"]:
        """Listen on a database."""
        connection = await asyncpg.connect(url)
        overhearer = cls(connection)
        await connection.add_listener(CHANNEL, overhearer._heard)
        try:
            yield overhearer
        finally:
            await connection.close()

    def _heard(self, _connection: object, _pid: int, _channel: str, payload: object) -> None:
        self.payloads.append(unpacked(str(payload))[1])
        self._more.set()

    async def until(self, *expected: str) -> None:
        """Wait until one of some lines was told."""
        async with asyncio.timeout(30):
            while not any(line in lines for lines in self.payloads for line in expected):
                self._more.clear()
                await self._more.wait()

    async def listening(self, count: int) -> list[int]:
        """Wait until so many replicas listen; the processes of the server that serve them."""
        mine = "application_name = 'nhanhsync-wakeups' AND datname = current_database() AND query <> ''"
        await self._connection.execute(
            f"DO $$ BEGIN WHILE (SELECT count(*) FROM pg_stat_activity WHERE {mine} AND state = 'idle') < {count}"
            " LOOP PERFORM pg_sleep(0.005); PERFORM pg_stat_clear_snapshot(); END LOOP; END $$"
        )
        rows = await self._connection.fetch(f"SELECT pid FROM pg_stat_activity WHERE {mine} ORDER BY backend_start")
        return [row["pid"] for row in rows]

    async def admit(self, *, anybody: bool) -> None:
        """Let new connections in, or keep them out."""
        name = await self._connection.fetchval("SELECT current_database()")
        await server().run(f"ALTER DATABASE {name} ALLOW_CONNECTIONS {str(anybody).lower()}")

    async def ask_to_look(self) -> None:
        """Say what a replica says that does not know what it told."""
        await self._connection.execute("SELECT pg_notify($1, $2)", CHANNEL, "\n".join(packed("somebody", [LOOK])))

    async def break_off(self, pid: int) -> None:
        """End a connection, and wait until it is gone."""
        await self._connection.execute("SELECT pg_terminate_backend($1, 10000)", pid)

    def break_off_unseen(self, pid: int) -> None:
        """End a connection, and let nobody in this process see that it is gone before something else is done."""
        elsewhere(server().run(f"SELECT pg_terminate_backend({pid}, 10000)"))
