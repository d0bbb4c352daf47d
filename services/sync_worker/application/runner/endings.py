"""How an attempt ends."""

from dataclasses import dataclass

from sync_worker.application.ports.job import OperationResult
from sync_worker.domain.failures import (
    Draining,
    JobCancelled,
    JobPaused,
    LeaseLost,
    OperationFailure,
    WorkStopped,
)


@dataclass(frozen=True, slots=True)
class Done:
    """The work is done: CompleteJob."""

    result: OperationResult


@dataclass(frozen=True, slots=True)
class Failed:
    """The attempt failed: FailJob."""

    code: str
    message: str
    retryable: bool


@dataclass(frozen=True, slots=True)
class LetGo:
    """The job goes back without a failure: ReleaseJob."""

    reason: str


@dataclass(frozen=True, slots=True)
class Overtaken:
    """The job may be another's by now: no call is made under the lease."""

    reason: str


Ending = Done | Failed | LetGo | Overtaken


def ending_of(error: OperationFailure | WorkStopped) -> Ending:
    """Say how an attempt ends whose operation ended with this."""
    if isinstance(error, OperationFailure):
        return Failed(error.code, error.message, error.retryable)
    if isinstance(error, LeaseLost):
        return Overtaken(str(error))
    if isinstance(error, JobCancelled):
        return LetGo(str(error) or "the job was cancelled")
    if isinstance(error, JobPaused):
        return LetGo(str(error))
    if isinstance(error, Draining):
        return LetGo(str(error) or "the worker is stopping")
    return LetGo(str(error) or "the work was stopped")
