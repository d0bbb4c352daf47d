"""SyncWorker: wires the floors together and runs them.

Settings come from the environment; `sync-worker --help` lists them.
"""

import asyncio
import contextlib
import gc
import os
import random
import socket
import sys
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uuid_utils
from chassis.database import Database, DatabaseUnavailableError, open_database
from chassis.door import standing_door
from chassis.interceptors import Refusing
from chassis.logs import configure_logs
from chassis.metrics import CallMetrics
from chassis.server import ListenError, announce, asked_to_stop, check_listen, serving
from chassis.settings import (
    DatabaseUrl,
    ServiceSettings,
    SettingsFaultsError,
    given_environment,
    load_settings,
    settings_parser,
    usable_ca,
    usable_key,
)
from nhanhsync.client.channels import KEEPALIVE
from nhanhsync.client.security import Security
from nhanhsync.sync.v1 import sync_worker_service_pb2
from nhanhsync.sync.v1.sync_worker_service_pb2_grpc import add_SyncWorkerServicer_to_server
from pydantic import Field, ValidationInfo, field_validator
from pydantic_settings import SettingsConfigDict

from sync_worker.adapters.catalog.listings import SqlCatalogReader
from sync_worker.adapters.catalog.matching import SqlMatchCatalog
from sync_worker.adapters.catalog.pulls import SqlPullCatalog
from sync_worker.adapters.catalog.pushes import SqlPushCatalog
from sync_worker.adapters.catalog.selections import SqlSelections
from sync_worker.adapters.catalog_clock import catalog_clock
from sync_worker.adapters.clock import SystemClock
from sync_worker.adapters.job_tracker import GrpcJobTracker
from sync_worker.adapters.job_tracker_security import ConnectionFiles, security_of, token_fault
from sync_worker.adapters.job_tracker_work import GrpcWorkQueue
from sync_worker.adapters.quotas.ledger import SqlLedger
from sync_worker.adapters.stores_file import load_stores
from sync_worker.adapters.vendors import LONGEST_CALL_SECONDS, VendorClients
from sync_worker.application.failed_items import FailedItems
from sync_worker.application.ports.clock import Clock
from sync_worker.application.ports.work_queue import ClaimedJob
from sync_worker.application.run_operation import Operations
from sync_worker.application.runner.attempt import Workshop
from sync_worker.application.runner.endings import OUTAGE_SECONDS
from sync_worker.application.runner.registration import register_until_done
from sync_worker.application.runner.runner import Runner
from sync_worker.application.start_operation import Starter
from sync_worker.application.store_check.check_store import Checker
from sync_worker.domain.failures import CatalogUnavailable, OperationFailure
from sync_worker.domain.operations import SPECS, Operation
from sync_worker.domain.requests import OperationRequest
from sync_worker.domain.stores import Store
from sync_worker.domain.traffic import Traffic
from sync_worker.entrypoints.errors import DOMAIN, ERRORS, INTERNAL_REASON
from sync_worker.entrypoints.params import request_of_job
from sync_worker.entrypoints.permissions import PERMISSIONS
from sync_worker.entrypoints.servicer import SyncWorkerServicer

SERVICE = sync_worker_service_pb2.DESCRIPTOR.services_by_name["SyncWorker"].full_name
MIGRATIONS = Path(__file__).parent / "migrations"


class WorkerSettings(ServiceSettings):
    """SyncWorker's settings, read once."""

    model_config = SettingsConfigDict(env_prefix="SYNC_WORKER_", frozen=True)

    listen: str = Field("127.0.0.1:50052", description="Where to listen, host:port; port 0 takes a free one.")
    database_url: DatabaseUrl = Field(
        "sqlite:///nhanhsync-catalog.db",
        repr=False,  # it may hold a password
        description="The catalog: sqlite:///relative.db or sqlite:////absolute.db for the workers of one machine, for those of"
        " several postgresql://user:password@host:port/name.",
    )
    job_tracker_token_file: str = Field(
        "",
        description="Holds the token for JobTracker, with the roles operator and worker; read again when it changes.",
    )
    job_tracker_ca: str = Field("", description="CA of JobTracker's certificate (PEM); empty: plaintext.")
    job_tracker_certificate: str = Field("", description="Certificate to show to JobTracker, if it asks for one (PEM).")
    job_tracker_key: str = Field("", validate_default=True, description="Its key (PEM).")
    job_tracker: str = Field("127.0.0.1:50051", validate_default=True, description="JobTracker's address, host:port.")
    stores: Path = Field(description="The stores file (TOML). Required.")
    runner: bool = Field(True, description="Work on jobs; false: only answer calls.")
    concurrency: int = Field(4, ge=1, le=100, description="Jobs that this process works on at once.")
    lease_seconds: float = Field(30.0, ge=5, le=300, description="A job is another's so long after this process dies.")
    outage_seconds: float = Field(
        OUTAGE_SECONDS,
        ge=0,
        le=3_600,
        description="A job whose vendor or catalog was not available is tried again no sooner than this.",
    )
    drain_seconds: float = Field(
        8.0, gt=0, le=300, description="Jobs under way have so long to come to a safe place at SIGTERM."
    )

    @field_validator("stores", mode="before")
    @classmethod
    def _stores(cls, path: object) -> object:
        if not path:
            raise ValueError("must name the stores file")
        return path

    @field_validator("job_tracker_token_file")
    @classmethod
    def _job_tracker_token_file(cls, path: str) -> str:
        fault = token_fault(Path(path)) if path else None
        if fault is not None:
            raise ValueError(fault)
        return path

    @field_validator("job_tracker_ca")
    @classmethod
    def _job_tracker_ca(cls, path: str) -> str:
        return usable_ca(path)

    @field_validator("job_tracker_key")
    @classmethod
    def _job_tracker_key(cls, key: str, info: ValidationInfo) -> str:
        if key and not info.data.get("job_tracker_ca", "unusable is a fault of its own"):
            raise ValueError("a client certificate is for TLS, and JOB_TRACKER_CA is missing")
        return usable_key(key, str(info.data.get("job_tracker_certificate", "")), "JOB_TRACKER")

    @field_validator("job_tracker")
    @classmethod
    def _job_tracker(cls, address: str, info: ValidationInfo) -> str:
        fault = check_listen(address)
        if fault is not None:
            raise ValueError(fault)
        files = _connection_files(info.data)
        if "job_tracker_ca" in info.data and files.token is not None:
            Security(token="", ca=b"" if files.ca else None, insecure=files.insecure).check(address)
        return address

    def job_tracker_files(self) -> ConnectionFiles:
        """Say what the connection to JobTracker is made with."""
        return _connection_files(self.__dict__)


def _connection_files(settings: Mapping[str, Any]) -> ConnectionFiles:
    def path(name: str) -> Path | None:
        value = settings.get(f"job_tracker_{name}")
        return Path(value) if value else None

    return ConnectionFiles(
        token=path("token_file"),
        ca=path("ca"),
        certificate=path("certificate"),
        key=path("key"),
        insecure=bool(settings.get("insecure")),
    )


@dataclass(frozen=True, slots=True)
class Handle:
    """A running SyncWorker: where it listens, where its metrics are (empty when nowhere), and who it is to JobTracker."""

    address: str
    metrics_address: str
    worker_id: str


@contextlib.asynccontextmanager
async def running(
    settings: WorkerSettings, *, clock: Clock | None = None, environment: Mapping[str, str] = os.environ
) -> AsyncIterator[Handle]:
    """Run SyncWorker in this loop for as long as the context lasts, by the machine's clock unless another is given.

    It is ready whether or not JobTracker is there: starts are refused with UNAVAILABLE until it is.

    Raises:
        SettingsFaultsError: The stores file has faults.
        DatabaseUnavailableError, ListenError: It cannot start; the message says why.
    """
    clock = clock or SystemClock()
    uniform = random.SystemRandom().uniform
    stores = load_stores(settings.stores, environment)
    metrics = CallMetrics()
    async with contextlib.AsyncExitStack() as stack:
        database = await open_database(settings.database_url, migrations=MIGRATIONS)
        stack.push_async_callback(database.close)
        clock = await stack.enter_async_context(catalog_clock(database, clock))
        channel = security_of(settings.job_tracker_files()).aio_channel(settings.job_tracker, KEEPALIVE)
        stack.push_async_callback(channel.close)
        queue = GrpcWorkQueue(channel)
        registering = asyncio.create_task(register_until_done(queue, clock, uniform))
        stack.push_async_callback(_cancelled, registering)
        worker_id = _worker_id()
        stop_claiming = None
        ledger = SqlLedger(database, clock)
        vendors = await stack.enter_async_context(VendorClients(clock, ledger, call_seconds=_call_seconds(settings)))
        if settings.runner:
            runner = Runner(
                _workshop(database, queue, stores, vendors, clock, uniform, settings.outage_seconds),
                worker_id=worker_id,
                types=list(SPECS),
                concurrency=settings.concurrency,
                lease_seconds=settings.lease_seconds,
                new_id=_new_id,
            )
            await stack.enter_async_context(runner.working(settings.drain_seconds))
            stop_claiming = runner.stop_claiming
        metrics_address = ""
        if settings.metrics_listen:
            metrics_address = stack.enter_context(metrics.exposed(settings.metrics_listen))
        starter = Starter(
            stores=stores,
            tracker=GrpcJobTracker(channel, clock, uniform),
            selections=SqlSelections(database, clock),
            new_id=_new_id,
        )
        reader = SqlCatalogReader(database, clock)
        servicer = SyncWorkerServicer(starter, reader, reader, Checker(stores, vendors.carrying(Traffic.MANUAL), clock))
        door = await stack.enter_async_context(
            standing_door(PERMISSIONS, tokens_file=settings.tokens_file, limits=settings.limits())
        )
        refusing = Refusing(ERRORS, domain=DOMAIN, internal_reason=INTERNAL_REASON, metrics=metrics, door=door)
        address = await stack.enter_async_context(
            serving(
                settings.listen,
                [lambda server: add_SyncWorkerServicer_to_server(servicer, server)],
                service_names=(SERVICE,),
                interceptors=[refusing],
                end_streams=stop_claiming,
                tls=settings.tls(),
            )
        )
        yield Handle(address, metrics_address, worker_id)


def _workshop(
    database: Database,
    queue: GrpcWorkQueue,
    stores: Mapping[str, Store],
    vendors: VendorClients,
    clock: Clock,
    uniform: Callable[[float, float], float],
    outage_seconds: float,
) -> Workshop:
    selections = SqlSelections(database, clock)
    pushes = SqlPushCatalog(database, clock)
    failed_items = FailedItems(queue, pushes, clock, uniform)

    async def read_request(job: ClaimedJob) -> tuple[Operation, OperationRequest]:
        operation, request = await request_of_job(job, selections)
        return operation, await failed_items.narrowed(job, request)

    return Workshop(
        queue=queue,
        stores=stores,
        vendors=vendors.carrying,
        operate=Operations(
            pulls=SqlPullCatalog(database, clock),
            matches=SqlMatchCatalog(database, clock),
            pushes=pushes,
            clock=clock,
        ),
        read_request=read_request,
        translate=_known_failure,
        clock=clock,
        uniform=uniform,
        outage_seconds=outage_seconds,
    )


def _call_seconds(settings: WorkerSettings) -> float:
    """Say how long a call to a vendor may take: half a lease, so that it fits one that is renewed at its third."""
    return min(LONGEST_CALL_SECONDS, settings.lease_seconds / 2)


def _known_failure(error: Exception) -> OperationFailure | None:
    """Say which operation failure an exception from below is, None for a fault of our own."""
    return CatalogUnavailable(str(error)) if isinstance(error, DatabaseUnavailableError) else None


def _new_id() -> str:
    return str(uuid_utils.uuid7())


def _worker_id() -> str:
    """Make an identity that no start of any process had before: a lease of an earlier one is never taken for ours."""
    return f"sync-worker/{socket.gethostname()[:64]}/{_new_id()}"


async def _cancelled(task: asyncio.Task[None]) -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


def _tune_collection() -> None:
    """Spare the program's own objects from being walked again and again: a pull makes millions of others, few in circles.

    Those few hold whole pages, so they are still looked for often enough.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(5_000, 10, 10)


async def _serve(settings: WorkerSettings) -> None:
    async with running(settings) as handle:
        announce("sync-worker", handle.address)
        await asked_to_stop()


def _load(environment: Mapping[str, str]) -> WorkerSettings:
    """Read the settings and try the stores file, so that all faults of both are reported together."""
    faults: list[str] = []
    settings = None
    try:
        settings = load_settings(WorkerSettings, environment)
    except SettingsFaultsError as error:
        faults += error.faults
    path = environment.get("SYNC_WORKER_STORES")
    if path:
        try:
            load_stores(Path(path), environment)
        except SettingsFaultsError as error:
            faults += error.faults
    if settings is None or faults:
        raise SettingsFaultsError(faults)
    return settings


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the service; its exit status."""
    parser = settings_parser(
        WorkerSettings,
        prog="sync-worker",
        description="Runs the eleven operations between Nhanh.vn and Shopify, over gRPC.",
    )
    environment = given_environment(parser, WorkerSettings, arguments, os.environ)
    try:
        settings = _load(environment)
        configure_logs(settings.log_level)
        _tune_collection()
        asyncio.run(_serve(settings))
    except SettingsFaultsError as faults:
        print(faults, file=sys.stderr)  # noqa: T201 - for whoever started the process
        return 2
    except (DatabaseUnavailableError, ListenError) as fault:
        print(fault, file=sys.stderr)  # noqa: T201 - for whoever started the process
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
