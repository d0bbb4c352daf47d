"""JobTracker's calls for those who run it: pause, many jobs at once, removal, workers."""

from dataclasses import replace
from typing import Any, TypeAlias

import grpc
from nhanhsync.jobs.v1 import job_tracker_service_pb2 as pb

from job_tracker.application import bulk
from job_tracker.application.delete_job import delete_job
from job_tracker.application.pause_job import pause_job, resume_job
from job_tracker.application.pause_type import pause_type, resume_type
from job_tracker.application.ports.job_store import ConflictPolicy, Filter
from job_tracker.application.tracker import Tracker
from job_tracker.entrypoints import requests
from job_tracker.entrypoints.errors import reason_of
from job_tracker.entrypoints.messages import job_message, job_type_message, worker_message
from job_tracker.entrypoints.pages import fitting_page
from job_tracker.entrypoints.reading import Reader
from job_tracker.entrypoints.tokens import Confirmed, confirm_token, confirmed, page_place, page_token

Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"  # generic in its stubs alone


class OperatorCalls:
    """Answers the part of the contract that is for operators."""

    def __init__(self, tracker: Tracker) -> None:
        self._tracker = tracker

    async def PauseJob(self, request: pb.PauseJobRequest, _context: Context) -> pb.PauseJobResponse:  # noqa: N802
        """Pause a job."""
        read = Reader(request)
        job_id, reason, requested_by = read.checked("job_id"), read.checked("reason"), read.checked("requested_by")
        read.refuse_faults()
        return pb.PauseJobResponse(job=job_message(await pause_job(self._tracker, job_id, reason, requested_by)))

    async def ResumeJob(self, request: pb.ResumeJobRequest, _context: Context) -> pb.ResumeJobResponse:  # noqa: N802
        """Let a job go on."""
        read = Reader(request)
        job_id, requested_by = read.checked("job_id"), read.checked("requested_by")
        read.refuse_faults()
        return pb.ResumeJobResponse(job=job_message(await resume_job(self._tracker, job_id, requested_by)))

    async def PauseJobType(  # noqa: N802
        self, request: pb.PauseJobTypeRequest, _context: Context
    ) -> pb.PauseJobTypeResponse:
        """Pause a type."""
        read = Reader(request)
        job_type, reason, requested_by = read.checked("type"), read.checked("reason"), read.checked("requested_by")
        read.refuse_faults()
        paused, held = await pause_type(
            self._tracker, job_type, reason, requested_by, release_running=request.release_running
        )
        return pb.PauseJobTypeResponse(job_type=job_type_message(paused), running_now=held)

    async def ResumeJobType(  # noqa: N802
        self, request: pb.ResumeJobTypeRequest, _context: Context
    ) -> pb.ResumeJobTypeResponse:
        """Let a type go on."""
        read = Reader(request)
        job_type = read.checked("type")
        read.checked("requested_by")
        read.refuse_faults()
        return pb.ResumeJobTypeResponse(job_type=job_type_message(await resume_type(self._tracker, job_type)))

    async def CancelJobs(self, request: pb.CancelJobsRequest, _context: Context) -> pb.CancelJobsResponse:  # noqa: N802
        """Cancel the jobs of a filter."""
        read = Reader(request)
        wanted = bulk.cancellable(requests.job_filter(read))
        reason, requested_by, token = (read.checked(name) for name in ("reason", "requested_by", "confirm_token"))
        read.refuse_faults()
        now = (await self._tracker.store.now()).wall
        said = _said(request, token, now)
        wanted = _until(wanted, said)
        if request.dry_run:
            done = await bulk.preview(self._tracker, wanted)
        else:
            done = await bulk.cancel_jobs(self._tracker, wanted, said.after, reason, requested_by)
        return pb.CancelJobsResponse(outcome=_outcome(request, said, done, now))

    async def RetryJobs(self, request: pb.RetryJobsRequest, _context: Context) -> pb.RetryJobsResponse:  # noqa: N802
        """Retry the jobs of a filter."""
        read = Reader(request)
        wanted = bulk.retryable(requests.job_filter(read))
        policy, scope = requests.policy(read, ConflictPolicy.QUEUE), requests.retry_scope(read)
        created_by, token = read.checked("created_by"), read.checked("confirm_token")
        read.refuse_faults()
        now = (await self._tracker.store.now()).wall
        said = _said(request, token, now)
        wanted = _until(wanted, said)
        if request.dry_run:
            done = await bulk.preview(self._tracker, wanted)
        else:
            done = await bulk.retry_jobs(self._tracker, wanted, said.after, scope, policy, created_by)
        return pb.RetryJobsResponse(outcome=_outcome(request, said, done, now), created_job_ids=done.created)

    async def DeleteJob(self, request: pb.DeleteJobRequest, _context: Context) -> pb.DeleteJobResponse:  # noqa: N802
        """Remove a job that has ended."""
        read = Reader(request)
        job_id = read.checked("job_id")
        read.refuse_faults()
        await delete_job(self._tracker, job_id)
        return pb.DeleteJobResponse()

    async def ListWorkers(  # noqa: N802
        self, request: pb.ListWorkersRequest, _context: Context
    ) -> pb.ListWorkersResponse:
        """List the workers."""
        read = Reader(request)
        size, token = requests.page_size(read), read.checked("page_token")
        read.refuse_faults()
        place: Any = page_place(request, token, (str,))
        found = await self._tracker.workers.page("" if place is None else place[0], size + 1)
        page = fitting_page([worker_message(one) for one in found], size)
        following = page_token(request, (page[-1].worker_id,)) if len(page) < len(found) else ""
        return pb.ListWorkersResponse(workers=page, next_page_token=following)


def _said(request: pb.CancelJobsRequest | pb.RetryJobsRequest, token: str, now: int) -> Confirmed:
    return Confirmed(now, None) if request.dry_run else confirmed(request, token, now)


def _outcome(
    request: pb.CancelJobsRequest | pb.RetryJobsRequest, said: Confirmed, done: bulk.Bulk, now: int
) -> pb.BulkOutcome:
    more = done.more_after is not None
    token = ""
    if request.dry_run or more:
        token = confirm_token(request, Confirmed(said.moment, done.more_after), now)
    return pb.BulkOutcome(
        matched_count=done.matched,
        changed_count=done.changed,
        passed_over_count=done.passed_over,
        refused_count=len(done.refused),
        job_ids=done.job_ids,
        refusals=[
            pb.BulkRefusal(job_id=job_id, reason=reason, message=message)
            for job_id, error in done.refused[: bulk.SHOWN]
            for reason, message in [reason_of(error)]
        ],
        more=more,
        confirm_token=token,
    )


def _until(wanted: Filter | None, said: Confirmed) -> Filter | None:
    """Leave out what was created after the dry run."""
    if wanted is None:
        return None
    before = said.moment + 1
    return replace(wanted, created_before=min(before, wanted.created_before or before))
