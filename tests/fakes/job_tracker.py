"""JobTracker in memory: what a worker and a starter of operations see of it."""

import asyncio
import itertools
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sync_worker.application.ports.clock import Clock
from sync_worker.application.ports.job import JsonValue
from sync_worker.application.ports.job_tracker import ConflictPolicy, CreatedJob, NewJob
from sync_worker.application.ports.work_queue import (
    Claim,
    ClaimedJob,
    Directive,
    LeaseGrant,
    Report,
    ReportAnswer,
    Told,
)
from sync_worker.application.refusals import RefusalDetails, TrackerRefusal, TrackerUnavailable
from sync_worker.domain.failures import ItemFailure, LeaseLost
from sync_worker.domain.operations import Operation, OperationSpec
from sync_worker.domain.progress import Progress


@dataclass(frozen=True)
class Ended:
    """A final call: which, with what."""

    call: str
    job_id: str
    progress: Progress | None = None
    failures: tuple[ItemFailure, ...] = ()
    code: str = ""
    message: str = ""
    retryable: bool = False
    result: Mapping[str, JsonValue] = field(default_factory=dict)
    retry_after: float | None = None


def refusal(reason: str, message: str = "no") -> TrackerRefusal:
    """A refusal with a reason."""
    return TrackerRefusal(RefusalDetails("INVALID_ARGUMENT", f"ERROR_REASON_{reason}", "jobs.nhanhsync", message))


class FakeWorkQueue:
    """`WorkQueue` in memory. `away` makes every call go unanswered; `lose_answers` so many calls take effect unanswered."""

    def __init__(self, clock: Clock, *, ttl: float = 30.0) -> None:
        self.clock = clock
        self.ttl = ttl
        self.away = False
        self.lose_answers = 0
        self.answer_seconds = 0.0
        """How long a report is under way before it is answered."""
        self.refuse: dict[str, TrackerRefusal] = {}
        """Refusals by call; they stand until they are taken out."""
        self.registered: list[OperationSpec] = []
        self.claims: list[Claim] = []
        self.reports: list[tuple[float, Report]] = []
        """Reports as they came, repeats too, with the time at which they came."""
        self.failures: dict[tuple[str, str], ItemFailure] = {}
        self.ended: list[Ended] = []
        self.calls: list[str] = []
        self.live: dict[str, str] = {}
        """Leases that stand: token to job id."""
        self.cancelled: set[str] = set()
        self.paused: set[str] = set()
        self.draining: set[str] = set()
        """Jobs whose type is paused: they go on."""
        self.names_leases = True
        """Directives say which lease they mean; an old JobTracker's do not."""
        self._fences: dict[str, int] = {}
        """The fence of the last lease on each job."""
        self._jobs: dict[str, ClaimedJob] = {}
        self._sequences: dict[str, int] = {}
        self._granted: dict[str, list[ClaimedJob]] = {}
        self._waiting: list[ClaimedJob] = []
        self._tokens = itertools.count(1)
        self._changed = asyncio.Event()
        self._watchers: list[asyncio.Queue[Told | None]] = []

    def put(self, job_id: str, operation: Operation, *, store_id: str = "hanoi", **changed: Any) -> None:
        """Offer a job."""
        lease = LeaseGrant(job_id, "", 0, self.ttl, self.ttl / 3)
        job = ClaimedJob(job_id, operation, "", store_id, 0, {}, {}, (f"{store_id}/key",), lease)
        self._waiting.append(replace(job, **changed))
        self._wake()

    def lose(self, job_id: str, *, tell: bool = True) -> None:
        """Take a job's lease away."""
        fence = self._fences.get(job_id, 0)
        self.live = {token: job for token, job in self.live.items() if job != job_id}
        if tell:
            self._tell(job_id, Directive.LEASE_LOST, fence)

    def cancel(self, job_id: str, *, tell: bool = True, reason: str = "not wanted") -> None:
        """Ask for a job to be cancelled."""
        self.cancelled.add(job_id)
        if tell:
            self._tell(job_id, Directive.CANCEL, self._fences.get(job_id, 0), reason)

    def pause(self, job_id: str, *, tell: bool = True) -> None:
        """Pause a job: given back, it waits until it is resumed."""
        self.paused.add(job_id)
        if tell:
            self._tell(job_id, Directive.PAUSE, self._fences.get(job_id, 0), "somebody needs the shop")

    def resume(self, job_id: str) -> None:
        """Let a paused job go on."""
        self.paused.discard(job_id)
        self._wake()

    def drain(self, job_id: str) -> None:
        """Pause a job's type, and let the job go on."""
        self.draining.add(job_id)
        self._tell(job_id, Directive.DRAIN, self._fences.get(job_id, 0))

    def tell_of_earlier_lease(self, job_id: str, directive: Directive) -> None:
        """Say what was meant for the lease before the one that stands, late."""
        self._tell(job_id, directive, self._fences[job_id] - 1)

    def go_away(self) -> None:
        """Break every stream, and answer nothing from now on."""
        self.away = True
        for watcher in self._watchers:
            watcher.put_nowait(None)
        self._wake()

    def come_back(self) -> None:
        """Answer again."""
        self.away = False

    @property
    def watchers(self) -> int:
        """How many directive streams are open."""
        return len(self._watchers)

    async def register_types(self, specs: Sequence[OperationSpec]) -> None:
        """Keep the types."""
        self._enter("register_types")
        self.registered = list(specs)

    async def claim(self, claim: Claim, *, wait: float) -> Sequence[ClaimedJob]:
        """Grant what waits, or wait for it."""
        until = self.clock.monotonic() + wait
        self._enter("claim")
        self.claims.append(claim)
        while True:
            if claim.request_id in self._granted:
                return self._granted[claim.request_id]
            free = [job for job in self._waiting if job.job_id not in self.paused][: claim.max_jobs]
            granted = [self._grant(job) for job in free]
            self._waiting = [job for job in self._waiting if job not in free]
            if granted:
                self._granted[claim.request_id] = granted
                self._leave()
                return granted
            if self.clock.monotonic() >= until:
                return []
            self._changed.clear()
            await self._changed.wait()
            self._enter("claim")

    async def watch_directives(self, worker_id: str) -> AsyncGenerator[Told]:
        """Pass directives on until the stream is broken."""
        self._enter("watch_directives")
        watcher: asyncio.Queue[Told | None] = asyncio.Queue()
        self._watchers.append(watcher)
        try:
            yield Told("", Directive.CONTINUE)
            while (told := await watcher.get()) is not None:
                yield told
            raise TrackerUnavailable
        finally:
            self._watchers.remove(watcher)

    async def update(self, lease: LeaseGrant, report: Report) -> ReportAnswer:
        """Take a report, in order of its sequence."""
        self._enter("update")
        self._held(lease)
        self.reports.append((self.clock.monotonic(), report))
        applied = report.sequence > self._sequences.get(lease.token, 0)
        if applied:
            self._sequences[lease.token] = report.sequence
            self._keep(report.failures)
        if self.answer_seconds:
            await self.clock.sleep(self.answer_seconds)
        self._leave()
        return ReportAnswer(applied, self._wanted(lease.job_id))

    async def complete(
        self,
        lease: LeaseGrant,
        progress: Progress,
        result: Mapping[str, JsonValue],
        message: str,
        failures: Sequence[ItemFailure],
    ) -> None:
        """End a job."""
        ended = Ended("complete", lease.job_id, progress, tuple(failures), message=message, result=result)
        self._end(lease, ended)

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
        """End an attempt."""
        ended = Ended(
            "fail", lease.job_id, progress, tuple(failures), code, message, retryable, retry_after=retry_after
        )
        self._end(lease, ended)

    async def release(
        self, lease: LeaseGrant, reason: str, *, progress: Progress | None, failures: Sequence[ItemFailure]
    ) -> None:
        """Take a job back; a paused one waits to be resumed."""
        held = lease.token in self.live
        self._end(lease, Ended("release", lease.job_id, progress, tuple(failures), message=reason))
        if held and lease.job_id in self.paused - self.cancelled:
            self._waiting.append(self._jobs[lease.job_id])

    def _end(self, lease: LeaseGrant, ended: Ended) -> None:
        self._enter(ended.call)
        if ended in self.ended:
            return  # a repeat with the same lease and content
        self._held(lease)
        self._keep(ended.failures)
        self.ended.append(ended)
        del self.live[lease.token]
        self._leave()

    def _grant(self, job: ClaimedJob) -> ClaimedJob:
        number = next(self._tokens)
        lease = replace(job.lease, token=f"token-{number}", fence=1_000 + number)
        self.live[lease.token] = job.job_id
        self._fences[job.job_id] = lease.fence
        self._jobs[job.job_id] = granted = replace(job, lease=lease, attempt=job.attempt + 1)
        return granted

    def _wanted(self, job_id: str) -> Directive:
        if job_id in self.cancelled:
            return Directive.CANCEL
        if job_id in self.paused:
            return Directive.PAUSE
        return Directive.DRAIN if job_id in self.draining else Directive.CONTINUE

    def _keep(self, failures: Sequence[ItemFailure]) -> None:
        self.failures.update({(failure.item_key, failure.stage): failure for failure in failures})

    def _held(self, lease: LeaseGrant) -> None:
        if lease.token not in self.live:
            raise LeaseLost(f"the lease on {lease.job_id} is no longer yours")

    def _enter(self, call: str) -> None:
        self.calls.append(call)
        if self.away:
            raise TrackerUnavailable
        if call in self.refuse:
            raise self.refuse[call]

    def _leave(self) -> None:
        if self.lose_answers:
            self.lose_answers -= 1
            raise TrackerUnavailable

    def _tell(self, job_id: str, directive: Directive, fence: int, reason: str = "") -> None:
        told = Told(job_id, directive, reason, fence if self.names_leases else 0)
        for watcher in self._watchers:
            watcher.put_nowait(told)

    def _wake(self) -> None:
        self._changed.set()


class FakeJobTracker:
    """`JobTracker` in memory: keeps what was asked for. Nothing that it was asked for ever ends."""

    def __init__(self) -> None:
        self.created: list[NewJob] = []
        self.active: dict[tuple[str, str], list[str]] = {}
        self.refuse: Exception | None = None

    async def create_job(self, job: NewJob) -> CreatedJob:
        """Keep what was asked for; it is a new job unless its request id was used, or an equal one stands that is to be used."""
        if self.refuse is not None:
            raise self.refuse
        standing = next((number for number, other in enumerate(self.created) if _same(other, job)), None)
        self.created.append(job)
        number = len(self.created) - 1 if standing is None else standing
        return CreatedJob(f"job {number}".encode(), created=standing is None)

    async def active_jobs(self, store_id: str, operations: Sequence[Operation]) -> Sequence[str]:
        """Find what was said to be active."""
        if self.refuse is not None:
            raise self.refuse
        return [job for operation in operations for job in self.active.get((store_id, operation), [])]


def _same(standing: NewJob, wanted: NewJob) -> bool:
    if standing.request_id == wanted.request_id:
        return True
    equal = all(getattr(standing, name) == getattr(wanted, name) for name in ("type", "variant", "store_id", "params"))
    return equal and wanted.conflict_policy is ConflictPolicy.USE_EXISTING
