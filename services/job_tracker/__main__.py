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
from typing import Literal

import uuid_utils
from chassis.auth import current_caller
from chassis.database import DatabaseInUseError, DatabaseUnavailableError, open_database
from chassis.door import standing_door
from chassis.interceptors import Refusing
from chassis.logs import configure_logs
from chassis.metrics import CallMetrics
from chassis.server import ListenError, announce, asked_to_stop, serving
from chassis.settings import (
    DatabaseUrl,
    ServiceSettings,
    SettingsFaultsError,
    given_environment,
    load_settings,
    settings_parser,
)
from nhanhsync.jobs.v1 import job_tracker_service_pb2
from nhanhsync.jobs.v1.job_tracker_service_pb2_grpc import add_JobTrackerServicer_to_server
from pydantic import Field
from pydantic_settings import SettingsConfigDict

from job_tracker.adapters.clock import SystemClock
from job_tracker.adapters.removed_jobs import RemovedJobs
from job_tracker.adapters.store.job_store import SqlJobStore
from job_tracker.adapters.store.moment import Moment, usual
from job_tracker.adapters.wakeups.replicas import joined
from job_tracker.application.changes import Changes
from job_tracker.application.ports.clock import Clock
from job_tracker.application.reap import reap_forever
from job_tracker.application.retain import DAY_SECONDS, retain_forever
from job_tracker.application.tracker import UNWATCHED_SECONDS, Tracker
from job_tracker.application.workers import Workers
from job_tracker.domain.states import State
from job_tracker.entrypoints.errors import DOMAIN, ERRORS, INTERNAL_REASON
from job_tracker.entrypoints.permissions import permissions
from job_tracker.entrypoints.servicer import JobTrackerServicer

SERVICE = job_tracker_service_pb2.DESCRIPTOR.services_by_name["JobTracker"].full_name
MIGRATIONS = Path(__file__).parent / "migrations"


class TrackerSettings(ServiceSettings):
    """JobTracker's settings, read once."""

    model_config = SettingsConfigDict(env_prefix="JOB_TRACKER_", frozen=True)

    listen: str = Field("127.0.0.1:50051", description="Where to listen, host:port; port 0 takes a free one.")
    database_url: DatabaseUrl = Field(
        "sqlite:///nhanhsync-jobs.db",
        repr=False,  # it may hold a password
        description="The database: sqlite:///relative.db, sqlite:////absolute.db, or for several replicas"
        " postgresql://user:password@host:port/name.",
    )
    wakeups: Literal["notify", "poll"] = Field(
        "notify",
        description="How replicas on one PostgreSQL hear of each other: notify (at once), or poll (twice a second), which"
        " a pooler in transaction mode needs.",
    )
    cancel_grace_seconds: float = Field(
        60.0, gt=0, le=3600, description="A cancelled job ends after this at the latest."
    )
    heartbeat_seconds: float = Field(15.0, gt=0, le=300, description="A silent stream sends a sign of life so often.")
    watch_write_seconds: float = Field(
        30.0, gt=0, le=300, description="A stream whose reader does not read for so long is ended."
    )
    keep_completed_days: float = Field(30.0, ge=0, description="COMPLETED jobs are removed after this; 0: never.")
    keep_partially_completed_days: float = Field(
        90.0, ge=0, description="PARTIALLY_COMPLETED jobs are removed after this; 0: never."
    )
    keep_failed_days: float = Field(90.0, ge=0, description="FAILED jobs are removed after this; 0: never.")
    keep_cancelled_days: float = Field(30.0, ge=0, description="CANCELLED jobs are removed after this; 0: never.")

    def keep(self) -> dict[State, float]:
        """How long jobs are kept after their end, in seconds, by the state that they ended in; no row: for ever."""
        days = {
            State.COMPLETED: self.keep_completed_days,
            State.PARTIALLY_COMPLETED: self.keep_partially_completed_days,
            State.FAILED: self.keep_failed_days,
            State.CANCELLED: self.keep_cancelled_days,
        }
        return {state: kept * DAY_SECONDS for state, kept in days.items() if kept}


@dataclass(frozen=True, slots=True)
class Handle:
    """A running JobTracker: where it listens, and where its metrics are, empty when nowhere."""

    address: str
    metrics_address: str


@contextlib.asynccontextmanager
async def running(
    settings: TrackerSettings,
    *,
    clock: Clock | None = None,
    now: Moment | None = None,
    unwatched: float = UNWATCHED_SECONDS,
) -> AsyncIterator[Handle]:
    """Run JobTracker in this loop for as long as the context lasts.

    Waits go by the machine's `clock` unless another is given, and jobs by what is usual for their kind of database (`now`);
    `unwatched` is that of `Tracker`.

    Raises:
        DatabaseInUseError, DatabaseUnavailableError, ListenError: It cannot start; the message says why.
    """
    metrics = CallMetrics()
    async with contextlib.AsyncExitStack() as stack:
        database = await open_database(
            settings.database_url,
            migrations=MIGRATIONS,
            exclusive=True,
            behind_pooler=settings.wakeups == "poll",
        )
        stack.push_async_callback(database.close)
        clock = clock or SystemClock()
        store = SqlJobStore(database, now or usual(database.dialect, clock))
        changes = Changes()
        if database.dialect == "postgresql":
            notify = settings.wakeups == "notify"
            await stack.enter_async_context(joined(changes, store, clock, settings.database_url, notify=notify))
        tracker = Tracker(
            store=store,
            workers=Workers(store, clock, settings.heartbeat_seconds, _limited_to),
            changes=changes,
            clock=clock,
            new_id=lambda: str(uuid_utils.uuid7()),
            new_token=lambda: secrets.token_urlsafe(16),
            uniform=random.SystemRandom().uniform,
            cancel_grace=settings.cancel_grace_seconds,
            heartbeat=settings.heartbeat_seconds,
            unwatched=unwatched,
        )
        await store.begin_watching_leases(tracker.cancel_grace, tracker.unwatched)
        stack.push_async_callback(_cancelled, asyncio.create_task(reap_forever(tracker)))
        removed = RemovedJobs(metrics.registry)
        retaining = asyncio.create_task(retain_forever(store, settings.keep(), removed.count))
        stack.push_async_callback(_cancelled, retaining)
        metrics_address = ""
        if settings.metrics_listen:
            metrics_address = stack.enter_context(metrics.exposed(settings.metrics_listen))
        door = await stack.enter_async_context(
            standing_door(permissions(tracker.store), tokens_file=settings.tokens_file, limits=settings.limits())
        )
        refusing = Refusing(
            ERRORS,
            domain=DOMAIN,
            internal_reason=INTERNAL_REASON,
            metrics=metrics,
            write_seconds=settings.watch_write_seconds,
            long_polls=("ClaimJobs", "WaitJob"),
            door=door,
        )
        address = await stack.enter_async_context(
            serving(
                settings.listen,
                [lambda server: add_JobTrackerServicer_to_server(JobTrackerServicer(tracker), server)],
                service_names=(SERVICE,),
                interceptors=[refusing],
                end_streams=tracker.changes.stop,
                tls=settings.tls(),
            )
        )
        yield Handle(address, metrics_address)


def _limited_to() -> str:
    caller = current_caller()
    return caller.name if caller.stores is not None else ""


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
    parser = settings_parser(TrackerSettings, prog="job-tracker", description="Owns the life of every job, over gRPC.")
    environment = given_environment(parser, TrackerSettings, arguments, os.environ)
    try:
        settings = load_settings(TrackerSettings, environment)
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
