"""Real services on free ports, and a terminal from which the command reaches them."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import sandbox
from job_tracker.__main__ import TrackerSettings
from job_tracker.__main__ import running as running_tracker
from nhanhsync.client import Client, connect
from sandbox.faults import FaultKind, Rule
from sandbox.stores_file import write_stores_file
from sandbox.world import StoreWorld
from structlog.testing import capture_logs
from sync_worker.__main__ import WorkerSettings
from sync_worker.__main__ import running as running_worker

from tests.fakes.command_line import PATIENCE_SECONDS, STEERING, CommandLine

HOLD_NHANH_CUSTOMERS = Rule("nhanh", "customer/list", FaultKind.HOLD, times=-1)


@dataclass(frozen=True)
class Tracked:
    """A terminal with JobTracker alone behind it, and a client that plays the worker."""

    terminal: CommandLine
    client: Client


@dataclass(frozen=True)
class Shop:
    """A terminal with both services behind it, and the vendors' world of the store hanoi."""

    terminal: CommandLine
    client: Client
    box: sandbox.Handle

    @property
    def store(self) -> StoreWorld:
        """What is true at the vendors."""
        return self.box.world.stores["hanoi"]

    def plan(self, *rules: Rule) -> None:
        """Replace the fault plan; what was held goes on."""
        self.box.world.plan.replace(rules)

    async def until_held(self) -> None:
        """Wait until a pull of Nhanh's customers waits for a page that does not come."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not self.store.calls.held["nhanh customer/list"]:  # noqa: ASYNC110 - the sandbox makes it true
                await asyncio.sleep(0.01)


@pytest.fixture(autouse=True)
def plain_terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Nothing around the tests steers the command, and the services' logs do not go to its output."""
    for name in (*STEERING, "NHANHSYNC_JOB_TRACKER", "NHANHSYNC_SYNC_WORKER"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("typer.rich_utils.FORCE_TERMINAL", None)
    with capture_logs():
        yield


def tracker_settings(folder: Path) -> TrackerSettings:
    """Settings of a JobTracker on a free port with its database in this folder."""
    return TrackerSettings(listen="127.0.0.1:0", database_url=f"sqlite:///{folder / 'jobs.db'}")


@pytest.fixture
async def tracked(tmp_path: Path) -> AsyncIterator[Tracked]:
    """JobTracker alone."""
    async with (
        running_tracker(tracker_settings(tmp_path)) as tracker,
        connect(job_tracker=tracker.address) as client,
    ):
        yield Tracked(CommandLine(job_tracker=tracker.address), client)


@pytest.fixture
def customers() -> int:
    """How many customers the shop has on each side."""
    return 40


@pytest.fixture
async def shop(tmp_path: Path, customers: int) -> AsyncIterator[Shop]:
    """Both services and a small shop."""
    options = sandbox.SandboxOptions(products=20, customers=customers, stores=("hanoi",), limits_scale=None)
    async with sandbox.running(options) as box, running_tracker(tracker_settings(tmp_path)) as tracker:
        write_stores_file(tmp_path / "stores.toml", box.world, box.url)
        settings = WorkerSettings(
            listen="127.0.0.1:0",
            database_url=f"sqlite:///{tmp_path / 'catalog.db'}",
            job_tracker=tracker.address,
            stores=tmp_path / "stores.toml",
        )
        async with (
            running_worker(settings) as worker,
            connect(job_tracker=tracker.address, sync_worker=worker.address) as client,
        ):
            yield Shop(CommandLine(tracker.address, worker.address), client, box)
            box.world.plan.replace([])
