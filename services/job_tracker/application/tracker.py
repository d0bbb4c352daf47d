"""What every use case is handed, and how a stored change is told of."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from job_tracker.application.changes import ALL_JOBS, PENDING, Changes, of_job, of_worker
from job_tracker.application.ports.clock import Clock
from job_tracker.application.ports.job_store import JobStore
from job_tracker.domain.job import Job
from job_tracker.domain.moves import Change
from job_tracker.domain.states import State


class Directive(StrEnum):
    """What a worker should do with a job that it holds."""

    CONTINUE = "CONTINUE"
    CANCEL = "CANCEL"
    LEASE_LOST = "LEASE_LOST"


@dataclass(frozen=True, slots=True)
class Told:
    """A directive for one job, and why."""

    job_id: str
    directive: Directive
    reason: str


@dataclass(frozen=True, slots=True)
class Tracker:
    """The world of the use cases: store, changes, time, chance and the few settings that rules depend on.

    `cancel_grace` and `heartbeat` are seconds, and so is `look_again`: a back-off ends without anybody telling, so a
    claim that waits for work looks again this often.
    """

    store: JobStore
    changes: Changes
    clock: Clock
    new_id: Callable[[], str]
    new_token: Callable[[], str]
    uniform: Callable[[float, float], float]
    cancel_grace: float = 60.0
    heartbeat: float = 15.0
    look_again: float = 0.5

    def tell(self, change: Change) -> None:
        """Tell watchers, waiting workers and the job's worker of a change that is stored."""
        if not change.changed:
            return
        before, job = change.before, change.job
        if job.revision != before.revision:
            self.tell_watchers(job, urgent=bool(change.events))
        if job.state is State.CANCELLING and before.state is State.RUNNING:
            self._direct(job, Directive.CANCEL, job.state_message or "the job was cancelled")
        if before.lease is not None and job.lease is None and job.ended_lease == before.ended_lease:
            self._direct(job, Directive.LEASE_LOST, "the lease was taken back")
        if job.final or job.state is State.PENDING:
            self.tell_claimers()

    def tell_watchers(self, job: Job, *, urgent: bool = True) -> None:
        """Tell of a job that is new or has changed."""
        self.changes.publish(of_job(job.job_id), job.job_id, None, urgent=urgent)
        self.changes.publish(ALL_JOBS, job.job_id, None, urgent=urgent)

    def tell_claimers(self) -> None:
        """Tell waiting workers that something may have become claimable."""
        self.changes.publish(PENDING, "", None)

    def _direct(self, job: Job, directive: Directive, reason: str) -> None:
        self.changes.publish(of_worker(job.worker_id), job.job_id, Told(job.job_id, directive, reason))
