"""A cancel reaches a running job through the directive stream, wherever it waits."""

import asyncio
from pathlib import Path

from nhanhsync.jobs.v1 import job_pb2
from nhanhsync.jobs.v1 import job_tracker_service_pb2 as jobs_pb
from sandbox.faults import FaultKind, Rule

from tests.fakes.whole_stack import start_pull, whole_stack

WELL_UNDER_A_SECOND = 0.8
"""What somebody who cancels is promised; it takes some 25 ms."""

LEASE_SECONDS = 60
"""Heartbeats go every third of it: nothing but the directive stream can bring a cancel sooner."""


async def test_a_cancel_does_not_wait_for_a_heartbeat(tmp_path: Path) -> None:
    """The pull waits for a page that does not come; CANCELLED long before the next heartbeat would have told it."""
    async with whole_stack(tmp_path, lease_seconds=LEASE_SECONDS) as stack:
        await stack.tracker()
        client = await stack.client(await stack.worker())
        stack.plan(Rule("nhanh", "customer/list", FaultKind.HOLD, skip=1, times=-1))
        job = await start_pull(client)
        await stack.until_held("nhanh customer/list")
        await stack.until_stored()
        async with asyncio.timeout(WELL_UNDER_A_SECOND):
            await client.jobs.CancelJob(jobs_pb.CancelJobRequest(job_id=job.job_id, requested_by="operator"))
            ended = await client.wait_job(job.job_id)
        assert ended.state == job_pb2.JOB_STATE_CANCELLED
        events = (await client.jobs.ListJobEvents(jobs_pb.ListJobEventsRequest(job_id=job.job_id))).events
        asked = next(event for event in events if event.kind == job_pb2.JOB_EVENT_KIND_CANCEL_REQUESTED)
        assert asked.actor == "operator"
        stack.plan()
        again = await start_pull(client)
        finished = await client.wait_job(again.job_id, timeout=60)
        assert (finished.state, finished.result["resumed"]) == (job_pb2.JOB_STATE_COMPLETED, True)
