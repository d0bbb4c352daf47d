"""A JobTracker that takes every call of a worker and tells watchers nothing."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

import grpc
from nhanhsync.jobs.v1 import job_pb2
from nhanhsync.jobs.v1 import job_tracker_service_pb2 as pb
from nhanhsync.jobs.v1.job_tracker_service_pb2_grpc import add_JobTrackerServicer_to_server

CALLS = pb.DESCRIPTOR.services_by_name["JobTracker"].methods_by_name
JOB = job_pb2.Job(job_id="01890a5d-ac96-774b-bcce-b302099a8057", display_name="Verify", state=job_pb2.JOB_STATE_RUNNING)


class SilentTracker:
    """Says yes to everything that the command asks; its streams stay open and empty.

    `completed` is set by CompleteJob, `watched` by WatchJob; with `refuse_reports` a report is refused.
    """

    def __init__(self, *, refuse_reports: bool = False) -> None:
        self.completed = asyncio.Event()
        self.watched = asyncio.Event()
        self._refuse_reports = refuse_reports

    def __getattr__(self, call: str) -> Any:
        if call not in CALLS:
            raise AttributeError(call)
        return self._not_asked

    async def CreateJob(self, request: Any, context: Any) -> pb.CreateJobResponse:  # noqa: N802 - the contract's name
        """Answer with a job that is claimed."""
        claimed = job_pb2.ClaimedJob(job=JOB, lease=job_pb2.Lease(lease_token="token"))
        return pb.CreateJobResponse(job=JOB, created=True, claimed=claimed)

    async def _not_asked(self, request: Any, context: Any) -> None:
        raise AssertionError(f"nobody should ask for {request}")

    async def RetryJob(self, request: Any, context: Any) -> pb.RetryJobResponse:  # noqa: N802
        """Answer with a job that runs."""
        return pb.RetryJobResponse(job=JOB, created=True)

    async def GetJob(self, request: Any, context: Any) -> pb.GetJobResponse:  # noqa: N802
        """Answer with the job, which never ends."""
        return pb.GetJobResponse(job=JOB)

    async def UpdateProgress(self, request: Any, context: Any) -> pb.UpdateProgressResponse:  # noqa: N802
        """Take a report, or refuse it."""
        if self._refuse_reports:
            await context.abort(grpc.StatusCode.ABORTED, "the lease is another's")
        return pb.UpdateProgressResponse(directive=job_pb2.DIRECTIVE_CONTINUE)

    async def CompleteJob(self, request: Any, context: Any) -> pb.CompleteJobResponse:  # noqa: N802
        """Take the end."""
        self.completed.set()
        return pb.CompleteJobResponse(job=JOB)

    async def WatchJob(self, request: Any, context: Any) -> AsyncIterator[pb.WatchJobResponse]:  # noqa: N802
        """Say nothing for ever."""
        self.watched.set()
        await asyncio.Event().wait()
        yield pb.WatchJobResponse()


@asynccontextmanager
async def serving(tracker: SilentTracker) -> AsyncIterator[str]:
    """Serve it on a free port: its address."""
    server = grpc.aio.server()
    add_JobTrackerServicer_to_server(cast(Any, tracker), server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        await server.stop(None)
