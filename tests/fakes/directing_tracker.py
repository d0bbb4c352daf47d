"""A JobTracker with one job, which tells the worker that claims it whatever a test wants."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from nhanhsync.jobs.v1 import job_pb2
from nhanhsync.jobs.v1 import job_tracker_service_pb2 as pb

from tests.fakes.cli_servicers import SilentTracker

FENCE = 1_000


class DirectingTracker(SilentTracker):
    """Grants its job as often as it is released, each time under a later fence; keeps every final call."""

    def __init__(self, job: job_pb2.Job) -> None:
        super().__init__()
        self.job = job
        self.fence = FENCE
        self.ended: list[Any] = []
        self.answer: job_pb2.Directive.ValueType = job_pb2.DIRECTIVE_CONTINUE
        """What reports are answered with."""
        self.free = asyncio.Event()
        """The job may be claimed."""
        self.free.set()
        self.reports = 0
        self._directives: asyncio.Queue[pb.WatchDirectivesResponse] = asyncio.Queue()
        self._changed = asyncio.Condition()

    def tell(self, directive: job_pb2.Directive.ValueType, fence: int) -> None:
        """Send a directive down the stream."""
        self._directives.put_nowait(
            pb.WatchDirectivesResponse(job_id=self.job.job_id, directive=directive, fence=fence)
        )

    async def until_reported(self, more: int = 1) -> None:
        """Wait for further reports."""
        wanted = self.reports + more
        async with self._changed:
            await self._changed.wait_for(lambda: self.reports >= wanted)

    async def until_ended(self, times: int = 1) -> Any:
        """Wait for so many final calls in all: the last."""
        async with self._changed:
            await self._changed.wait_for(lambda: len(self.ended) >= times)
        return self.ended[times - 1]

    async def RegisterJobTypes(self, request: Any, context: Any) -> pb.RegisterJobTypesResponse:  # noqa: N802
        """Take the types."""
        return pb.RegisterJobTypesResponse(job_types=request.job_types)

    async def ClaimJobs(self, request: Any, context: Any) -> pb.ClaimJobsResponse:  # noqa: N802
        """Grant the job once it is free."""
        await self.free.wait()
        self.free.clear()
        self.fence += 1
        self.job.attempt += 1
        lease = job_pb2.Lease(lease_token=f"token-{self.fence}", fence=self.fence)
        lease.ttl.FromSeconds(30)
        lease.renew_after.FromMilliseconds(10)
        return pb.ClaimJobsResponse(claimed_jobs=[job_pb2.ClaimedJob(job=self.job, lease=lease)])

    async def UpdateProgress(self, request: Any, context: Any) -> pb.UpdateProgressResponse:  # noqa: N802
        """Take a report, and say what is wanted."""
        async with self._changed:
            self.reports += 1
            self._changed.notify_all()
        return pb.UpdateProgressResponse(applied=True, directive=self.answer)

    async def WatchDirectives(  # noqa: N802
        self, request: Any, context: Any
    ) -> AsyncIterator[pb.WatchDirectivesResponse]:
        """Pass on what the test tells."""
        yield pb.WatchDirectivesResponse()
        while True:
            yield await self._directives.get()

    async def ReleaseJob(self, request: Any, context: Any) -> pb.ReleaseJobResponse:  # noqa: N802
        """Take the job back."""
        await self._end(request)
        return pb.ReleaseJobResponse(job=job_pb2.Job(state=job_pb2.JOB_STATE_PENDING))

    async def CompleteJob(self, request: Any, context: Any) -> pb.CompleteJobResponse:  # noqa: N802
        """Take the end."""
        await self._end(request)
        return pb.CompleteJobResponse(job=job_pb2.Job(state=job_pb2.JOB_STATE_COMPLETED))

    async def _end(self, request: Any) -> None:
        async with self._changed:
            self.ended.append(request)
            self._changed.notify_all()
