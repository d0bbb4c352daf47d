"""A sandbox, a JobTracker and SyncWorkers as processes, and pulls that are started as any caller would."""

import re
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from nhanhsync.client import Client, connect
from nhanhsync.jobs.v1 import job_pb2

from bench.pulling.lists import VendorList
from bench.servers import Running, job_tracker, running
from bench.spent import cpu_seconds, peak_mb

LOCATIONS = re.compile(r"^\[\[stores\.locations\]\]\n(?:\w+ = .*\n)*", re.MULTILINE)
"""What a stores file says of each mapped location."""

WORLD_SECONDS = 600.0
"""A sandbox of a million customers has so long to be made."""


class PullFailedError(Exception):
    """A pull did not end as COMPLETED; says how."""


@dataclass(frozen=True, slots=True)
class Sandbox:
    """Both vendors. Its stores files lie beside the secrets that they name; only the second maps depots to locations."""

    url: str
    pid: int
    stores_file: Path
    mapped_stores_file: Path

    def stores_file_for(self, wanted: VendorList) -> Path:
        """Choose the stores file with which a pull reads this list: stock levels are read for mapped locations alone."""
        return self.mapped_stores_file if wanted.with_levels else self.stores_file

    async def calls(self, store: str) -> Mapping[str, Any]:
        """Ask what was asked of a store."""
        async with httpx.AsyncClient() as http:
            answer = await http.get(f"{self.url}/_sandbox/calls", params={"store": store})
            return dict(answer.raise_for_status().json())


@dataclass(frozen=True, slots=True)
class Worker:
    """A SyncWorker that has pulled nothing yet, and a client of it."""

    client: Client
    pid: int
    database_url: str


@dataclass(frozen=True, slots=True)
class Pulled:
    """How a pull went. `samples` are (seconds since its start, rows so far), if it was followed."""

    rows: int
    seconds: float
    cpu_seconds: float
    peak_mb: float
    metrics: Mapping[str, float]
    samples: list[tuple[float, float]]

    @property
    def per_second(self) -> float:
        """Rows a second."""
        return self.rows / self.seconds


@asynccontextmanager
async def sandbox(folder: Path, *arguments: str, stores: tuple[str, ...] = ("hanoi",)) -> AsyncIterator[Sandbox]:
    """Run a sandbox; several may share a folder if their stores differ."""
    stores_file = made(folder) / f"stores-{'-'.join(stores)}.toml"
    mapped = stores_file.with_suffix(".mapped.toml")
    asked = ["--stores", ",".join(stores), "--stores-file", str(mapped), *arguments]
    log = folder / "sandbox.log"
    async with running("sandbox", *asked, log=log, ready_seconds=WORLD_SECONDS) as started:
        stores_file.write_text(LOCATIONS.sub("", mapped.read_text()))
        yield Sandbox(str(started.ready["url"]), started.pid, stores_file, mapped)


@asynccontextmanager
async def worker(folder: Path, stores_file: Path, database_url: str | None = None) -> AsyncIterator[Worker]:
    """Run a JobTracker and a SyncWorker, by default on a new SQLite file in `folder`."""
    database_url = database_url or f"sqlite:///{made(folder) / 'catalog.db'}"
    async with workers(folder, stores_file, database_url) as (alone,):
        yield alone


@asynccontextmanager
async def workers(
    folder: Path, stores_file: Path, database_url: str, count: int = 1, **settings: str
) -> AsyncIterator[list[Worker]]:
    """Run a JobTracker and several SyncWorkers on one catalog; `settings` are theirs, without the prefix."""
    made(folder)
    async with AsyncExitStack() as stack:
        tracker = await stack.enter_async_context(
            job_tracker(f"sqlite:///{folder / 'jobs.db'}", folder / "tracker.log")
        )
        environment = {
            "SYNC_WORKER_LISTEN": "127.0.0.1:0",
            "SYNC_WORKER_DATABASE_URL": database_url,
            "SYNC_WORKER_JOB_TRACKER": tracker,
            "SYNC_WORKER_STORES": str(stores_file),
            **{f"SYNC_WORKER_{name.upper()}": value for name, value in settings.items()},
        }
        log = folder / "worker.log"
        all_of_them = []
        for _ in range(count):
            started: Running = await stack.enter_async_context(running("sync_worker", environment=environment, log=log))
            client = await stack.enter_async_context(
                connect(job_tracker=tracker, sync_worker=str(started.ready["address"]))
            )
            all_of_them.append(Worker(client, started.pid, database_url))
        yield all_of_them


async def pull(at: Worker, wanted: VendorList, store: str = "hanoi", *, follow: bool = False) -> Pulled:
    """Pull a list to its end.

    Raises:
        NotOfferedError: The contract does not know this way of reading.
        PullFailedError: It did not end well.
    """
    before = cpu_seconds(at.pid)
    job = await wanted.start(at.client, store)
    samples: list[tuple[float, float]] = []
    if follow:
        job = await _follow(at.client, job, samples)
    else:
        job = await at.client.wait_job(job.job_id)
    check_completed(wanted, job)
    return Pulled(
        rows=job.progress.processed,
        seconds=job.end_time.ToMicroseconds() / 1e6 - job.start_time.ToMicroseconds() / 1e6,
        cpu_seconds=cpu_seconds(at.pid) - before,
        peak_mb=peak_mb(at.pid),
        metrics=dict(job.progress.metrics),
        samples=samples,
    )


def check_completed(wanted: VendorList, job: job_pb2.Job) -> None:
    """Check how a pull ended.

    Raises:
        PullFailedError: It did not end well.
    """
    if job.state != job_pb2.JOB_STATE_COMPLETED:
        state = job_pb2.JobState.Name(job.state)
        raise PullFailedError(f"{wanted} ended as {state}: {job.error.message or job.state_message}")


async def _follow(client: Client, job: job_pb2.Job, samples: list[tuple[float, float]]) -> job_pb2.Job:
    """Keep how many rows there were when, by this machine's clock, from the first word that it runs."""
    began: float | None = None
    async for update in client.watch_job(job.job_id, min_interval=0.05):
        job = update.job
        now = time.monotonic()
        if began is None and job.state == job_pb2.JOB_STATE_RUNNING:
            began = now
        if began is not None:
            samples.append((now - began, float(job.progress.processed)))
    return job


def made(folder: Path) -> Path:
    """Make a folder that may be there already; gives it back."""
    folder.mkdir(parents=True, exist_ok=True)
    return folder
