"""What each error of JobTracker is refused with."""

import grpc
from chassis.auth import PermissionsChangedError, current_caller
from chassis.database import DatabaseUnavailableError
from chassis.interceptors import AT_THE_DOOR, ErrorTable, ReaderTooSlowError, Refusal, refusal_for
from nhanhsync.jobs.v1.error_reason_pb2 import ErrorReason

from job_tracker.domain import errors

DOMAIN = "jobs.nhanhsync"
INTERNAL_REASON = "ERROR_REASON_INTERNAL"
JOB = "nhanhsync.jobs.v1.Job"
RETRY_SECONDS = 0.5

Code = grpc.StatusCode


def _not_found(error: errors.JobNotFoundError) -> Refusal:
    metadata = {"job_id": error.job_id}
    return Refusal(Code.NOT_FOUND, "ERROR_REASON_JOB_NOT_FOUND", str(error), metadata, resource=(JOB, error.job_id))


def _request_id_reused(error: errors.RequestIdReusedError) -> Refusal:
    reason = "ERROR_REASON_REQUEST_ID_REUSED"
    if current_caller().stores is not None:  # request ids know no stores, and that job may be another's
        message = f"the request id {error.request_id!r} was used before with other content"
        return Refusal(Code.ALREADY_EXISTS, reason, message, {"request_id": error.request_id})
    metadata = {"request_id": error.request_id, "job_id": error.job_id}
    return Refusal(Code.ALREADY_EXISTS, reason, str(error), metadata, resource=(JOB, error.job_id))


def _conflicting(error: errors.ConflictingJobError) -> Refusal:
    reason = "ERROR_REASON_CONFLICTING_JOB_ACTIVE"
    if not current_caller().owns(error.store_id):  # a retry takes its job's locks, which may be outside the store
        message = "a job of another store is in the way; wait for it, or queue behind it"
        return Refusal(Code.ABORTED, reason, message)
    metadata = {"job_id": error.job_id, "lock_key": error.lock_key}
    return Refusal(Code.ABORTED, reason, str(error), metadata, resource=(JOB, error.job_id))


def _deleted(error: errors.JobDeletedError) -> Refusal:
    reason = "ERROR_REASON_JOB_DELETED"
    if current_caller().stores is not None:  # as above
        message = f"the job that request id {error.request_id!r} made has been deleted; use a new request id"
        return Refusal(Code.NOT_FOUND, reason, message, {"request_id": error.request_id})
    metadata = {"request_id": error.request_id, "job_id": error.job_id}
    return Refusal(Code.NOT_FOUND, reason, str(error), metadata, resource=(JOB, error.job_id))


def _scope_unsupported(error: errors.RetryScopeUnsupportedError) -> Refusal:
    metadata = {"job_id": error.job_id, "type": error.type}
    return Refusal(Code.FAILED_PRECONDITION, "ERROR_REASON_RETRY_SCOPE_UNSUPPORTED", str(error), metadata)


def _type_unknown(error: errors.JobTypeNotRegisteredError) -> Refusal:
    metadata = {"type": error.type}
    return Refusal(Code.FAILED_PRECONDITION, "ERROR_REASON_JOB_TYPE_NOT_REGISTERED", str(error), metadata)


def _illegal(error: errors.IllegalTransitionError) -> Refusal:
    metadata = {"job_id": error.job_id, "state": error.state, "call": error.call}
    return Refusal(Code.FAILED_PRECONDITION, "ERROR_REASON_ILLEGAL_TRANSITION", str(error), metadata)


def _not_reached(error: errors.TotalNotReachedError) -> Refusal:
    metadata = {"processed": str(error.processed), "total": str(error.total)}
    return Refusal(Code.FAILED_PRECONDITION, "ERROR_REASON_TOTAL_NOT_REACHED", str(error), metadata)


def _lease_lost(error: errors.LeaseLostError) -> Refusal:
    metadata = {"job_id": error.job_id, "attempt": str(error.attempt)}
    return Refusal(Code.ABORTED, "ERROR_REASON_LEASE_LOST", str(error), metadata)


def _invalid(reason: str, error: errors.InvalidFieldsError) -> Refusal:
    return Refusal(Code.INVALID_ARGUMENT, reason, str(error), violations=error.violations)


def _unavailable(error: Exception) -> Refusal:
    return Refusal(Code.UNAVAILABLE, "ERROR_REASON_UNAVAILABLE", str(error), retry_seconds=RETRY_SECONDS)


def _too_slow(error: ReaderTooSlowError) -> Refusal:
    job_id = getattr(error.request, "job_id", "")
    metadata = {"job_id": job_id} if job_id else {}
    return Refusal(Code.RESOURCE_EXHAUSTED, "ERROR_REASON_WATCHER_TOO_SLOW", str(error), metadata)


def reason_of(error: errors.TrackerError) -> tuple[ErrorReason.ValueType, str]:
    """Say why a part of a call is refused, as the contract's enum does, and in a sentence that its caller may read."""
    refusal = refusal_for(ERRORS, error)
    assert refusal is not None  # noqa: S101 - `ERRORS` has a row for every class: a test holds it against their tree
    return ErrorReason.Value(refusal.reason), refusal.message


ERRORS: ErrorTable = {
    **AT_THE_DOOR,
    PermissionsChangedError: _unavailable,
    errors.JobNotFoundError: _not_found,
    errors.RequestIdReusedError: _request_id_reused,
    errors.ConflictingJobError: _conflicting,
    errors.JobDeletedError: _deleted,
    errors.JobTypeNotRegisteredError: _type_unknown,
    errors.RetryScopeUnsupportedError: _scope_unsupported,
    errors.IllegalTransitionError: _illegal,
    errors.TotalNotReachedError: _not_reached,
    errors.LeaseLostError: _lease_lost,
    errors.InvalidFieldsError: lambda error: _invalid("ERROR_REASON_INVALID_FIELD", error),
    errors.ProgressInvalidError: lambda error: _invalid("ERROR_REASON_PROGRESS_INVALID", error),
    errors.PageTokenInvalidError: lambda error: _invalid("ERROR_REASON_PAGE_TOKEN_INVALID", error),
    errors.ConfirmTokenInvalidError: lambda error: _invalid("ERROR_REASON_CONFIRM_TOKEN_INVALID", error),
    errors.ResumeTokenInvalidError: lambda error: _invalid("ERROR_REASON_RESUME_TOKEN_INVALID", error),
    errors.StoppingError: _unavailable,
    DatabaseUnavailableError: _unavailable,
    ReaderTooSlowError: _too_slow,
}
