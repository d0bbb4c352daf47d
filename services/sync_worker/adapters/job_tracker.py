"""JobTracker over gRPC, for those who start operations."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import grpc
from grpc.aio import AioRpcError
from nhanhsync.jobs.v1 import job_pb2
from nhanhsync.jobs.v1 import job_tracker_service_pb2 as pb
from nhanhsync.jobs.v1.job_tracker_service_pb2_grpc import JobTrackerStub

from sync_worker.adapters.job_tracker_messages import create_request
from sync_worker.adapters.job_tracker_refusals import UNANSWERED, meaning_of
from sync_worker.application.ports.clock import Clock
from sync_worker.application.ports.job_tracker import CreatedJob, NewJob
from sync_worker.domain.operations import Operation

if TYPE_CHECKING:  # generic stubs exist for type checkers alone
    from nhanhsync.jobs.v1.job_tracker_service_pb2_grpc import JobTrackerAsyncStub

ACTIVE = (job_pb2.JOB_STATE_PENDING, job_pb2.JOB_STATE_RUNNING, job_pb2.JOB_STATE_CANCELLING)
CALL_SECONDS = 5.0
TRIES = 3
"""A caller waits for the answer: a hiccup is bridged, an outage is the caller's to know."""
PAUSE_SECONDS = 0.2


class GrpcJobTracker:
    """`JobTracker` over a channel. `uniform` draws a number between its two arguments."""

    def __init__(self, channel: grpc.aio.Channel, clock: Clock, uniform: Callable[[float, float], float]) -> None:
        self._stub: JobTrackerAsyncStub = JobTrackerStub(channel)
        self._clock = clock
        self._uniform = uniform

    async def create_job(self, job: NewJob) -> CreatedJob:
        """Create a job; see `JobTracker`."""
        request = create_request(job)
        for tries_left in reversed(range(TRIES)):
            try:
                response = await self._stub.CreateJob(request, timeout=CALL_SECONDS)
                break
            except AioRpcError as error:
                if error.code() not in UNANSWERED or not tries_left:
                    raise meaning_of(error) from error
            await self._clock.sleep(self._uniform(PAUSE_SECONDS / 2, PAUSE_SECONDS))
        return CreatedJob(response.job.SerializeToString(), response.created)

    async def active_jobs(self, store_id: str, operations: Sequence[Operation]) -> Sequence[str]:
        """Find jobs that have not ended, the oldest ten; see `JobTracker`."""
        wanted = pb.JobFilter(store_ids=[store_id], types=list(operations), states=list(ACTIVE))
        request = pb.ListJobsRequest(filter=wanted, order=pb.JOB_ORDER_CREATE_TIME_ASC, page_size=10)
        try:
            response = await self._stub.ListJobs(request, timeout=CALL_SECONDS)
        except AioRpcError as error:
            raise meaning_of(error) from error
        return tuple(job.job_id for job in response.jobs)
