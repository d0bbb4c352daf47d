"""Starts the stack in order, each part when the one that it stands on is ready, and stops it in the reverse order."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from stack.processes import ServiceProcess

LOOPBACK_ANY_PORT = "127.0.0.1:0"


@dataclass(frozen=True, slots=True)
class StackOptions:
    """What to start and where.

    Without a `stores_file` a sandbox plays the vendors and writes one. Databases, logs and the sandbox's secrets go to
    `data_dir`.
    """

    data_dir: Path
    stores_file: Path | None = None
    job_tracker_listen: str = LOOPBACK_ANY_PORT
    sync_worker_listen: str = LOOPBACK_ANY_PORT
    sandbox_arguments: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Stack:
    """The running stack. `sandbox_url` is None when real shops are used."""

    processes: Sequence[ServiceProcess]
    job_tracker: str
    sync_worker: str
    sandbox_url: str | None


@asynccontextmanager
async def running_stack(options: StackOptions) -> AsyncIterator[Stack]:
    """Run the stack for as long as the context lasts.

    Raises:
        ServiceFailedError: A service did not start.
    """
    logs = options.data_dir / "logs"
    processes: list[ServiceProcess] = []
    async with AsyncExitStack() as stopping:

        async def start(name: str, arguments: Sequence[str], **environment: str) -> ServiceProcess:
            log = logs / f"{name}.log"
            process = await ServiceProcess.start(name, arguments, log=log, environment=environment)
            stopping.push_async_callback(process.stop)
            processes.append(process)
            return process

        stores_file = options.stores_file
        sandbox_url = None
        if stores_file is None:
            stores_file = options.data_dir / "stores.toml"
            sandbox = await start("sandbox", ["sandbox", "--stores-file", str(stores_file), *options.sandbox_arguments])
            sandbox_url = str(sandbox.ready["url"])
        tracker = await start(
            "job-tracker",
            ["job_tracker"],
            JOB_TRACKER_LISTEN=options.job_tracker_listen,
            JOB_TRACKER_DATABASE_URL=f"sqlite:///{(options.data_dir / 'jobs.db').resolve()}",
        )
        worker = await start(
            "sync-worker",
            ["sync_worker"],
            SYNC_WORKER_LISTEN=options.sync_worker_listen,
            SYNC_WORKER_DATABASE_URL=f"sqlite:///{(options.data_dir / 'catalog.db').resolve()}",
            SYNC_WORKER_JOB_TRACKER=str(tracker.ready["address"]),
            SYNC_WORKER_STORES=str(stores_file),
        )
        yield Stack(processes, str(tracker.ready["address"]), str(worker.ready["address"]), sandbox_url)
