"""What every use case is handed, and how a stored change is told of."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from job_tracker.application.changes import ALL_JOBS, PENDING, Changes, of_job, of_worker
from job_tracker.application.ports.clock import Clock
from job_tracker.application.ports.job_store import JobStore
from job_tracker.application.workers import Workers
from job_tracker.domain.job import Asked, Job
from job_tracker.domain.moves import Change
from job_tracker.domain.states import State

UNWATCHED_SECONDS = 4.0
"""Longer than any delay of the reaper while some replica and the database are well."""


class Directive(StrEnum):
    """What a worker should do with a job that it holds."""

    CONTINUE = "CONTINUE"
    CANCEL = "CANCEL"
    LEASE_LOST = "LEASE_LOST"
    PAUSE = "PAUSE"
    DRAIN = "DRAIN"


def directive_of(job: Job) -> Directive:
    """Say what is wanted of the worker that holds a job."""
    if job.state is State.CANCELLING:
        return Directive.CANCEL
    if job.paused or job.asked is Asked.RELEASE:
        return Directive.PAUSE
    return Directive.DRAIN if job.asked is Asked.DRAIN else Directive.CONTINUE


@dataclass(frozen=True, slots=True)
class Told:
    """A directive for one job, why, and for which lease: its fence."""

    job_id: str
    directive: Directive
    reason: str
    fence: int

    @property
    def key(self) -> str:
        """Name the lease: of two directives for the same one, the later stands."""
        return f"{self.job_id}/{self.fence}"


def told_of(job: Job, type_reason: str = "") -> Told:
    """Say what is wanted of the worker that holds a job, and why; `type_reason` is why the job's type is paused."""
    reason = job.state_message if job.paused or job.state is State.CANCELLING else type_reason
    return Told(job.job_id, directive_of(job), reason, 0 if job.lease is None else job.lease.fence)


@dataclass(frozen=True, slots=True)
class Tracker:
    """The world of the use cases: store, changes, time, chance and the few settings that rules depend on.

    `cancel_grace` and `heartbeat` are seconds, and so are `look_again`: a back-off ends without anybody telling, so a
    claim that waits for work looks again this often; and `unwatched`: where nobody looked after leases for so long, they
    begin anew.
    """

    store: JobStore
    workers: Workers
    changes: Changes
    clock: Clock
    new_id: Callable[[], str]
    new_token: Callable[[], str]
    uniform: Callable[[float, float], float]
    cancel_grace: float = 60.0
    heartbeat: float = 15.0
    look_again: float = 0.5
    unwatched: float = UNWATCHED_SECONDS

    def tell(self, change: Change, *, type_reason: str = "") -> None:
        """Tell watchers, waiting workers and the job's worker of a change that is stored; `type_reason` as `told_of` has it."""
        if not change.changed:
            return
        before, job = change.before, change.job
        if job.revision != before.revision:
            self.tell_watchers(job, urgent=bool(change.events))
        if job.lease is not None and directive_of(job) is not directive_of(before):
            self.direct(job.worker_id, told_of(job, type_reason))
        elif before.lease is not None and job.lease is None and job.ended_lease == before.ended_lease:
            told = Told(job.job_id, Directive.LEASE_LOST, "the lease was taken back", before.lease.fence)
            self.direct(job.worker_id, told)
        if job.final or job.state is State.PENDING:
            self.tell_claimers()

    def tell_watchers(self, job: Job, *, urgent: bool = True) -> None:
        """Tell of a job that is new or has changed."""
        self.changes.publish(of_job(job.job_id), job.job_id, None, urgent=urgent)
        self.changes.publish(ALL_JOBS, job.job_id, None, urgent=urgent)

    def tell_claimers(self) -> None:
        """Tell waiting workers that something may have become claimable."""
        self.changes.publish(PENDING, "", None)

    def direct(self, worker_id: str, told: Told) -> None:
        """Tell a worker what is wanted of it."""
        self.changes.publish(of_worker(worker_id), told.key, told)
