"""Both services as processes beside a sandbox in this one: what the end-to-end tests stand on."""

import asyncio
import contextlib
import sqlite3
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import sandbox
from nhanhsync.client import Client, connect
from nhanhsync.jobs.v1 import job_pb2
from nhanhsync.sync.v1 import operations_pb2
from sandbox.faults import Rule
from sandbox.stores_file import write_stores_file
from stack.processes import ServiceProcess

LEASE_SECONDS = 5
"""The shortest that SyncWorker may ask for: so long until a killed worker's job is another's."""

OUTAGE_SECONDS = 0.5
"""A job whose vendor was not available is tried again so soon."""

PATIENCE_SECONDS = 60.0


@dataclass
class WholeStack:
    """A sandbox in this process, and services as processes that a test starts and kills."""

    folder: Path
    sandbox: sandbox.Handle
    stopping: AsyncExitStack
    lease_seconds: float = LEASE_SECONDS
    database_url: str | None = None
    """Of both services together; without, each has a SQLite file."""
    tracker_address: str = "127.0.0.1:0"
    started: int = 0

    @property
    def catalog_url(self) -> str:
        """Where SyncWorker's database is."""
        return self.database_url or f"sqlite:///{self.folder / 'catalog.db'}"

    async def tracker(self) -> ServiceProcess:
        """Start JobTracker: the first time on a free port, later on the same one."""
        process = await self._start(
            "job_tracker",
            JOB_TRACKER_LISTEN=self.tracker_address,
            JOB_TRACKER_DATABASE_URL=self.database_url or f"sqlite:///{self.folder / 'jobs.db'}",
        )
        self.tracker_address = str(process.ready["address"])
        return process

    async def worker(self, *, concurrency: int = 4) -> ServiceProcess:
        """Start a SyncWorker on the one catalog."""
        return await self._start(
            "sync_worker",
            SYNC_WORKER_LISTEN="127.0.0.1:0",
            SYNC_WORKER_DATABASE_URL=self.catalog_url,
            SYNC_WORKER_CONCURRENCY=str(concurrency),
            SYNC_WORKER_JOB_TRACKER=self.tracker_address,
            SYNC_WORKER_STORES=str(self.folder / "stores.toml"),
            SYNC_WORKER_LEASE_SECONDS=str(self.lease_seconds),
            SYNC_WORKER_OUTAGE_SECONDS=str(OUTAGE_SECONDS),
        )

    async def client(self, worker: ServiceProcess) -> Client:
        """Connect to both services."""
        found = connect(job_tracker=self.tracker_address, sync_worker=str(worker.ready["address"]))
        return await self.stopping.enter_async_context(found)

    def plan(self, *rules: Rule) -> None:
        """Replace the sandbox's fault plan; what was held goes on."""
        self.sandbox.world.plan.replace(rules)

    async def until_held(self, operation: str, store: str = "hanoi") -> None:
        """Wait until a call of a store is held by the fault plan."""
        held = self.sandbox.world.stores[store].calls.held
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not held[operation]:  # noqa: ASYNC110 - another process makes it true
                await asyncio.sleep(0.02)

    async def until_stored(self, pages: int = 1) -> None:
        """Wait until a pull's pages are in the catalog's SQLite file, with the place at which another attempt goes on.

        That the page behind them is asked for does not say so: a page is stored while the next is on its way.
        """
        with contextlib.closing(sqlite3.connect(self.folder / "catalog.db")) as catalog:
            stored = catalog.execute
            async with asyncio.timeout(PATIENCE_SECONDS):
                while not stored("SELECT 1 FROM pull_runs WHERE pages >= ?", (pages,)).fetchall():  # noqa: ASYNC110 - as above
                    await asyncio.sleep(0.02)

    async def _start(self, package: str, **environment: str) -> ServiceProcess:
        self.started += 1
        log = self.folder / f"{package}-{self.started}.log"
        process = await ServiceProcess.start(package, [package], log=log, environment=environment)
        self.stopping.push_async_callback(process.stop)
        return process


@asynccontextmanager
async def whole_stack(
    folder: Path,
    *,
    products: int = 40,
    customers: int = 800,
    stores: tuple[str, ...] = ("hanoi",),
    lease_seconds: float = LEASE_SECONDS,
    database_url: str | None = None,
) -> AsyncIterator[WholeStack]:
    """Run a sandbox with a store or several; services are started by the test and stopped with the context."""
    options = sandbox.SandboxOptions(products=products, customers=customers, stores=stores, limits_scale=None)
    async with sandbox.running(options) as handle, AsyncExitStack() as stopping:
        write_stores_file(folder / "stores.toml", handle.world, handle.url)
        yield WholeStack(folder, handle, stopping, lease_seconds, database_url)


def without_static_token(stack: WholeStack, store_id: str) -> None:
    """Let an app have a client id and a secret only, before a worker is started."""
    app = stack.sandbox.world.stores[store_id].shop.app
    secret, file = f"secrets/{store_id}-shopify-client-secret", stack.folder / "stores.toml"
    (stack.folder / secret).touch(mode=0o600)
    (stack.folder / secret).write_text(app.client_secret, encoding="utf-8")
    static = f'access_token_file = "secrets/{store_id}-shopify-access-token"'
    granted = f'client_id = "{app.client_id}"\nclient_secret_file = "{secret}"'
    text = file.read_text(encoding="utf-8")
    assert static in text
    file.write_text(text.replace(static, granted), encoding="utf-8")


async def start_pull(client: Client) -> job_pb2.Job:
    """Start a pull of Nhanh's customers."""
    options = operations_pb2.StartOptions(store_id="hanoi")
    return (await client.sync.PullNhanhCustomers(operations_pb2.PullNhanhCustomersRequest(options=options))).job
