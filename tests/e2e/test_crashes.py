"""kill -9 in the middle of a pull, of the worker and of JobTracker: nothing is lost, doubled, or stuck."""

import asyncio
from pathlib import Path

from nhanhsync.client import Client
from nhanhsync.jobs.v1 import job_pb2
from nhanhsync.jobs.v1 import job_tracker_service_pb2 as jobs_pb
from sandbox.faults import FaultKind, Rule
from sync_worker.application.pull.time_windows import CURSORS

from tests.e2e.mirrored_customers import of_the_shop, pulled
from tests.fakes.whole_stack import start_pull, whole_stack

PAGES_BEFORE = 3
HOLD = Rule("nhanh", "customer/list", FaultKind.HOLD, skip=PAGES_BEFORE, times=-1)
"""The page behind these is held: the pull stands in its middle, with so many pages read."""


async def events_of(client: Client, job_id: str) -> list[job_pb2.JobEvent]:
    """Read a job's whole history."""
    return list((await client.jobs.ListJobEvents(jobs_pb.ListJobEventsRequest(job_id=job_id))).events)


async def test_a_killed_workers_pull_is_finished_by_another(tmp_path: Path) -> None:
    """After the lease the second worker goes on at the page where the first was killed; every row is there once."""
    async with whole_stack(tmp_path) as stack:
        await stack.tracker()
        first = await stack.worker()
        client = await stack.client(first)
        stack.plan(HOLD)
        job = await start_pull(client)
        await stack.until_held("nhanh customer/list")
        await stack.until_stored()
        asked = stack.sandbox.world.stores["hanoi"].calls.answered
        before = asked["nhanh customer/list"]
        first.kill()
        await first.wait()
        await stack.worker()
        stack.plan()
        ended = await client.wait_job(job.job_id, timeout=60)
        assert ended.state == job_pb2.JOB_STATE_COMPLETED, ended
        assert ended.attempt == 2
        rows = of_the_shop(stack)
        assert pulled(tmp_path) == rows
        progress = ended.progress
        assert (progress.processed, progress.total, progress.successful) == (len(rows), len(rows), len(rows))
        assert progress.metrics["created"] == len(rows)
        assert ended.result["resumed"] is True
        kinds = [event.kind for event in await events_of(client, job.job_id)]
        assert kinds == [
            job_pb2.JOB_EVENT_KIND_CREATED,
            job_pb2.JOB_EVENT_KIND_CLAIMED,
            job_pb2.JOB_EVENT_KIND_LEASE_LOST,
            job_pb2.JOB_EVENT_KIND_CLAIMED,
            job_pb2.JOB_EVENT_KIND_ENDED,
        ]
        # Every page was read once, but for those that were on their way, or read and not stored yet, when the worker died.
        pages = progress.metrics["pages"]
        assert before >= PAGES_BEFORE
        assert asked["nhanh customer/list"] <= pages + CURSORS + 2


async def test_a_killed_jobtracker_comes_back_and_nothing_is_missed(tmp_path: Path) -> None:
    """The worker keeps its job, the pull goes on, and the watcher, resumed by revision, has seen every event once."""
    async with whole_stack(tmp_path) as stack:
        tracker = await stack.tracker()
        client = await stack.client(await stack.worker())
        stack.plan(HOLD)
        job = await start_pull(client)
        seen: list[job_pb2.JobEvent] = []
        revisions: list[int] = []
        running = asyncio.Event()

        async def watch() -> job_pb2.Job:
            last = job_pb2.Job()
            async for update in client.watch_job(job.job_id, min_interval=0):
                seen.extend(update.events)
                revisions.append(update.job.revision)
                last = update.job
                if last.state == job_pb2.JOB_STATE_RUNNING:
                    running.set()
            return last

        watching = asyncio.create_task(watch())
        await stack.until_held("nhanh customer/list")
        await running.wait()
        tracker.kill()
        await tracker.wait()
        await stack.tracker()
        stack.plan()
        async with asyncio.timeout(60):
            last = await watching
        assert last.state == job_pb2.JOB_STATE_COMPLETED, last
        assert last.attempt == 1
        rows = of_the_shop(stack)
        assert pulled(tmp_path) == rows
        assert last.progress.processed == len(rows)
        assert [event.SerializeToString() for event in seen] == [
            event.SerializeToString() for event in await events_of(client, job.job_id)
        ]
        assert revisions == sorted(revisions)
