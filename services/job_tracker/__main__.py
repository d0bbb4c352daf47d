"""JobTracker: wires the floors together and runs them.

Settings come from the environment; `job-tracker --help` lists them.
"""

import asyncio
import contextlib
import os
import random
import secrets
import sys
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import uuid_utils
from chassis.database import Database, DatabaseInUseError, DatabaseUnavailableError
from chassis.interceptors import Refusing
from chassis.logs import configure_logs
from chassis.metrics import CallMetrics
from chassis.server import ListenError, announce, asked_to_stop, serving
from chassis.settings import DatabaseUrl, ServiceSettings, SettingsFaultsError, load_settings, settings_parser
from nhanhsync.jobs.v1 import job_tracker_service_pb2
from nhanhsync.jobs.v1.job_tracker_service_pb2_grpc import add_JobTrackerServicer_to_server
from pydantic import Field
from pydantic_settings import SettingsConfigDict

from job_tracker.adapters.clock import SystemClock
from job_tracker.adapters.store.job_store import SqlJobStore
from job_tracker.application.changes import Changes
from job_tracker.application.ports.clock import Clock
from job_tracker.application.reap import reap_forever
from job_tracker.application.tracker import Tracker
from job_tracker.entrypoints.errors import DOMAIN, ERRORS, INTERNAL_REASON
from job_tracker.entrypoints.servicer import JobTrackerServicer

SERVICE = job_tracker_service_pb2.DESCRIPTOR.services_by_name["JobTracker"].full_name
MIGRATIONS = Path(__file__).parent / "migrations"


class TrackerSettings(ServiceSettings):
    """JobTracker's settings, read once."""

    model_config = SettingsConfigDict(env_prefix="JOB_TRACKER_", frozen=True)

    listen: str = Field("127.0.0.1:50051", description="Where to listen, host:port; port 0 takes a free one.")
    database_url: DatabaseUrl = Field(
        "sqlite:///nhanhsync-jobs.db", description="The database: sqlite:///relative.db or sqlite:////absolute.db."
    )
    cancel_grace_seconds: float = Field(
        60.0, gt=0, le=3600, description="A cancelled job ends after this at the latest."
    )
    heartbeat_seconds: float = Field(15.0, gt=0, le=300, description="A silent stream sends a sign of life so often.")
    watch_write_seconds: float = Field(
        30.0, gt=0, le=300, description="A stream whose reader does not read for so long is ended."
    )


@dataclass(frozen=True, slots=True)
class Handle:
    """A running JobTracker: where it listens, and where its metrics are, empty when nowhere."""

    address: str
    metrics_address: str


@contextlib.asynccontextmanager
async def running(settings: TrackerSettings, *, clock: Clock | None = None) -> AsyncIterator[Handle]:
    """Run JobTracker in this loop for as long as the context lasts, by the machine's clock unless another is given.

    Raises:
        DatabaseInUseError, DatabaseUnavailableError, ListenError: It cannot start; the message says why.
    """
    metrics = CallMetrics()
    async with contextlib.AsyncExitStack() as stack:
        database = await Database.open(settings.database_url, migrations=MIGRATIONS, exclusive=True)
        stack.push_async_callback(database.close)
        tracker = Tracker(
            store=SqlJobStore(database),
            changes=Changes(),
            clock=clock or SystemClock(),
            new_id=lambda: str(uuid_utils.uuid7()),
            new_token=lambda: secrets.token_urlsafe(16),
            uniform=random.SystemRandom().uniform,
            cancel_grace=settings.cancel_grace_seconds,
            heartbeat=settings.heartbeat_seconds,
        )
        await tracker.store.give_leases_a_whole_ttl(tracker.clock.now().steady, tracker.cancel_grace)
        stack.push_async_callback(_cancelled, asyncio.create_task(reap_forever(tracker)))
        metrics_address = ""
        if settings.metrics_listen:
            metrics_address = stack.enter_context(metrics.exposed(settings.metrics_listen))
        refusing = Refusing(
            ERRORS,
            domain=DOMAIN,
            internal_reason=INTERNAL_REASON,
            metrics=metrics,
            write_seconds=settings.watch_write_seconds,
            long_polls=("ClaimJobs", "WaitJob"),
        )
        address = await stack.enter_async_context(
            serving(
                settings.listen,
                [lambda server: add_JobTrackerServicer_to_server(JobTrackerServicer(tracker), server)],
                service_names=(SERVICE,),
                interceptors=[refusing],
                end_streams=tracker.changes.stop,
            )
        )
        yield Handle(address, metrics_address)


async def _cancelled(task: asyncio.Task[None]) -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


async def _serve(settings: TrackerSettings) -> None:
    async with running(settings) as handle:
        announce("job-tracker", handle.address)
        await asked_to_stop()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the service; its exit status."""
    settings_parser(
        TrackerSettings, prog="job-tracker", description="Owns the life of every job, over gRPC."
    ).parse_args(arguments)
    try:
        settings = load_settings(TrackerSettings, os.environ)
        configure_logs(settings.log_level)
        asyncio.run(_serve(settings))
    except SettingsFaultsError as faults:
        print(faults, file=sys.stderr)  # noqa: T201 - for whoever started the process
        return 2
    except (DatabaseInUseError, DatabaseUnavailableError, ListenError) as fault:
        print(fault, file=sys.stderr)  # noqa: T201 - for whoever started the process
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
