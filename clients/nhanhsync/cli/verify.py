"""`nhanhsync verify`: walk a job of our own through its life and see that JobTracker tells of every step."""

import asyncio
import uuid

import typer
from google.protobuf.duration_pb2 import Duration
from rich.text import Text

from nhanhsync.cli import words
from nhanhsync.cli.exits import Exit
from nhanhsync.cli.job_records import print_coverage
from nhanhsync.cli.session import Json, plain_console, print_json, session_of
from nhanhsync.cli.watching import end
from nhanhsync.client import Client
from nhanhsync.jobs.v1 import job_pb2
from nhanhsync.jobs.v1 import job_tracker_service_pb2 as pb

ITEMS = 3
PATIENCE_SECONDS = 30.0
"""A walk takes a fraction of a second; a tracker that needs so long is not well."""
EXPECTED = (job_pb2.JOB_EVENT_KIND_CREATED, job_pb2.JOB_EVENT_KIND_CLAIMED, job_pb2.JOB_EVENT_KIND_ENDED)


def verify(context: typer.Context, as_json: Json = False) -> None:
    """Walk a tracked job through its life while watching it, then say which operations have completed.

    Example: nhanhsync verify
    """

    async def work(client: Client) -> tuple[job_pb2.Job, list[job_pb2.JobEvent], pb.GetJobStatsResponse]:
        async with asyncio.timeout(PATIENCE_SECONDS):
            job_id, token = await _claimed_job(client, session_of(context).who)
            watched = asyncio.create_task(_watch(client, job_id))
            try:
                await _walk(client, job_id, token)
                job, events = await watched
            finally:
                watched.cancel()
            return job, events, await client.jobs.GetJobStats(pb.GetJobStatsRequest())

    try:
        job, events, stats = session_of(context).run(work)
    except TimeoutError:
        plain_console(stderr=True).print(
            f"JobTracker did not tell of every step within {PATIENCE_SECONDS:g} s; its log says more."
        )
        raise typer.Exit(Exit.TIMED_OUT) from None
    good = job.state == job_pb2.JOB_STATE_COMPLETED and tuple(event.kind for event in events) == EXPECTED
    if as_json:
        print_json(stats.coverage)
    else:
        console = plain_console()
        for event in events:
            kind = job_pb2.JobEventKind.Name(event.kind).removeprefix("JOB_EVENT_KIND_")
            console.print(f"{kind:<8} revision {event.revision}, {words.moment(event.time)}")
        done = f" with {job.progress.processed} of {ITEMS} items"
        console.print(Text.assemble(f"job {job.job_id} ended ", words.state(job.state), done))
        console.print("The stream told of every step." if good else "The stream did not tell of every step.")
        print_coverage(stats.coverage)
    end(Exit.GOOD if good else Exit.FAILED)


async def _claimed_job(client: Client, who: str) -> tuple[str, str]:
    """Create a job that is claimed at once: its id and its lease's token."""
    worker_id = f"nhanhsync-verify/{uuid.uuid4()}"
    made = await client.jobs.CreateJob(  # tried once: whoever asks whether it works wants to know now
        pb.CreateJobRequest(
            request_id=worker_id,
            type="VERIFY",
            created_by=who,
            max_attempts=1,
            claim=pb.ClaimOnCreate(worker_id=worker_id, lease_ttl=Duration(seconds=10)),
        )
    )
    return made.job.job_id, made.claimed.lease.lease_token


async def _walk(client: Client, job_id: str, token: str) -> None:
    for done in range(1, ITEMS + 1):
        progress = pb.ProgressReport(total=ITEMS, processed=done, successful=done, phase="verifying")
        await client.jobs.UpdateProgress(
            pb.UpdateProgressRequest(job_id=job_id, lease_token=token, report_sequence=done, progress=progress)
        )
    final = pb.ProgressReport(total=ITEMS, processed=ITEMS, successful=ITEMS, phase="done")
    await client.jobs.CompleteJob(pb.CompleteJobRequest(job_id=job_id, lease_token=token, progress=final))


async def _watch(client: Client, job_id: str) -> tuple[job_pb2.Job, list[job_pb2.JobEvent]]:
    job = job_pb2.Job()
    events: list[job_pb2.JobEvent] = []
    async for update in client.watch_job(job_id, min_interval=0):
        job = update.job
        events += update.events
    return job, events
