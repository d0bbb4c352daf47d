"""Both services as they run, with tokens, in this process."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import pytest
from job_tracker.__main__ import TrackerSettings
from job_tracker.__main__ import running as running_tracker
from nhanhsync.jobs.v1 import job_tracker_service_pb2 as jobs
from nhanhsync.jobs.v1.job_tracker_service_pb2_grpc import JobTrackerStub
from nhanhsync.sync.v1.sync_worker_service_pb2_grpc import SyncWorkerStub
from sync_worker.__main__ import WorkerSettings
from sync_worker.__main__ import running as running_worker

from tests.fakes.callers import ADMIN, DANANG, HANOI, FakeCaller, write_tokens
from tests.fakes.unknowing_vendor import an_unknowing_vendor

TYPE = "PULL_NHANH_PRODUCTS"
STORE = """
[[stores]]
store_id = "{0}"
name = "Shop {0}"
[stores.nhanh]
base_url = "{1}/nhanh"
app_id = 101
business_id = 1001
access_token_env = "NHANH_TOKEN"
quota_calls = 145
quota_window_seconds = 30
[stores.shopify]
base_url = "{1}/shopify/{0}"
shop = "{0}"
api_version = "2026-07"
access_token_env = "SHOPIFY_TOKEN"
[[stores.locations]]
depot_id = 7
location_id = "gid://shopify/Location/70"
"""
NOWHERE = "http://127.0.0.1:9"
"""Where no vendor listens."""

SECRETS = {"NHANH_TOKEN": "nhanh-secret", "SHOPIFY_TOKEN": "shopify-secret"}


@dataclass
class Guarded:
    """Both services; everybody who is in `tokens_file` may call, and ADMIN always is."""

    folder: Path
    jobs: Any
    sync: Any
    tracker_address: str
    worker_address: str

    @property
    def tokens_file(self) -> Path:
        """Who may do what."""
        return self.folder / "tokens.toml"

    async def job(self, store_id: str, **fields: Any) -> str:
        """Create a job as ADMIN; its id."""
        request = jobs.CreateJobRequest(type=TYPE, store_id=store_id, **fields)
        made = await self.jobs.CreateJob(request, metadata=ADMIN.metadata)
        return str(made.job.job_id)


@asynccontextmanager
async def guarded_services(folder: Path, *callers: FakeCaller, **settings: Any) -> AsyncIterator[Guarded]:
    """Run both services with ADMIN and some callers; `settings` are both services'."""
    tokens_file = write_tokens(folder / "tokens.toml", ADMIN, *callers)
    (folder / "own-token").write_text(ADMIN.token + "\n")
    usual = {"listen": "127.0.0.1:0", "tokens_file": str(tokens_file), **settings}
    async with AsyncExitStack() as stack:
        vendor = await stack.enter_async_context(an_unknowing_vendor())
        (folder / "stores.toml").write_text("".join(STORE.format(store, vendor) for store in (HANOI, DANANG)))
        tracker = await stack.enter_async_context(
            running_tracker(TrackerSettings(database_url=f"sqlite:///{folder / 'jobs.db'}", **usual))
        )
        worker = await stack.enter_async_context(
            running_worker(
                WorkerSettings(
                    database_url=f"sqlite:///{folder / 'catalog.db'}",
                    job_tracker=tracker.address,
                    job_tracker_token_file=str(folder / "own-token"),
                    stores=folder / "stores.toml",
                    runner=False,
                    **usual,
                ),
                environment=SECRETS,
            )
        )
        channels = [
            await stack.enter_async_context(grpc.aio.insecure_channel(address))
            for address in (tracker.address, worker.address)
        ]
        yield Guarded(folder, JobTrackerStub(channels[0]), SyncWorkerStub(channels[1]), tracker.address, worker.address)


@pytest.fixture
async def guarded(tmp_path: Path) -> AsyncIterator[Guarded]:
    """Both services, which know ADMIN alone."""
    async with guarded_services(tmp_path) as found:
        yield found
