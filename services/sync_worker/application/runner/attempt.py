"""One attempt of one job: from its claim to its final call."""

import asyncio
import uuid
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Protocol

import structlog

from sync_worker.application.ports.clock import Clock
from sync_worker.application.ports.job import Fence, JobContext, OperationResult
from sync_worker.application.ports.vendors import Vendors
from sync_worker.application.ports.work_queue import ClaimedJob, WorkQueue
from sync_worker.application.refusals import TrackerRefusal, TrackerUnavailable
from sync_worker.application.runner.backoff import Backoff
from sync_worker.application.runner.endings import (
    OUTAGE_SECONDS,
    Done,
    Ending,
    Failed,
    LetGo,
    Overtaken,
    ending_of,
)
from sync_worker.application.runner.lease import Lease, LeaseGate
from sync_worker.application.runner.reporter import Reporter
from sync_worker.application.runner.running_job import RunningJob
from sync_worker.application.runner.shielded_vendors import ShieldedVendors
from sync_worker.application.runner.stopping import Stopping
from sync_worker.domain.failures import ItemFailure, LeaseLost, OperationFailure, WorkStopped
from sync_worker.domain.operations import Operation
from sync_worker.domain.progress import Progress
from sync_worker.domain.requests import OperationRequest
from sync_worker.domain.stores import Store
from sync_worker.domain.traffic import Traffic

log = structlog.get_logger()

ENDED_OTHERWISE = "ERROR_REASON_ILLEGAL_TRANSITION"


class Operate(Protocol):
    """Runs an operation; see `run_operation`."""

    async def __call__(
        self, job: JobContext, operation: Operation, request: OperationRequest, vendors: Vendors
    ) -> OperationResult:
        """Do the work of a job."""
        ...


@dataclass(frozen=True)
class Workshop:
    """What every attempt of this process works with.

    `read_request` makes a job's params what the operation is asked with, or raises `OperationFailure`; `translate` knows which
    other exceptions are no fault of ours. After an outage the next attempt waits `outage_seconds`, or longer.
    """

    queue: WorkQueue
    stores: Mapping[str, Store]
    vendors: Callable[[Traffic], Vendors]
    operate: Operate
    read_request: Callable[[ClaimedJob], Awaitable[tuple[Operation, OperationRequest]]]
    translate: Callable[[Exception], OperationFailure | None]
    clock: Clock
    uniform: Callable[[float, float], float]
    outage_seconds: float = OUTAGE_SECONDS


class Attempt:
    """An attempt under way. `claim_sent` is the monotonic time at which the claim was first sent."""

    def __init__(self, claimed: ClaimedJob, claim_sent: float, workshop: Workshop) -> None:
        self.claimed = claimed
        self._workshop = workshop
        self._stopping = Stopping()
        grant = claimed.lease
        clock = workshop.clock
        self._lease = Lease(clock, ttl=grant.ttl, renew_after=grant.renew_after, sent=claim_sent)
        self._reporter = Reporter(workshop.queue, grant, self._lease, self._stopping, clock, workshop.uniform)

    def stop(self, stop: WorkStopped, *, at_once: bool) -> None:
        """Ask the operation to stop at its next safe place or, `at_once`, wherever it waits."""
        self._stopping.ask(stop, at_once=at_once)

    def doubt_lease(self) -> None:
        """Take note of word that the lease was lost, and find out: the word may be of an earlier lease on the job."""
        self._lease.doubt()
        self._reporter.renew()

    def lose_lease(self, lost: LeaseLost) -> None:
        """Take it from JobTracker that this very lease is gone: stop at once, and make no call under it."""
        self._reporter.lose(lost)

    async def run(self) -> None:
        """Do the work and say what came of it. Whatever happens is logged, and JobTracker is told if it can be."""
        job = self.claimed
        with structlog.contextvars.bound_contextvars(
            job_id=job.job_id, type=job.type, store_id=job.store_id, attempt=job.attempt
        ):
            log.info("attempt begins")
            # The claim may have been sent a whole long poll before it was granted: a first renewal makes the lease count.
            self._reporter.renew()
            keeping = asyncio.create_task(self._reporter.keep())
            try:
                ending = await self._work()
                if _cut_off():
                    raise asyncio.CancelledError  # the operation swallowed what was meant for this attempt
                await self._end(ending, keeping)
            finally:
                keeping.cancel()

    async def _work(self) -> Ending:
        workshop = self._workshop
        try:
            working = asyncio.ensure_future(self._operate())
            self._stopping.governs(working)
            return Done(await working)
        except asyncio.CancelledError:
            if _cut_off():
                raise  # it is this attempt that is cut off, not its operation
            asked = self._stopping.asked
            return ending_of(asked) if asked is not None else _incident(RuntimeError("the operation cancelled itself"))
        except (OperationFailure, WorkStopped) as error:
            return ending_of(error, workshop.outage_seconds)
        except Exception as error:  # a fault of ours ends the attempt, never the worker
            known = workshop.translate(error)
            if known is None:
                return _incident(error)
            log.warning("operation failed", code=known.code, exc_info=error)
            return ending_of(known, workshop.outage_seconds)

    async def _operate(self) -> OperationResult:
        workshop, job = self._workshop, self.claimed
        operation, request = await workshop.read_request(job)
        context = RunningJob(
            job.job_id,
            job.attempt,
            self._store(),
            Fence(job.lease.fence, job.exclusive_keys),
            LeaseGate(self._lease, self._stopping, self._reporter.renew),
            self._reporter,
            self._stopping,
        )
        vendors = ShieldedVendors(workshop.vendors(Traffic.of_priority(job.priority)), self._stopping)
        return await workshop.operate(context, operation, request, vendors)

    def _store(self) -> Store:
        store = self._workshop.stores.get(self.claimed.store_id)
        if store is None:
            raise OperationFailure(
                "STORE_UNKNOWN",
                f"the store {self.claimed.store_id!r} is not in this worker's stores file; add it there, then retry",
                retryable=False,
            )
        return store

    async def _end(self, ending: Ending, keeping: "asyncio.Task[None]") -> None:
        reporter = self._reporter
        if isinstance(ending, Overtaken):
            log.warning("attempt overtaken", reason=ending.reason)
            return
        failures = await reporter.finish(keeping, ending.result.failures if isinstance(ending, Done) else ())
        if reporter.lost:
            log.warning("attempt overtaken", reason="JobTracker has given the job away")
            return
        if reporter.refusal is not None:
            ending = _incident(reporter.refusal, retryable=False)
        refusal = await self._call(ending, reporter.latest, failures)
        if refusal is not None:
            # What is refused is the content: counts that contradict each other, a result that is too large.
            ending = _incident(refusal, retryable=False) if isinstance(ending, Done) else ending
            refusal = await self._call(ending, None, [])
        if refusal is not None:
            log.error("final call refused; the lease will run out", refusal=str(refusal))

    async def _call(self, ending: Ending, progress: Progress | None, failures: list[ItemFailure]) -> Exception | None:
        """Make the final call until JobTracker answers; what is wrong with the call's content, if that is the answer.

        The call goes on beyond the lease's end: whether the lease is over is for JobTracker to say, and it says so with
        LEASE_LOST. A JobTracker that was away gives leases a whole TTL when it is back, and what was done need not be done again.
        """
        queue, lease = self._workshop.queue, self.claimed.lease
        match ending:
            case Done(result):
                call = partial(queue.complete, lease, result.progress, result.result, result.message, failures)
            case Failed(code, message, retryable, retry_after):
                call = partial(
                    queue.fail,
                    lease,
                    code,
                    message,
                    retryable=retryable,
                    retry_after=retry_after,
                    progress=progress,
                    failures=failures,
                )
            case LetGo(reason) | Overtaken(reason):
                call = partial(queue.release, lease, reason, progress=progress, failures=failures)
        backoff = Backoff(self._workshop.uniform)
        while True:
            try:
                await call()
            except TrackerUnavailable as error:
                log.warning("final call not answered; trying on", error=str(error))
                await self._workshop.clock.sleep(backoff.next())
            except LeaseLost:
                log.warning("the lease was lost before the final call")
                return None
            except TrackerRefusal as refusal:
                if refusal.details.reason != ENDED_OTHERWISE:
                    return refusal
                log.warning("the job had ended otherwise", refusal=str(refusal))
                return None
            except Exception as fault:  # content that cannot even be sent
                return fault
            else:
                log.info("attempt ended", ending=type(ending).__name__, **_said(ending))
                return None


def _cut_off() -> bool:
    current = asyncio.current_task()
    return current is not None and current.cancelling() > 0


def _incident(error: Exception, *, retryable: bool = True) -> Failed:
    incident = uuid.uuid4().hex
    log.error("attempt failed by a fault of our own", incident_id=incident, exc_info=error)
    message = f"a fault of SyncWorker's own; its log has the details under incident {incident}"
    return Failed("INTERNAL", message, retryable)


def _said(ending: Ending) -> dict[str, object]:
    match ending:
        case Done(result):
            return {"processed": result.progress.processed, "failed": result.progress.failed}
        case Failed(code, message, retryable, retry_after):
            return {"code": code, "message": message, "retryable": retryable, "retry_after": retry_after}
        case LetGo(reason) | Overtaken(reason):
            return {"reason": reason}
