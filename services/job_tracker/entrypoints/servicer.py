"""JobTracker's calls for everybody: convert, call, convert."""

from collections.abc import AsyncGenerator
from typing import Any, TypeAlias

import grpc
from nhanhsync.jobs.v1 import job_pb2
from nhanhsync.jobs.v1 import job_tracker_service_pb2 as pb
from nhanhsync.jobs.v1 import job_tracker_service_pb2_grpc as pb_grpc

from job_tracker.application.cancel_job import cancel_job
from job_tracker.application.create_job import Retry, create_job, retry_job
from job_tracker.application.job_stats import job_stats
from job_tracker.application.ports.job_store import JobKey
from job_tracker.application.tracker import Tracker
from job_tracker.application.watch_job import wait_job, watch_job
from job_tracker.application.watch_jobs import watch_jobs
from job_tracker.domain.job import Job
from job_tracker.entrypoints import requests
from job_tracker.entrypoints.messages import (
    claimed_message,
    event_messages,
    item_failure_message,
    job_message,
    job_type_messages,
    stats_message,
)
from job_tracker.entrypoints.operator_calls import OperatorCalls
from job_tracker.entrypoints.pages import fitting_page
from job_tracker.entrypoints.parts import fitting_parts
from job_tracker.entrypoints.reading import Reader, content_hash
from job_tracker.entrypoints.tokens import page_place, page_token, resume_position, resume_token
from job_tracker.entrypoints.worker_calls import WorkerCalls

Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"  # generic in its stubs alone


class JobTrackerServicer(WorkerCalls, OperatorCalls, pb_grpc.JobTrackerServicer):
    """Answers the contract's calls. What is raised is refused by the interceptor's error table."""

    def __init__(self, tracker: Tracker) -> None:
        super().__init__(tracker)
        self._tracker = tracker
        self._last_written: tuple[Job, job_pb2.Job] | None = None

    async def CreateJob(self, request: pb.CreateJobRequest, _context: Context) -> pb.CreateJobResponse:  # noqa: N802
        """Create a job."""
        made = await create_job(self._tracker, requests.new_job(request, self._tracker.clock.now().wall))
        claimed = None if made.claimed is None else claimed_message(made.claimed)
        return pb.CreateJobResponse(job=job_message(made.job), created=made.created, claimed=claimed)

    async def GetJob(self, request: pb.GetJobRequest, _context: Context) -> pb.GetJobResponse:  # noqa: N802
        """Read a job."""
        return pb.GetJobResponse(job=job_message(await self._tracker.store.get(_job_id(Reader(request)))))

    async def ListJobs(self, request: pb.ListJobsRequest, _context: Context) -> pb.ListJobsResponse:  # noqa: N802
        """List jobs by a filter."""
        read = Reader(request)
        wanted = requests.job_filter(read)
        size = requests.page_size(read)
        if request.order not in pb.JobOrder.values():
            read.fault("order", f"has no value {request.order}")
        token = read.checked("page_token")
        read.refuse_faults()
        place: Any = page_place(request, token, (int, str))
        jobs = await self._tracker.store.list_jobs(
            wanted,
            newest_first=request.order != pb.JOB_ORDER_CREATE_TIME_ASC,
            after=None if place is None else JobKey(*place),
            limit=size + 1,
        )
        page = fitting_page([job_message(job) for job in jobs], size)
        following = ""
        if len(page) < len(jobs):
            last = jobs[len(page) - 1]
            following = page_token(request, (last.create_time, last.job_id))
        return pb.ListJobsResponse(jobs=page, next_page_token=following)

    async def WaitJob(self, request: pb.WaitJobRequest, _context: Context) -> pb.WaitJobResponse:  # noqa: N802
        """Wait for a job's end."""
        read = Reader(request)
        timeout = read.seconds("timeout") or 0.0
        return pb.WaitJobResponse(job=job_message(await wait_job(self._tracker, _job_id(read), timeout)))

    async def WatchJob(  # noqa: N802
        self, request: pb.WatchJobRequest, _context: Context
    ) -> AsyncGenerator[pb.WatchJobResponse]:
        """Stream one job."""
        read = Reader(request)
        min_interval = read.seconds("min_interval") or 0.0
        async for seen in watch_job(self._tracker, _job_id(read), max(0, request.after_revision), min_interval):
            if seen is None:
                yield pb.WatchJobResponse(heartbeat=True)
            else:
                for job, events in fitting_parts(self._shared(seen.job), event_messages(seen.events)):
                    yield pb.WatchJobResponse(job=job, events=events)

    def _shared(self, job: Job) -> job_pb2.Job:
        """Write a job once for all its watchers who share the read."""
        if self._last_written is None or self._last_written[0] is not job:
            self._last_written = (job, job_message(job))
        return self._last_written[1]

    async def WatchJobs(  # noqa: N802
        self, request: pb.WatchJobsRequest, _context: Context
    ) -> AsyncGenerator[pb.WatchJobsResponse]:
        """Stream the jobs of a filter."""
        read = Reader(request)
        wanted = requests.job_filter(read)
        min_interval = read.seconds("min_interval") or 0.0
        token = read.checked("resume_token")
        read.refuse_faults()
        async for seen in watch_jobs(self._tracker, wanted, resume_position(token), min_interval):
            before, token = token, resume_token(seen.position)
            if seen.job is None:
                yield pb.WatchJobsResponse(
                    heartbeat=not seen.snapshot_complete, snapshot_complete=seen.snapshot_complete, resume_token=token
                )
                continue
            whole = self._shared(seen.job)
            for job, events in fitting_parts(whole, event_messages(seen.events)):
                # Only the last part has brought the watcher up to the new position.
                yield pb.WatchJobsResponse(job=job, events=events, resume_token=token if job is whole else before)

    async def CancelJob(self, request: pb.CancelJobRequest, _context: Context) -> pb.CancelJobResponse:  # noqa: N802
        """Ask for a job to be cancelled."""
        read = Reader(request)
        reason, requested_by = read.checked("reason"), read.checked("requested_by")
        job = await cancel_job(self._tracker, _job_id(read), reason, requested_by)
        return pb.CancelJobResponse(job=job_message(job))

    async def RetryJob(self, request: pb.RetryJobRequest, _context: Context) -> pb.RetryJobResponse:  # noqa: N802
        """Repeat a job that has ended."""
        read = Reader(request)
        request_id, created_by = read.checked("request_id"), read.checked("created_by")
        policy, scope = requests.policy(read), requests.retry_scope(read)
        job_id = _job_id(read)
        how = Retry(request_id, content_hash(request, "request_id"), policy, created_by, scope)
        made = await retry_job(self._tracker, job_id, how)
        return pb.RetryJobResponse(job=job_message(made.job), created=made.created)

    async def ListJobEvents(  # noqa: N802
        self, request: pb.ListJobEventsRequest, _context: Context
    ) -> pb.ListJobEventsResponse:
        """List what happened to a job."""
        read = Reader(request)
        size, token = requests.page_size(read), read.checked("page_token")
        job_id = _job_id(read)
        place: Any = page_place(request, token, (int, int))
        found = await self._tracker.store.events(job_id, after=place, limit=size + 1)
        page = fitting_page(event_messages(placed.event for placed in found), size)
        following = ""
        if len(page) < len(found):
            last = found[len(page) - 1]
            following = page_token(request, (last.event.revision, last.ordinal))
        return pb.ListJobEventsResponse(events=page, next_page_token=following)

    async def ListItemFailures(  # noqa: N802
        self, request: pb.ListItemFailuresRequest, _context: Context
    ) -> pb.ListItemFailuresResponse:
        """List the items that a job could not do."""
        read = Reader(request)
        size, token, codes = requests.page_size(read), read.checked("page_token"), read.strings("codes")
        job_id = _job_id(read)
        place: Any = page_place(request, token, (str, str))
        job = await self._tracker.store.get(job_id)
        found = await self._tracker.store.failures(job_id, codes=codes, after=place, limit=size + 1)
        page = fitting_page([item_failure_message(failure) for failure in found], size)
        following = ""
        if len(page) < len(found):
            last = found[len(page) - 1]
            following = page_token(request, (last.item_key, last.stage))
        return pb.ListItemFailuresResponse(
            item_failures=page, next_page_token=following, total_count=job.item_failure_count
        )

    async def GetJobStats(  # noqa: N802
        self, request: pb.GetJobStatsRequest, _context: Context
    ) -> pb.GetJobStatsResponse:
        """Count jobs."""
        read = Reader(request)
        store_ids = read.strings("store_ids")
        created_from, created_before = read.micros("created_from"), read.micros("created_before")
        read.refuse_faults()
        return stats_message(*await job_stats(self._tracker, store_ids, created_from, created_before))

    async def RegisterJobTypes(  # noqa: N802
        self, request: pb.RegisterJobTypesRequest, _context: Context
    ) -> pb.RegisterJobTypesResponse:
        """Store types."""
        types = await self._tracker.store.register_types(requests.job_types(request))
        return pb.RegisterJobTypesResponse(job_types=job_type_messages(types))

    async def ListJobTypes(  # noqa: N802
        self, _request: pb.ListJobTypesRequest, _context: Context
    ) -> pb.ListJobTypesResponse:
        """List the registered types."""
        return pb.ListJobTypesResponse(job_types=job_type_messages(await self._tracker.store.types()))


def _job_id(read: Reader) -> str:
    job_id: str = read.checked("job_id")
    read.refuse_faults()
    return job_id
