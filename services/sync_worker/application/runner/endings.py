"""How an attempt ends."""

from dataclasses import dataclass

from sync_worker.application.ports.job import OperationResult
from sync_worker.domain.failures import (
    CatalogUnavailable,
    Draining,
    JobCancelled,
    JobPaused,
    LeaseLost,
    OperationFailure,
    VendorUnavailable,
    WorkStopped,
)

OUTAGE_SECONDS = 30.0
"""After a vendor or the catalog was not available an attempt is made no sooner: restarts and failovers take tens of seconds,
and JobTracker's own back-off would spend a job's three attempts within six."""


@dataclass(frozen=True, slots=True)
class Done:
    """The work is done: CompleteJob."""

    result: OperationResult


@dataclass(frozen=True, slots=True)
class Failed:
    """The attempt failed: FailJob. `retry_after` seconds pass before the next one; None: JobTracker chooses."""

    code: str
    message: str
    retryable: bool
    retry_after: float | None = None


@dataclass(frozen=True, slots=True)
class LetGo:
    """The job goes back without a failure: ReleaseJob."""

    reason: str


@dataclass(frozen=True, slots=True)
class Overtaken:
    """The job may be another's by now: no call is made under the lease."""

    reason: str


Ending = Done | Failed | LetGo | Overtaken


def ending_of(error: OperationFailure | WorkStopped, outage_seconds: float = OUTAGE_SECONDS) -> Ending:
    """Say how an attempt ends whose operation ended with this."""
    if isinstance(error, OperationFailure):
        return Failed(error.code, error.message, error.retryable, _retry_after(error, outage_seconds))
    if isinstance(error, LeaseLost):
        return Overtaken(str(error))
    if isinstance(error, JobCancelled):
        return LetGo(str(error) or "the job was cancelled")
    if isinstance(error, JobPaused):
        return LetGo(str(error))
    if isinstance(error, Draining):
        return LetGo(str(error) or "the worker is stopping")
    return LetGo(str(error) or "the work was stopped")


def _retry_after(failure: OperationFailure, outage_seconds: float) -> float | None:
    """Say how long an attempt would be made in vain: an outage lasts, and a vendor's own word counts where it is longer."""
    if not failure.retryable:
        return None
    if isinstance(failure, VendorUnavailable | CatalogUnavailable):
        return max(failure.retry_after or 0.0, outage_seconds)
    return failure.retry_after
