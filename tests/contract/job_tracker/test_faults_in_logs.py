"""What the log says of a fault of JobTracker's own."""

import traceback
from collections.abc import Callable
from typing import Any

import grpc
from chassis.database import Dialect, open_database
from job_tracker.__main__ import MIGRATIONS, TrackerSettings, running
from nhanhsync.jobs.v1 import job_tracker_service_pb2 as pb
from nhanhsync.jobs.v1.job_tracker_service_pb2_grpc import JobTrackerStub
from sqlalchemy import Connection
from structlog.testing import capture_logs

from tests.contract.job_tracker.conftest import Rig, refusal
from tests.fakes.tracker_world import TrackerClock

BREAKING: dict[Dialect, tuple[str, ...]] = {
    "sqlite": ("CREATE TRIGGER broken BEFORE UPDATE ON jobs BEGIN SELECT raise(ABORT, 'the disk is mad'); END",),
    "postgresql": (
        "CREATE FUNCTION broken() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN RAISE EXCEPTION 'the disk is mad'; END $$",
        "CREATE TRIGGER broken BEFORE UPDATE ON jobs FOR EACH ROW EXECUTE FUNCTION broken()",
    ),
}
"""From then on every change of a job fails, as nothing in JobTracker foresees."""


async def test_a_lease_token_is_in_no_log(settings: Callable[..., TrackerSettings]) -> None:
    """The log of a statement that failed has its error, and no values: a lease token is the right to end a job."""
    asked = settings()
    async with running(asked) as handle, grpc.aio.insecure_channel(handle.address) as channel:
        rig = Rig(JobTrackerStub(channel), handle.address, TrackerClock())
        claimed = await rig.running()
        await break_jobs(asked.database_url)
        with capture_logs() as logs:
            seen = await refusal(rig.stub.CancelJob(pb.CancelJobRequest(job_id=claimed.job.job_id)))
    assert seen.reason == "INTERNAL"
    written = "".join(said(line) for line in logs)
    assert "the disk is mad" in written
    assert claimed.lease.lease_token not in written


async def break_jobs(url: str) -> None:
    """Let every change of a job fail."""
    database = await open_database(url, migrations=MIGRATIONS)

    def unit(connection: Connection) -> None:
        for statement in BREAKING[database.dialect]:
            connection.exec_driver_sql(statement)

    await database.write(unit)
    await database.close()


def said(line: Any) -> str:
    """A line of the log as it is written, with its error's whole story."""
    error = line.get("exc_info")
    return f"{line}{''.join(traceback.format_exception(error)) if isinstance(error, BaseException) else ''}"
