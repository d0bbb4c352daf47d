"""A real JobTracker and SyncWorker's calls, each on a free port; the catalog is in memory."""

import random
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import pytest
from chassis.interceptors import Refusing
from chassis.metrics import CallMetrics
from chassis.server import serving
from job_tracker.__main__ import TrackerSettings
from job_tracker.__main__ import running as running_tracker
from nhanhsync.client.channels import KEEPALIVE
from nhanhsync.jobs.v1 import job_pb2
from nhanhsync.jobs.v1 import job_tracker_service_pb2 as jobs_pb
from nhanhsync.jobs.v1.job_tracker_service_pb2_grpc import JobTrackerStub
from nhanhsync.sync.v1 import sync_worker_service_pb2
from nhanhsync.sync.v1.sync_worker_service_pb2_grpc import SyncWorkerStub, add_SyncWorkerServicer_to_server
from sync_worker.adapters.clock import SystemClock
from sync_worker.adapters.job_tracker import GrpcJobTracker
from sync_worker.adapters.vendors import VendorClients
from sync_worker.application.start_operation import Starter
from sync_worker.application.store_check.check_store import Checker
from sync_worker.entrypoints.errors import DOMAIN, ERRORS, INTERNAL_REASON
from sync_worker.entrypoints.servicer import SyncWorkerServicer

from tests.fakes.listings import ListingsInMemory
from tests.fakes.quota_ledger import MemoryLedger
from tests.fakes.selections import SelectionsInMemory
from tests.fakes.stores import a_store

SERVICE = sync_worker_service_pb2.DESCRIPTOR.services_by_name["SyncWorker"].full_name


@dataclass
class Rig:
    """SyncWorker's calls, JobTracker's calls, and what the catalog holds."""

    sync: Any
    jobs: Any
    listings: ListingsInMemory
    selections: SelectionsInMemory

    async def job(self, job_id: str) -> job_pb2.Job:
        """Read a job from JobTracker."""
        job: job_pb2.Job = (await self.jobs.GetJob(jobs_pb.GetJobRequest(job_id=job_id))).job
        return job

    async def all_jobs(self) -> list[job_pb2.Job]:
        """Read every job from JobTracker."""
        return list((await self.jobs.ListJobs(jobs_pb.ListJobsRequest(page_size=500))).jobs)


def tracker_settings(folder: Path, listen: str = "127.0.0.1:0") -> TrackerSettings:
    """Settings of a JobTracker with its database in this folder."""
    return TrackerSettings(listen=listen, database_url=f"sqlite:///{folder / 'jobs.db'}")


@asynccontextmanager
async def serving_sync_worker(job_tracker: str) -> AsyncIterator[tuple[Any, ListingsInMemory, SelectionsInMemory]]:
    """Serve SyncWorker's calls, for a JobTracker at an address; a client of it."""
    listings, selections = ListingsInMemory(), SelectionsInMemory()
    ids = iter(range(1_000_000))
    async with AsyncExitStack() as stack, grpc.aio.insecure_channel(job_tracker, options=KEEPALIVE) as channel:
        tracker = GrpcJobTracker(channel, SystemClock(), random.Random(1).uniform)
        stores = {store_id: a_store(store_id) for store_id in ("hanoi", "danang")}
        starter = Starter(stores, tracker, selections, lambda: f"made-up-{next(ids)}")
        clock = SystemClock()
        vendors = await stack.enter_async_context(VendorClients(clock, MemoryLedger(clock), lambda low, _high: low))
        servicer = SyncWorkerServicer(starter, listings, listings, Checker(stores, vendors, clock))
        refusing = Refusing(ERRORS, domain=DOMAIN, internal_reason=INTERNAL_REASON, metrics=CallMetrics())
        async with (
            serving(
                "127.0.0.1:0",
                [lambda server: add_SyncWorkerServicer_to_server(servicer, server)],
                service_names=(SERVICE,),
                interceptors=[refusing],
            ) as address,
            grpc.aio.insecure_channel(address) as own,
        ):
            yield SyncWorkerStub(own), listings, selections


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[Rig]:
    """JobTracker and SyncWorker, with the stores hanoi and danang."""
    async with (
        running_tracker(tracker_settings(tmp_path)) as tracker,
        grpc.aio.insecure_channel(tracker.address) as channel,
        serving_sync_worker(tracker.address) as (sync, listings, selections),
    ):
        yield Rig(sync, JobTrackerStub(channel), listings, selections)
