"""JobTracker over gRPC, for the runner and what it runs."""

from collections.abc import AsyncGenerator, Awaitable, Mapping, Sequence
from contextlib import closing
from typing import TYPE_CHECKING, Any, TypeVar

import grpc
from grpc.aio import AioRpcError
from nhanhsync.jobs.v1 import job_tracker_service_pb2 as pb
from nhanhsync.jobs.v1.job_tracker_service_pb2_grpc import JobTrackerStub

from sync_worker.adapters.job_tracker_messages import (
    FAIL_MESSAGE,
    SENTENCE,
    claimed_job,
    directive_of,
    duration,
    item_failures,
    job_type,
    machine_word,
    pause,
    progress_report,
    shortened,
    struct,
)
from sync_worker.adapters.job_tracker_refusals import meaning_of
from sync_worker.application.ports.failure_records import FailurePage
from sync_worker.application.ports.job import JsonValue
from sync_worker.application.ports.work_queue import Claim, ClaimedJob, LeaseGrant, Report, ReportAnswer, Told
from sync_worker.domain.failures import ItemFailure
from sync_worker.domain.operations import OperationSpec
from sync_worker.domain.progress import Progress

if TYPE_CHECKING:  # generic stubs exist for type checkers alone
    from nhanhsync.jobs.v1.job_tracker_service_pb2_grpc import JobTrackerAsyncStub

Answer = TypeVar("Answer")

LARGEST_PAGE = 500
CALL_SECONDS = 5.0
"""A call that takes longer is taken for lost and made again."""


class GrpcWorkQueue:
    """`WorkQueue` and `FailureRecords` over a channel."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._stub: JobTrackerAsyncStub = JobTrackerStub(channel)

    async def register_types(self, specs: Sequence[OperationSpec]) -> None:
        """Register; see `WorkQueue`."""
        request = pb.RegisterJobTypesRequest(job_types=[job_type(spec) for spec in specs])
        await _answered(self._stub.RegisterJobTypes(request, timeout=CALL_SECONDS))

    async def claim(self, claim: Claim, *, wait: float) -> Sequence[ClaimedJob]:
        """Claim; see `WorkQueue`."""
        request = pb.ClaimJobsRequest(
            request_id=claim.request_id,
            worker_id=claim.worker_id,
            types=claim.types,
            max_jobs=claim.max_jobs,
            lease_ttl=duration(claim.lease_seconds),
            wait=duration(wait),
        )
        response = await _answered(self._stub.ClaimJobs(request, timeout=wait + CALL_SECONDS))
        return tuple(claimed_job(message) for message in response.claimed_jobs)

    async def watch_directives(self, worker_id: str) -> AsyncGenerator[Told]:
        """Give directives as they come; see `WorkQueue`."""
        call: Any = self._stub.WatchDirectives(pb.WatchDirectivesRequest(worker_id=worker_id))
        with closing(_Cancelling(call)):
            try:
                async for message in call:
                    yield Told(message.job_id, directive_of(message.directive), message.reason, message.fence)
            except AioRpcError as error:
                raise meaning_of(error) from error

    async def update(self, lease: LeaseGrant, report: Report) -> ReportAnswer:
        """Report; see `WorkQueue`."""
        request = pb.UpdateProgressRequest(
            **_held(lease),
            report_sequence=report.sequence,
            progress=progress_report(report.progress),
            item_failures=item_failures(report.failures),
        )
        response = await _answered(self._stub.UpdateProgress(request, timeout=CALL_SECONDS), leased=True)
        return ReportAnswer(response.applied, directive_of(response.directive))

    async def complete(
        self,
        lease: LeaseGrant,
        progress: Progress,
        result: Mapping[str, JsonValue],
        message: str,
        failures: Sequence[ItemFailure],
    ) -> None:
        """Complete; see `WorkQueue`."""
        request = pb.CompleteJobRequest(
            **_held(lease),
            progress=progress_report(progress),
            result=struct(result),
            message=shortened(message, SENTENCE),
            item_failures=item_failures(failures),
        )
        await _answered(self._stub.CompleteJob(request, timeout=CALL_SECONDS), leased=True)

    async def fail(
        self,
        lease: LeaseGrant,
        code: str,
        message: str,
        *,
        retryable: bool,
        retry_after: float | None,
        progress: Progress | None,
        failures: Sequence[ItemFailure],
    ) -> None:
        """Fail; see `WorkQueue`."""
        request = pb.FailJobRequest(
            **_held(lease),
            code=machine_word(code),
            message=shortened(message or code, FAIL_MESSAGE),
            retryable=retryable,
            retry_after=pause(retry_after),
            progress=progress_report(progress),
            item_failures=item_failures(failures),
        )
        await _answered(self._stub.FailJob(request, timeout=CALL_SECONDS), leased=True)

    async def release(
        self, lease: LeaseGrant, reason: str, *, progress: Progress | None, failures: Sequence[ItemFailure]
    ) -> None:
        """Release; see `WorkQueue`."""
        request = pb.ReleaseJobRequest(
            **_held(lease),
            progress=progress_report(progress),
            reason=shortened(reason, SENTENCE),
            item_failures=item_failures(failures),
        )
        await _answered(self._stub.ReleaseJob(request, timeout=CALL_SECONDS), leased=True)

    async def failure_page(self, job_id: str, page: str) -> FailurePage:
        """Read a page of a job's item failures; see `FailureRecords`."""
        request = pb.ListItemFailuresRequest(job_id=job_id, page_size=LARGEST_PAGE, page_token=page)
        response = await _answered(self._stub.ListItemFailures(request, timeout=CALL_SECONDS))
        keys = tuple(failure.item_key for failure in response.item_failures)
        return FailurePage(keys, response.next_page_token, response.total_count)


class _Cancelling:
    """Closes a stream by cancelling it: one that nobody reads must not stay open at the server."""

    def __init__(self, call: Any) -> None:  # noqa: ANN401 - the stubs know no call that is awaited in part
        self._call = call

    def close(self) -> None:
        """Cancel the stream."""
        self._call.cancel()


def _held(lease: LeaseGrant) -> dict[str, Any]:
    return {"job_id": lease.job_id, "lease_token": lease.token}


async def _answered(call: Awaitable[Answer], *, leased: bool = False) -> Answer:
    try:
        return await call
    except AioRpcError as error:
        raise meaning_of(error, leased=leased) from error
