"""JobTracker's calls for workers: convert, call, convert."""

from collections.abc import AsyncGenerator
from typing import Any, TypeAlias

import grpc
from chassis.auth import current_caller
from nhanhsync.jobs.v1 import job_tracker_service_pb2 as pb

from job_tracker.application.claim_jobs import claim_jobs
from job_tracker.application.tracker import Tracker
from job_tracker.application.watch_directives import watch_directives
from job_tracker.application.work_on_job import (
    UpdateOutcome,
    complete_job,
    fail_job,
    release_job,
    update_many,
    update_progress,
)
from job_tracker.domain.errors import TrackerError
from job_tracker.entrypoints import requests
from job_tracker.entrypoints.errors import reason_of
from job_tracker.entrypoints.messages import DIRECTIVES, claimed_message, job_message
from job_tracker.entrypoints.permissions import owns_jobs
from job_tracker.entrypoints.reading import Reader, content_hash

Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"  # generic in its stubs alone


class WorkerCalls:
    """Answers the part of the contract that is for workers."""

    def __init__(self, tracker: Tracker) -> None:
        self._tracker = tracker

    async def ClaimJobs(self, request: pb.ClaimJobsRequest, _context: Context) -> pb.ClaimJobsResponse:  # noqa: N802
        """Claim jobs, waiting for them."""
        claim, wait = requests.claim_request(request)
        claimed = await claim_jobs(self._tracker, claim, wait)
        return pb.ClaimJobsResponse(claimed_jobs=[claimed_message(one) for one in claimed])

    async def UpdateProgress(  # noqa: N802
        self, request: pb.UpdateProgressRequest, _context: Context
    ) -> pb.UpdateProgressResponse:
        """Take a report."""
        read = Reader(request)
        report = requests.job_report(read)
        read.refuse_faults()
        return _update_response(await update_progress(self._tracker, report))

    async def BatchUpdateProgress(  # noqa: N802
        self, request: pb.BatchUpdateProgressRequest, _context: Context
    ) -> pb.BatchUpdateProgressResponse:
        """Take many reports, each of which is refused alone."""
        reports = requests.job_reports(request)
        outcomes = await update_many(self._tracker, reports)
        return pb.BatchUpdateProgressResponse(
            outcomes=[_report_outcome(one.job_id, outcome) for one, outcome in zip(reports, outcomes, strict=True)]
        )

    async def CompleteJob(  # noqa: N802
        self, request: pb.CompleteJobRequest, _context: Context
    ) -> pb.CompleteJobResponse:
        """End a job whose work is done."""
        read = Reader(request)
        job_id, token = read.checked("job_id"), read.checked("lease_token")
        report, result, message = requests.report(read), read.json("result"), read.checked("message")
        read.refuse_faults()
        job = await complete_job(self._tracker, job_id, token, content_hash(request), report, result, message)
        return pb.CompleteJobResponse(job=job_message(job))

    async def FailJob(self, request: pb.FailJobRequest, _context: Context) -> pb.FailJobResponse:  # noqa: N802
        """End an attempt that failed."""
        read = Reader(request)
        job_id, token = read.checked("job_id"), read.checked("lease_token")
        error = (read.checked("code"), read.checked("message"), request.retryable)
        report, retry_after = requests.report(read), read.seconds("retry_after")
        read.refuse_faults()
        job = await fail_job(self._tracker, job_id, token, content_hash(request), report, error, retry_after)
        return pb.FailJobResponse(job=job_message(job))

    async def ReleaseJob(self, request: pb.ReleaseJobRequest, _context: Context) -> pb.ReleaseJobResponse:  # noqa: N802
        """Take a job back."""
        read = Reader(request)
        job_id, token, reason = read.checked("job_id"), read.checked("lease_token"), read.checked("reason")
        report = requests.report(read)
        read.refuse_faults()
        job = await release_job(self._tracker, job_id, token, content_hash(request), report, reason)
        return pb.ReleaseJobResponse(job=job_message(job))

    async def WatchDirectives(  # noqa: N802
        self, request: pb.WatchDirectivesRequest, _context: Context
    ) -> AsyncGenerator[pb.WatchDirectivesResponse]:
        """Stream directives to a worker."""
        read = Reader(request)
        worker_id = read.checked("worker_id")
        read.refuse_faults()
        async for told in watch_directives(self._tracker, worker_id):
            if told is None:
                yield pb.WatchDirectivesResponse()
            elif await owns_jobs(self._tracker.store, current_caller(), [told.job_id]):
                yield pb.WatchDirectivesResponse(
                    job_id=told.job_id, directive=DIRECTIVES[told.directive], reason=told.reason, fence=told.fence
                )


def _update_response(outcome: UpdateOutcome) -> pb.UpdateProgressResponse:
    return pb.UpdateProgressResponse(
        applied=outcome.applied, directive=DIRECTIVES[outcome.directive], revision=outcome.revision
    )


def _report_outcome(job_id: str, outcome: UpdateOutcome | TrackerError) -> pb.ReportOutcome:
    if isinstance(outcome, TrackerError):
        reason, message = reason_of(outcome)
        return pb.ReportOutcome(job_id=job_id, reason=reason, message=message)
    return pb.ReportOutcome(job_id=job_id, response=_update_response(outcome))
