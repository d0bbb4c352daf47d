"""A JobTracker that operators use: it pauses, resumes, cancels, retries and deletes jobs that a test puts in."""

import copy
import itertools
from collections.abc import Callable, Iterable
from typing import Any, NoReturn

import grpc
from google.protobuf import any_pb2
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status
from nhanhsync.jobs.v1 import error_reason_pb2, job_pb2
from nhanhsync.jobs.v1 import job_tracker_service_pb2 as pb

from tests.fakes.cli_servicers import SilentTracker

FINAL = (
    job_pb2.JOB_STATE_COMPLETED,
    job_pb2.JOB_STATE_PARTIALLY_COMPLETED,
    job_pb2.JOB_STATE_FAILED,
    job_pb2.JOB_STATE_CANCELLED,
)
CANCELLABLE = (job_pb2.JOB_STATE_PENDING, job_pb2.JOB_STATE_RUNNING)
RETRYABLE = (job_pb2.JOB_STATE_FAILED, job_pb2.JOB_STATE_PARTIALLY_COMPLETED)
SHOWN = 100


class OperatedTracker(SilentTracker):
    """Answers operators' calls as the contract says. A call on many jobs handles `per_call` of them.

    `locked` jobs are refused whatever is done to them; `asked` is all that was asked for. With `stuck` a call on many jobs does
    nothing and says that more are left.
    """

    def __init__(self, *jobs: job_pb2.Job, per_call: int = 1_000, locked: Iterable[str] = ()) -> None:
        super().__init__()
        self.jobs = {job.job_id: copy.deepcopy(job) for job in jobs}
        self.types: dict[str, job_pb2.JobType] = {}
        self.workers: list[job_pb2.Worker] = []
        self.asked: list[Any] = []
        self.stuck = False
        self.break_after: int | None = None
        """So many acting calls on many jobs are answered, then the server is not reached."""
        self._per_call = per_call
        self._locked = set(locked)
        self._tokens: dict[str, tuple[bytes, str]] = {}
        """Each token's question, and the job after which it goes on."""
        self._numbers = itertools.count(1)

    async def GetJob(self, request: Any, context: Any) -> pb.GetJobResponse:  # noqa: N802 - the contract's name
        """Answer with the job."""
        return pb.GetJobResponse(job=await self._found(request, context))

    async def CancelJob(self, request: Any, context: Any) -> pb.CancelJobResponse:  # noqa: N802
        """Cancel a job."""
        self.asked.append(request)
        job = await self._found(request, context)
        self._cancel(job)
        return pb.CancelJobResponse(job=job)

    async def RetryJob(self, request: Any, context: Any) -> pb.RetryJobResponse:  # noqa: N802
        """Make a new job."""
        self.asked.append(request)
        job = await self._found(request, context)
        return pb.RetryJobResponse(job=self._retry(job, request.scope), created=True)

    async def PauseJob(self, request: Any, context: Any) -> pb.PauseJobResponse:  # noqa: N802
        """Pause a job."""
        self.asked.append(request)
        job = await self._found(request, context)
        await self._refuse_final(job, context)
        job.paused = True
        return pb.PauseJobResponse(job=job)

    async def ResumeJob(self, request: Any, context: Any) -> pb.ResumeJobResponse:  # noqa: N802
        """Let a job go on."""
        self.asked.append(request)
        job = await self._found(request, context)
        await self._refuse_final(job, context)
        job.paused = False
        return pb.ResumeJobResponse(job=job)

    async def PauseJobType(self, request: Any, context: Any) -> pb.PauseJobTypeResponse:  # noqa: N802
        """Pause a type."""
        self.asked.append(request)
        kind = await self._type(request, context)
        kind.pause.CopyFrom(job_pb2.TypePause(paused_by=request.requested_by, reason=request.reason))
        kind.pause.pause_time.FromJsonString("2026-07-01T01:00:00Z")
        running = sum(job.type == request.type and job.state == job_pb2.JOB_STATE_RUNNING for job in self.jobs.values())
        return pb.PauseJobTypeResponse(job_type=kind, running_now=running)

    async def ResumeJobType(self, request: Any, context: Any) -> pb.ResumeJobTypeResponse:  # noqa: N802
        """Let a type go on."""
        self.asked.append(request)
        kind = await self._type(request, context)
        kind.ClearField("pause")
        return pb.ResumeJobTypeResponse(job_type=kind)

    async def DeleteJob(self, request: Any, context: Any) -> pb.DeleteJobResponse:  # noqa: N802
        """Remove a job."""
        self.asked.append(request)
        job = await self._found(request, context)
        if job.state not in FINAL or job.job_id in self._locked:
            await refuse(context, grpc.StatusCode.FAILED_PRECONDITION, "ILLEGAL_TRANSITION", "the job has not ended")
        del self.jobs[job.job_id]
        return pb.DeleteJobResponse()

    async def ListWorkers(self, request: Any, context: Any) -> pb.ListWorkersResponse:  # noqa: N802
        """Give a page of workers."""
        self.asked.append(request)
        start = int(request.page_token or 0)
        end = start + (request.page_size or 50)
        following = str(end) if end < len(self.workers) else ""
        return pb.ListWorkersResponse(workers=self.workers[start:end], next_page_token=following)

    async def ListJobTypes(self, request: Any, context: Any) -> pb.ListJobTypesResponse:  # noqa: N802
        """Give the types by name."""
        return pb.ListJobTypesResponse(job_types=[kind for _, kind in sorted(self.types.items())])

    async def CancelJobs(self, request: Any, context: Any) -> pb.CancelJobsResponse:  # noqa: N802
        """Cancel what a filter selects."""
        return pb.CancelJobsResponse(outcome=await self._many(request, context, CANCELLABLE, self._cancel))

    async def RetryJobs(self, request: Any, context: Any) -> pb.RetryJobsResponse:  # noqa: N802
        """Retry what a filter selects."""
        made: list[str] = []

        def retry(job: job_pb2.Job) -> None:
            made.append(self._retry(job, request.scope).job_id)

        states = FINAL[1:] if job_pb2.JOB_STATE_CANCELLED in request.filter.states else RETRYABLE
        outcome = await self._many(request, context, states, retry)
        return pb.RetryJobsResponse(outcome=outcome, created_job_ids=made)

    async def _many(
        self, request: Any, context: Any, states: tuple[int, ...], act: Callable[[job_pb2.Job], None]
    ) -> pb.BulkOutcome:
        self.asked.append(request)
        question = _question(request)
        selected = [job for job in self.jobs.values() if job.state in states and _matches(job, request.filter)]
        outcome = pb.BulkOutcome(matched_count=len(selected))
        if request.dry_run:
            outcome.job_ids.extend([job.job_id for job in selected[:SHOWN]])
            outcome.confirm_token = self._token(question, "")
            return outcome
        if self.break_after is not None:
            if not self.break_after:
                await context.abort(grpc.StatusCode.UNAVAILABLE, "the server is gone")
            self.break_after -= 1
        confirmed, after = self._tokens.get(request.confirm_token, (b"", ""))
        if confirmed != question:
            await refuse(
                context,
                grpc.StatusCode.INVALID_ARGUMENT,
                "CONFIRM_TOKEN_INVALID",
                "the token belongs to another filter",
            )
        if self.stuck:
            outcome.more = True
            return outcome
        left = [job for job in selected if job.job_id > after]
        for job in left[: self._per_call]:
            if job.job_id in self._locked:
                outcome.refused_count += 1
                outcome.refusals.add(
                    job_id=job.job_id,
                    reason=error_reason_pb2.ERROR_REASON_CONFLICTING_JOB_ACTIVE,
                    message="another job is in the way",
                )
            elif any(other.retry_of_job_id == job.job_id for other in self.jobs.values()):
                outcome.passed_over_count += 1
            else:
                act(job)
                outcome.changed_count += 1
                outcome.job_ids.append(job.job_id)
        if len(left) > self._per_call:
            outcome.more = True
            outcome.confirm_token = self._token(question, left[self._per_call - 1].job_id)
        return outcome

    def _token(self, question: bytes, after: str) -> str:
        token = f"confirm-{next(self._numbers)}"
        self._tokens[token] = (question, after)
        return token

    def _cancel(self, job: job_pb2.Job) -> None:
        running = job.state == job_pb2.JOB_STATE_RUNNING
        job.state = job_pb2.JOB_STATE_CANCELLING if running else job_pb2.JOB_STATE_CANCELLED

    def _retry(self, job: job_pb2.Job, scope: job_pb2.RetryScope.ValueType) -> job_pb2.Job:
        new = job_pb2.Job(
            job_id=f"zz-new-{next(self._numbers)}",
            type=job.type,
            display_name=job.display_name,
            store_id=job.store_id,
            state=job_pb2.JOB_STATE_PENDING,
            retry_of_job_id=job.job_id,
            retry_scope=scope or job_pb2.RETRY_SCOPE_ALL,
        )
        self.jobs[new.job_id] = new
        return new

    async def _found(self, request: Any, context: Any) -> job_pb2.Job:
        job = self.jobs.get(request.job_id)
        if job is None:
            await refuse(context, grpc.StatusCode.NOT_FOUND, "JOB_NOT_FOUND", f"there is no job {request.job_id}")
        return job

    async def _type(self, request: Any, context: Any) -> job_pb2.JobType:
        kind = self.types.get(request.type)
        if kind is None:
            message = f"nobody has registered {request.type}"
            await refuse(context, grpc.StatusCode.FAILED_PRECONDITION, "JOB_TYPE_NOT_REGISTERED", message)
        return kind

    async def _refuse_final(self, job: job_pb2.Job, context: Any) -> None:
        if job.state in FINAL:
            await refuse(context, grpc.StatusCode.FAILED_PRECONDITION, "ILLEGAL_TRANSITION", "the job has ended")


async def refuse(context: Any, code: grpc.StatusCode, reason: str, message: str) -> NoReturn:
    """Refuse a call as JobTracker does: with a reason."""
    detail = any_pb2.Any()
    detail.Pack(error_details_pb2.ErrorInfo(reason=f"ERROR_REASON_{reason}", domain="jobs.nhanhsync"))
    status = status_pb2.Status(code=code.value[0], message=message, details=[detail])
    await context.abort_with_status(rpc_status.to_status(status))
    raise AssertionError("a call that was aborted goes on")


def _question(request: Any) -> bytes:
    asked = copy.deepcopy(request)
    for name in ("dry_run", "confirm_token"):
        asked.ClearField(name)
    question: bytes = asked.SerializeToString(deterministic=True)
    return question


def _matches(job: job_pb2.Job, wanted: pb.JobFilter) -> bool:
    created = job.create_time.ToNanoseconds()
    return all(
        (
            not wanted.store_ids or job.store_id in wanted.store_ids,
            not wanted.types or job.type in wanted.types,
            not wanted.states or job.state in wanted.states,
            not wanted.HasField("created_from") or created >= wanted.created_from.ToNanoseconds(),
            not wanted.HasField("created_before") or created < wanted.created_before.ToNanoseconds(),
            wanted.text in job.display_name,
        )
    )
